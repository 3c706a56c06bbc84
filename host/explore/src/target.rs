//! What is explored: a driver's files, read once.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf, rc::Rc};

use kmdf_install::RegistryValue;
use kmdf_session::{BootError, Driver, Package};

use super::{accesses::Accesses, boundary::Boundaries};

/// A driver, on machines with that many processors: what the runs of one exploration share.
///
/// It stays on its thread; [`super::explore`] makes one for each of its threads.
pub struct Target {
    files: Files,
    registry: Vec<(String, RegistryValue)>,
    pub(crate) package: Package,
    pub(crate) code: Rc<Boundaries>,
    pub(crate) accesses: Rc<Accesses>,
    pub(crate) processors: u32,
    /// The same with the other INFs that scenarios ask for.
    others: RefCell<BTreeMap<&'static str, Package>>,
}

/// A driver's files.
#[derive(Clone)]
enum Files {
    Installed(Driver),
    /// Without an INF: the image, and its PDB.
    Alone(PathBuf, Option<PathBuf>),
}

impl Files {
    fn read(&self) -> Result<Package, BootError> {
        match self {
            Self::Installed(driver) => Package::read(driver),
            Self::Alone(image, symbols) => Package::without_inf(image, symbols.as_deref()),
        }
    }
}

impl Target {
    /// Reads a driver's files. The values are as those of [`Package::with_registry`]: beside those that
    /// the INF adds and instead of those of the same name.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn read(
        driver: Driver,
        processors: u32,
        registry: Vec<(String, RegistryValue)>,
    ) -> Result<Self, BootError> {
        Self::of(Files::Installed(driver), processors, registry)
    }

    /// Reads a driver that PnP knows nothing of: see [`Package::without_inf`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn without_inf(
        image: PathBuf,
        symbols: Option<PathBuf>,
        processors: u32,
        registry: Vec<(String, RegistryValue)>,
    ) -> Result<Self, BootError> {
        Self::of(Files::Alone(image, symbols), processors, registry)
    }

    fn of(
        files: Files,
        processors: u32,
        registry: Vec<(String, RegistryValue)>,
    ) -> Result<Self, BootError> {
        let package = files.read()?.with_registry(&registry);
        Ok(Self {
            code: Rc::new(Boundaries::of(&package.image)),
            accesses: Rc::default(),
            files,
            registry,
            package,
            processors,
            others: RefCell::default(),
        })
    }

    /// One more of the same, for another thread.
    pub(crate) fn another(&self) -> impl Fn() -> Result<Self, BootError> + Send + use<> {
        let files = self.files.clone();
        let processors = self.processors;
        let registry = self.registry.clone();
        move || Self::of(files.clone(), processors, registry.clone())
    }

    /// The driver's files, as they were read.
    #[must_use]
    pub const fn files(&self) -> &Package {
        &self.package
    }

    /// The driver as it is installed from an INF beside its own, or from its own.
    pub(crate) fn package(&self, inf: Option<&'static str>) -> Result<Package, BootError> {
        let (Some(name), Files::Installed(driver)) = (inf, &self.files) else {
            return Ok(self.package.clone());
        };
        if let Some(package) = self.others.borrow().get(name) {
            return Ok(package.clone());
        }
        let package = self.package.with_inf(&driver.inf.with_file_name(name))?;
        self.others.borrow_mut().insert(name, package.clone());
        Ok(package)
    }
}
