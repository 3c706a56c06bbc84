//! Where everything is. All that is made lies below `target/cross/` of the checkout.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    arch::Arch,
    error::{Error, Result},
};

/// The paths of one checkout.
#[derive(Debug, Clone)]
pub struct Layout {
    repository: PathBuf,
}

impl Layout {
    /// The layout of the checkout that contains the working directory, or, under `cargo run`,
    /// of the one this tool was built from.
    ///
    /// # Errors
    ///
    /// If that is no checkout of this project.
    pub fn find() -> Result<Self> {
        let start = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(env::current_dir, |dir| Ok(PathBuf::from(dir)))
            .map_err(|error| Error::io("find", Path::new("."), error))?;
        start
            .ancestors()
            .find(|dir| dir.join("driver/Cargo.toml").exists() && dir.join("cross/edits").exists())
            .map(|dir| Self {
                repository: dir.to_owned(),
            })
            .ok_or_else(|| {
                Error::missing(
                    format!("{} is not in a checkout of this project", start.display()),
                    "change into the checkout and try again",
                )
            })
    }

    /// The checkout itself.
    #[must_use]
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    /// All that this tool makes.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.repository.join("target/cross")
    }

    /// The finished driver for one architecture.
    #[must_use]
    pub fn artifacts(&self, arch: Arch) -> PathBuf {
        self.output().join(arch.to_string())
    }

    /// Unpacked distribution packages.
    #[must_use]
    pub fn packages(&self) -> PathBuf {
        self.output().join("packages")
    }

    /// The generated stand-in for the kit.
    #[must_use]
    pub fn wdk(&self) -> PathBuf {
        self.output().join("wdk")
    }

    /// The scratch workspace, with its own lock file and configuration.
    #[must_use]
    pub fn workspace(&self) -> PathBuf {
        self.output().join("workspace")
    }

    /// The scratch copy of the checkout for a package that is a workspace of its own.
    #[must_use]
    pub fn own_workspace(&self, package: &str) -> PathBuf {
        self.output().join("workspaces").join(package)
    }
}
