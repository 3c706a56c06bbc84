//! Our medium: the answer file, the guest's scripts, the packages.
//!
//! A CD-ROM, for Setup looks for `autounattend.xml` at the root of every removable medium, and reads a CD
//! without a driver of ours. Windows reads its Joliet names, so these are what is read again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use crate::{Error, commands::Variant};

/// The scripts beside the packages, relative to `scripts/windows`.
pub const GUEST_SCRIPTS: [&str; 5] = [
    "common.ps1",
    "guest/begin.ps1",
    "guest/launch.ps1",
    "guest/agent.ps1",
    "guest/serial.ps1",
];

/// What a package must have for a run in Windows.
const IN_A_PACKAGE: [&str; 7] = [
    "edu_kmdf.sys",
    "test-certificate.cer",
    "common.ps1",
    "install.ps1",
    "verifier-on.ps1",
    "verifier-off.ps1",
    "verifier-report.ps1",
];

/// eductl in a package.
pub const EDUCTL: &str = "eductl.exe";

/// The packages, as `scripts/package.sh` makes them.
#[derive(Clone, Debug)]
pub struct Packages {
    /// That for interrupts at DIRQL, and that for `PASSIVE_LEVEL`.
    directories: [(Variant, PathBuf); 2],
}

impl Packages {
    /// The packages below a directory, complete but perhaps for eductl.
    ///
    /// # Errors
    /// One is not there, or lacks something.
    pub fn below(directory: &Path) -> Result<Self, Error> {
        let package = |variant, stem: &str| {
            let path = directory.join(format!("{stem}_amd64_package"));
            let inf = [format!("{stem}.inf"), format!("{stem}.cat")];
            let needed = IN_A_PACKAGE
                .into_iter()
                .chain(inf.iter().map(String::as_str));
            for name in needed {
                if !path.join(name).is_file() {
                    return Err(Error::Input(format!(
                        "there is no {name} in the package {}: sh scripts/package.sh makes it, with --passive \
                         the second one",
                        path.display()
                    )));
                }
            }
            Ok((variant, path))
        };
        Ok(Self {
            directories: [
                package(Variant::Normal, "edu_kmdf")?,
                package(Variant::Passive, "edu_kmdf_passive")?,
            ],
        })
    }

    /// Those that lack eductl.
    #[must_use]
    pub fn without_eductl(&self) -> Vec<&Path> {
        let directories = self.directories.iter();
        directories
            .map(|(_, path)| path.as_path())
            .filter(|path| !path.join(EDUCTL).is_file())
            .collect()
    }

    /// A hash of all that is in a package.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn hash(&self, wanted: Variant) -> Result<String, Error> {
        let mut hash = Sha256::new();
        for (_, path) in self
            .directories
            .iter()
            .filter(|(variant, _)| *variant == wanted)
        {
            for file in files(path)? {
                hash.update(file.to_string_lossy().as_bytes());
                hash.update(fs::read(path.join(&file)).map_err(Error::io(&file))?);
            }
        }
        Ok(format!("{:x}", hash.finalize()))
    }
}

/// Makes the medium.
///
/// # Errors
/// A file cannot be read or written, or xorriso fails.
pub fn make(
    xorriso: &Path,
    answer_file: &str,
    scripts: &Path,
    packages: &Packages,
    medium: &Path,
) -> Result<(), Error> {
    let tree = medium.with_extension("tree");
    if tree.exists() {
        fs::remove_dir_all(&tree).map_err(Error::io(&tree))?;
    }
    let ours = tree.join("edu_kmdf");
    write(&tree.join("autounattend.xml"), answer_file.as_bytes())?;
    for name in GUEST_SCRIPTS {
        copy(&scripts.join(name), &ours.join("windows").join(name))?;
    }
    for (variant, path) in &packages.directories {
        for file in files(path)? {
            copy(&path.join(&file), &ours.join(variant.name()).join(&file))?;
        }
    }
    let words = ["-as", "mkisofs", "-quiet", "--norock", "-J", "-joliet-long"];
    run(Command::new(xorriso)
        .args(words)
        .args(["-V", "EDU_KMDF", "-o"])
        .arg(medium)
        .arg(&tree))?;
    check(xorriso, medium, &tree)
}

/// Reads the medium again, by the names that Windows reads, and compares every byte.
///
/// # Errors
/// It is not what it was made of.
pub fn check(xorriso: &Path, medium: &Path, tree: &Path) -> Result<(), Error> {
    let again = tempfile::tempdir().map_err(Error::io("a directory"))?;
    let there = again.path().join("root");
    run(Command::new(xorriso)
        .args(["-read_fs", "norock", "-osirrox", "on", "-indev"])
        .arg(medium)
        .args(["-extract", "/"])
        .arg(&there))?;
    let (made_of, found) = (files(tree)?, files(&there)?);
    let read = |path: PathBuf| fs::read(&path).map_err(Error::io(path));
    let differs = |file: &PathBuf| Ok(read(tree.join(file))? != read(there.join(file))?);
    let wrong = || Error::Lacking(format!("{} is not what it was made of", medium.display()));
    if made_of != found {
        return Err(wrong());
    }
    for file in &made_of {
        if differs(file)? {
            return Err(wrong());
        }
    }
    Ok(())
}

fn run(command: &mut Command) -> Result<(), Error> {
    let name = command.get_program().to_owned();
    let output = command.output().map_err(Error::io(&name))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::Lacking(format!(
        "{}: {}",
        name.display(),
        said.trim()
    )))
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let directory = file.parent().unwrap_or(file);
    fs::create_dir_all(directory).map_err(Error::io(directory))?;
    fs::write(file, bytes).map_err(Error::io(file))
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let bytes = fs::read(from).map_err(Error::io(from))?;
    write(to, &bytes)
}

/// The files below a directory, in order, relative to it.
fn files(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut ahead = vec![PathBuf::new()];
    let mut files = Vec::new();
    while let Some(relative) = ahead.pop() {
        let path = directory.join(&relative);
        for entry in fs::read_dir(&path).map_err(Error::io(&path))? {
            let entry = entry.map_err(Error::io(&path))?;
            let name = relative.join(entry.file_name());
            if entry.path().is_dir() {
                ahead.push(name);
            } else {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}
