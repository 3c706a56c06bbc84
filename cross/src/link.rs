//! Linking reproducibly: the same sources give the same bytes, wherever the checkout is.
//!
//! lld puts the paths of its inputs and its command line into the PDB, and a hash of the PDB
//! into the image. rustc passes absolute paths, one of them in a directory with a random name.
//! So rustc gets this tool as its linker, under the name `lld-link`: it runs lld in the scratch
//! workspace with paths relative to that. And `wdk-sys` generates a source file with an absolute
//! path in it, of which the PDB has a checksum; the objects get that of the file with a relative
//! path instead.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use sha2::{Digest, Sha256};

use crate::{
    error::{Error, Result},
    files,
};

/// The name under which this tool is a linker. rustc knows by it which options to pass.
pub const NAME: &str = "lld-link";

/// What the PDB has in place of the checkout's path.
const ROOT_IN_PDB: &str = "/edu_kmdf";

/// The environment of the linker, set by [`variables`].
const LLD: &str = "CROSS_LLD";
const WORKSPACE: &str = "CROSS_WORKSPACE";
const SYSROOT: &str = "CROSS_SYSROOT";

/// What cargo's environment must have for the linker: where lld is, the scratch workspace, and
/// the compiler's own directory with the libraries.
#[must_use]
pub fn variables(lld: &Path, workspace: &Path, sysroot: &Path) -> [(&'static str, PathBuf); 3] {
    [
        (LLD, lld.into()),
        (WORKSPACE, workspace.into()),
        (SYSROOT, sysroot.into()),
    ]
}

/// Whether this process was started as a linker; then [`run`] is all it does.
#[must_use]
pub fn is_linker() -> bool {
    let name = env::args_os().next().map(PathBuf::from);
    name.is_some_and(|name| name.file_name().is_some_and(|name| name == NAME))
}

/// Links. The exit code is lld's.
#[must_use]
pub fn run() -> ExitCode {
    match link(env::args_os().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}

fn link(arguments: impl Iterator<Item = OsString>) -> Result<ExitCode> {
    let variable = |name: &str| {
        env::var(name).map_err(|_| {
            Error::build(
                format!("{name} is not set for the linker"),
                "build with `cargo run -p cross -- build`, not with cargo alone",
            )
        })
    };
    let lld = variable(LLD)?;
    let paths = Paths {
        workspace: variable(WORKSPACE)?,
        sysroot: variable(SYSROOT)?,
    };
    let mut command = Command::new(&lld);
    command.arg0("rust-lld").current_dir(&paths.workspace);
    let arguments = arguments
        .map(|argument| paths.relative(&argument.to_string_lossy()))
        .collect::<Result<Vec<_>>>()?;
    let checksums = paths.generated_checksums(&arguments)?;
    for argument in arguments {
        command.arg(paths.with_checksums(argument, &checksums)?);
    }
    command.arg(format!("/pdbsourcepath:{ROOT_IN_PDB}"));
    let status = command
        .status()
        .map_err(|error| Error::io("start the linker", Path::new(&lld), error))?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1)
        .into())
}

struct Paths {
    workspace: String,
    sysroot: String,
}

impl Paths {
    /// The argument with every path in it relative to the workspace, and in a fixed directory
    /// what rustc put into a random one.
    fn relative(&self, argument: &str) -> Result<String> {
        let output = Path::new(&self.workspace)
            .parent()
            .unwrap_or(Path::new(""))
            .to_string_lossy();
        let argument = argument
            .replace(&format!("{}/", self.workspace), "")
            .replace(&format!("{output}/"), "../")
            .replace(&format!("{}/", self.sysroot), "sysroot/");
        let Some(random) = random_directory(&argument) else {
            return Ok(argument);
        };
        let fixed = argument.replace(random, "rustc");
        let (from, to) = (input_path(&argument), input_path(&fixed));
        let workspace = Path::new(&self.workspace);
        if workspace.join(from).is_file() {
            files::copy_if_changed(&workspace.join(from), &workspace.join(to))?;
        }
        Ok(fixed)
    }
}

/// A source file's checksum as the compiler wrote it down, and as it is to be.
type Checksums = Vec<([u8; 32], [u8; 32])>;

