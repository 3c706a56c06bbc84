//! Which driver is built: one of the checkout, or one that stands on its layer from outside.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Kind, Result},
    files,
    layout::Layout,
};

/// A driver in Rust: a package.
#[derive(Debug)]
pub struct Source {
    package: String,
    /// Where it is, if that is outside of the checkout.
    directory: Option<PathBuf>,
}

impl Source {
    /// A package of the checkout.
    #[must_use]
    pub fn of_the_checkout(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            directory: None,
        }
    }

    /// The package of a manifest.
    ///
    /// # Errors
    ///
    /// If the manifest cannot be read or names no package.
    pub fn outside(manifest: &Path) -> Result<Self> {
        let manifest =
            fs::canonicalize(manifest).map_err(|error| Error::io("find", manifest, error))?;
        let name = files::read_text(&manifest)?
            .parse::<toml::Table>()
            .ok()
            .and_then(|table| Some(table.get("package")?.get("name")?.as_str()?.to_owned()));
        let package = name.ok_or_else(|| {
            Error::new(
                Kind::Io,
                format!("{} has no package.name", manifest.display()),
                "name the Cargo.toml of a driver",
            )
        })?;
        Ok(Self {
            package,
            directory: manifest.parent().map(Path::to_owned),
        })
    }

    /// The manifest of a package of the checkout that is a workspace of its own: its driver model is not the checkout's.
    pub(crate) fn own_workspace(&self, layout: &Layout) -> Option<PathBuf> {
        if self.directory.is_some() {
            return None;
        }
        let mut directories = entries(&layout.repository().join("driver")).ok()?;
        directories.sort();
        directories.into_iter().find_map(|directory| {
            let manifest = directory.join("Cargo.toml");
            let table = files::read_text(&manifest)
                .ok()?
                .parse::<toml::Table>()
                .ok()?;
            let name = table.get("package")?.get("name")?.as_str()?;
            (table.contains_key("workspace") && name == self.package).then_some(manifest)
        })
    }

    /// The package's name, which the image has, too.
    #[must_use]
    pub fn package(&self) -> &str {
        &self.package
    }

    /// What the driver is installed from: the INX beside the manifest, and for edu_kmdf those in inf/.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn infs(&self, layout: &Layout) -> Result<Vec<PathBuf>> {
        let repository = layout.repository();
        let directories = if let Some(directory) = &self.directory {
            vec![directory.clone()]
        } else {
            // Each driver beside edu_kmdf has a directory of its own below driver/, or below its tests.
            let mut directories = entries(&repository.join("driver"))?;
            directories.extend(entries(&repository.join("tests/layer"))?);
            directories.retain(|path| path.is_dir());
            directories.push(repository.join("inf"));
            directories
        };
        let mut infs = Vec::new();
        for directory in directories {
            infs.extend(entries(&directory)?.into_iter().filter(|path| {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                path.extension().is_some_and(|extension| extension == "inx")
                    && stem.starts_with(&self.package)
            }));
        }
        if infs.is_empty() {
            return Err(Error::missing(
                format!("{} has no INX", self.package),
                "put NAME.inx beside its Cargo.toml",
            ));
        }
        Ok(infs)
    }

    /// Links the files of a driver from outside into a directory of its own, with a copy of the manifest and of the
    /// checkout's lock file: what cargo writes goes there. Returns that manifest.
    pub(crate) fn link(&self, layout: &Layout) -> Result<Option<PathBuf>> {
        let Some(directory) = &self.directory else {
            return Ok(None);
        };
        let scratch = layout.output().join("outside").join(&self.package);
        files::create_dir(&scratch)?;
        for path in entries(directory)? {
            let name = path.file_name().unwrap_or_default();
            if !["Cargo.toml", "Cargo.lock", "target", ".git"]
                .iter()
                .any(|other| name == *other)
            {
                files::link(&path, &scratch.join(name))?;
            }
        }
        let manifest = scratch.join("Cargo.toml");
        files::copy_if_changed(&directory.join("Cargo.toml"), &manifest)?;
        let lock = scratch.join("Cargo.lock");
        if !lock.exists() {
            files::copy_if_changed(&layout.workspace().join("Cargo.lock"), &lock)?;
        }
        Ok(Some(manifest))
    }
}

/// What is in a directory.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).map_err(|error| Error::io("list", directory, error))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    Ok(paths.collect())
}
