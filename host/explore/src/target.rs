//! What is explored: a driver's files, read once.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use kmdf_install::RegistryValue;
use kmdf_session::{BootError, Driver, Package};

use super::{accesses::Accesses, boundary::Boundaries};

/// A driver, on machines with that many processors: what the runs of one exploration share.
///
/// It stays on its thread; [`super::explore`] makes one for each of its threads.
pub struct Target {
    driver: Driver,
    registry: Vec<(String, RegistryValue)>,
    pub(crate) package: Package,
    pub(crate) code: Rc<Boundaries>,
    pub(crate) accesses: Rc<Accesses>,
    pub(crate) processors: u32,
    /// The same with the other INFs that scenarios ask for.
    others: RefCell<BTreeMap<&'static str, Package>>,
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
        let package = Package::read(&driver)?.with_registry(&registry);
        Ok(Self {
            code: Rc::new(Boundaries::of(&package.image)),
            accesses: Rc::default(),
            driver,
            registry,
            package,
            processors,
            others: RefCell::default(),
        })
    }

    /// One more of the same, for another thread.
    pub(crate) fn another(&self) -> impl Fn() -> Result<Self, BootError> + Send + use<> {
        let driver = self.driver.clone();
        let processors = self.processors;
        let registry = self.registry.clone();
        move || Self::read(driver.clone(), processors, registry.clone())
    }

    /// The driver as it is installed from an INF beside its own, or from its own.
    pub(crate) fn package(&self, inf: Option<&'static str>) -> Result<Package, BootError> {
        let Some(name) = inf else {
            return Ok(self.package.clone());
        };
        if let Some(package) = self.others.borrow().get(name) {
            return Ok(package.clone());
        }
        let package = self
            .package
            .with_inf(&self.driver.inf.with_file_name(name))?;
        self.others.borrow_mut().insert(name, package.clone());
        Ok(package)
    }
}
