//! The compiler, the linker, and `core` and `alloc` for Windows.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    arch::Arch,
    command,
    error::{Error, Result},
    packages::Packages,
};

/// Where the library for the Windows target comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// rustup's if it has or can fetch it, else Debian's.
    Auto,
    /// rustup's compiler and its `rust-std` component for the target.
    Rustup,
    /// Debian's compiler, and `core` and `alloc` built from Debian's source of them.
    Debian,
}

/// A compiler that can make code for the target, and what cargo must be told about it.
#[derive(Debug)]
pub struct Toolchain {
    /// cargo itself.
    pub cargo: PathBuf,
    /// The compiler's own directory, with its libraries.
    pub sysroot: PathBuf,
    /// The linker, which is also the archiver.
    pub lld: PathBuf,
    /// Debian's compiler, when rustup's is not used.
    pub debian: Option<DebianRust>,
    /// What the compiler says its version is.
    pub version: String,
}

/// Debian's compiler, unpacked from its packages.
#[derive(Debug)]
pub struct DebianRust {
    /// The compiler.
    pub rustc: PathBuf,
    /// Directories with the libraries it needs.
    pub library_paths: Vec<PathBuf>,
}

/// Debian's packages of a compiler new enough, and of its library's source. The two are built
/// from one source: another version of the library would not compile with this compiler.
const DEBIAN_RUST: [&str; 2] = ["rustc-web", "rust-web-src"];

const INSTALL_RUSTUP: &str = "install rustup's stable toolchain (https://rustup.rs)";

impl Toolchain {
    /// Finds or makes ready a toolchain for `arch`.
    ///
    /// # Errors
    ///
    /// If there is no rustup toolchain, or the library for the target cannot be had.
    pub fn find(choice: Choice, arch: Arch, packages: &Packages) -> Result<Self> {
        let cargo = env::var_os("CARGO")
            .unwrap_or_else(|| OsString::from("cargo"))
            .into();
        let rustup = Rustc::find()?;
        let lld = rustup.lld()?;
        let debian = match choice {
            Choice::Rustup => {
                rustup.add_target(arch)?;
                None
            }
            Choice::Debian => Some(DebianRust::unpack(packages)?),
            Choice::Auto => match rustup.add_target(arch) {
                Ok(()) => None,
                Err(error) => {
                    eprintln!("cross: {error}\ncross: going on with Debian's compiler");
                    Some(DebianRust::unpack(packages)?)
                }
            },
        };
        let version = match &debian {
            Some(debian) => debian.version()?,
            None => rustup.version,
        };
        let sysroot = match &debian {
            Some(debian) => debian.sysroot(),
            None => rustup.sysroot,
        };
        Ok(Self {
            cargo,
            sysroot,
            lld,
            debian,
            version,
        })
    }

    /// The commit that the compiler was built from, which it puts into the paths of its library.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        let hash = self
            .version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "));
        hash.filter(|hash| *hash != "unknown")
    }
}

/// rustup's compiler.
struct Rustc {
    sysroot: PathBuf,
    host: String,
    version: String,
}

impl Rustc {
    fn find() -> Result<Self> {
        let ask = |args: &[&str]| {
            command::answer("rustc", args)
                .ok_or_else(|| Error::missing("there is no rustc on PATH", INSTALL_RUSTUP))
        };
        let version = ask(&["--version", "--verbose"])?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| Error::missing("rustc does not tell its host", INSTALL_RUSTUP))?
            .to_owned();
        Ok(Self {
            sysroot: ask(&["--print", "sysroot"])?.into(),
            host,
            version,
        })
    }

    fn lld(&self) -> Result<PathBuf> {
        let path = self
            .sysroot
            .join("lib/rustlib")
            .join(&self.host)
            .join("bin/rust-lld");
        if path.exists() {
            return Ok(path);
        }
        Err(Error::missing(
            format!(
                "the toolchain at {} has no linker {}",
                self.sysroot.display(),
                path.display()
            ),
            format!("{INSTALL_RUSTUP}; a distribution's own rustc comes without rust-lld"),
        ))
    }

    /// Has rustup fetch the target's library unless it is there.
    fn add_target(&self, arch: Arch) -> Result<()> {
        let target = arch.target();
        if has_core(&self.sysroot, target) {
            return Ok(());
        }
        eprintln!("cross: rustup target add {target}");
        command::capture(
            Command::new("rustup").args(["target", "add", target]),
            &format!("fetching Rust's library for {target}"),
            "check that rustup reaches its server, or use --toolchain debian",
        )?;
        if has_core(&self.sysroot, target) {
            return Ok(());
        }
        Err(Error::missing(
            format!(
                "rustup added {target} to another toolchain than {}",
                self.sysroot.display()
            ),
            "run `rustup show`, then `rustup target add` for the active toolchain",
        ))
    }
}

fn has_core(sysroot: &Path, target: &str) -> bool {
    let directory = sysroot.join("lib/rustlib").join(target).join("lib");
    directory.read_dir().is_ok_and(|mut entries| {
        entries.any(|entry| {
            entry.is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        })
    })
}

impl DebianRust {
    fn unpack(packages: &Packages) -> Result<Self> {
        let root = packages.unpack(
            &DEBIAN_RUST,
            "install rustup's stable toolchain where rustup can fetch the Windows target",
        )?;
        let rustc = root.join("usr/bin/rustc");
        if !rustc.exists() {
            return Err(Error::missing(
                format!("Debian's packages have no compiler at {}", rustc.display()),
                "delete target/cross/packages and run this again",
            ));
        }
        let library_paths = [
            "usr/lib",
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu",
        ]
        .map(|dir| root.join(dir))
        .into_iter()
        .filter(|dir| dir.is_dir())
        .collect();
        Ok(Self {
            rustc,
            library_paths,
        })
    }

    fn sysroot(&self) -> PathBuf {
        self.rustc
            .ancestors()
            .nth(2)
            .unwrap_or(&self.rustc)
            .to_owned()
    }

    fn version(&self) -> Result<String> {
        let mut rustc = Command::new(&self.rustc);
        rustc.args(["--version", "--verbose"]);
        if let Ok(paths) = env::join_paths(&self.library_paths) {
            rustc.env("LD_LIBRARY_PATH", paths);
        }
        let output = command::capture(
            &mut rustc,
            "asking Debian's compiler for its version",
            "delete target/cross/packages and run this again",
        )?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}