impl Paths {
    /// The checksums of generated sources that contain the workspace's path. They lie where the
    /// linker looks for the libraries that were generated with them.
    fn generated_checksums(&self, arguments: &[String]) -> Result<Checksums> {
        let mut checksums = Checksums::new();
        let directories = arguments
            .iter()
            .filter_map(|argument| argument.strip_prefix("/LIBPATH:"))
            .map(Path::new);
        // That of a package with a workspace of its own is further down.
        let made_by_cargo = |path: &&Path| path.iter().any(|part| part == "target");
        for directory in directories.filter(made_by_cargo) {
            let directory = Path::new(&self.workspace).join(directory);
            let entries =
                fs::read_dir(&directory).map_err(|error| Error::io("list", &directory, error))?;
            for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
                if path.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let text = files::read_text(&path)?;
                let canonical = text.replace(&format!("{}/", self.workspace), "");
                if canonical != text {
                    checksums.push((
                        Sha256::digest(&text).into(),
                        Sha256::digest(&canonical).into(),
                    ));
                }
            }
        }
        Ok(checksums)
    }

    /// The argument; if it is an object or an archive that has one of the checksums, that of a
    /// copy that has the other one instead.
    fn with_checksums(&self, argument: String, checksums: &Checksums) -> Result<String> {
        let path = Path::new(&argument);
        let is_input = path
            .extension()
            .is_some_and(|extension| extension == "o" || extension == "rlib");
        if !is_input || checksums.is_empty() {
            return Ok(argument);
        }
        let workspace = Path::new(&self.workspace);
        let mut bytes = files::read(&workspace.join(path))?;
        let mut replaced = false;
        for (found, canonical) in checksums {
            while let Some(at) = memchr::memmem::find(&bytes, found) {
                bytes[at..at + canonical.len()].copy_from_slice(canonical);
                replaced = true;
            }
        }
        let (Some(parent), Some(name), true) = (path.parent(), path.file_name(), replaced) else {
            return Ok(argument);
        };
        let copy = parent.join("rustc").join(name);
        files::write_if_changed(&workspace.join(&copy), bytes)?;
        Ok(copy.to_string_lossy().into())
    }
}

/// The path in an argument: `/DEF:path` has it after the colon.
fn input_path(argument: &str) -> &str {
    match argument
        .strip_prefix('/')
        .and_then(|option| option.split_once(':'))
    {
        Some((_, path)) => path,
        None => argument,
    }
}

/// The component of the path that rustc made up: `rustc` and six letters or digits.
fn random_directory(argument: &str) -> Option<&str> {
    argument.split(['/', ':']).find(|component| {
        component.strip_prefix("rustc").is_some_and(|random| {
            random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(workspace: &Path) -> Paths {
        Paths {
            workspace: workspace.to_string_lossy().into(),
            sysroot: "/home/me/rust".into(),
        }
    }

    #[test]
    fn no_argument_keeps_the_path_of_the_checkout() {
        let paths = paths(Path::new("/src/edu/target/cross/workspace"));
        for (given, expected) in [
            ("/src/edu/target/cross/workspace/target/a.o", "target/a.o"),
            (
                "/OUT:/src/edu/target/cross/workspace/target/a.dll",
                "/OUT:target/a.dll",
            ),
            (
                "/LIBPATH:/src/edu/target/cross/wdk/Lib/x64",
                "/LIBPATH:../wdk/Lib/x64",
            ),
            ("/home/me/rust/lib/libcore.rlib", "sysroot/lib/libcore.rlib"),
            ("/NOLOGO", "/NOLOGO"),
            ("ntoskrnl.lib", "ntoskrnl.lib"),
        ] {
            assert_eq!(paths.relative(given).unwrap(), expected);
        }
    }

    #[test]
    fn an_input_in_a_directory_with_a_random_name_moves_to_one_with_a_fixed_name() {
        let dir = tempfile::tempdir().unwrap();
        files::write_if_changed(&dir.path().join("deps/rustcAb12Cd/lib.def"), "EXPORTS").unwrap();
        let given = format!("/DEF:{}/deps/rustcAb12Cd/lib.def", dir.path().display());
        assert_eq!(
            paths(dir.path()).relative(&given).unwrap(),
            "/DEF:deps/rustc/lib.def"
        );
        assert!(dir.path().join("deps/rustc/lib.def").is_file());
    }

    #[test]
    fn a_checkouts_path_in_a_generated_source_does_not_show_in_the_objects() {
        let objects = ["a", "b"].map(|checkout| {
            let dir = tempfile::tempdir().unwrap();
            let workspace = dir.path().join(checkout);
            let source = format!("include!(\"{}/target/out/types.rs\");", workspace.display());
            files::write_if_changed(&workspace.join("target/out/generated.rs"), &source).unwrap();
            let object = [b"debug", Sha256::digest(&source).as_slice(), b"code"].concat();
            files::write_if_changed(&workspace.join("target/a.o"), object).unwrap();

            let paths = paths(&workspace);
            let arguments = ["/LIBPATH:target/out".to_owned(), "target/a.o".to_owned()];
            let checksums = paths.generated_checksums(&arguments).unwrap();
            let copy = paths
                .with_checksums("target/a.o".into(), &checksums)
                .unwrap();
            assert_eq!(copy, "target/rustc/a.o");
            files::read(&workspace.join(copy)).unwrap()
        });
        assert_eq!(objects[0], objects[1]);
        assert!(objects[0].starts_with(b"debug") && objects[0].ends_with(b"code"));
    }

    #[test]
    fn an_object_without_such_a_checksum_is_linked_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        files::write_if_changed(&dir.path().join("target/a.o"), "object").unwrap();
        let checksums = vec![([1; 32], [2; 32])];
        let paths = paths(dir.path());
        assert_eq!(
            paths
                .with_checksums("target/a.o".into(), &checksums)
                .unwrap(),
            "target/a.o"
        );
    }
}
