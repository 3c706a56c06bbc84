//! A driver's files.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use kmdf_image::{Image, Symbols};
use kmdf_install::{Inf, RegistryValue, Stamp};

use super::BootError;

/// What a session runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Driver {
    /// The image, a `.sys` file.
    pub image: PathBuf,
    /// Its PDB; without one, the PDB beside the image if there is one.
    pub symbols: Option<PathBuf>,
    /// The INF or INX it is installed from.
    pub inf: PathBuf,
}

/// A driver's files, read and checked: what many sessions of it share.
#[derive(Clone, Debug)]
pub struct Package {
    /// The image.
    pub image: Rc<Image>,
    /// Its symbols.
    pub symbols: Rc<Symbols>,
    /// `None`: no PnP driver.
    pub(super) inf: Option<Rc<Inf>>,
    /// Values of the hardware keys and of the service's Parameters beside those of the INF.
    pub(super) registry: Rc<[(String, RegistryValue)]>,
}

impl Package {
    /// Reads a driver's files.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn read(driver: &Driver) -> Result<Self, BootError> {
        let image = Image::read(&driver.image)?;
        let symbols = Symbols::load(&image, driver.symbols.as_deref())?;
        let inf = Inf::read(&driver.inf, &stamp(&image)?)?;
        Ok(Self {
            image: Rc::new(image),
            symbols: Rc::new(symbols),
            inf: Some(Rc::new(inf)),
            registry: Rc::default(),
        })
    }

    /// With values in the hardware key of every device and in the Parameters of the driver's service,
    /// beside those that the INF adds, and instead of those of the same name.
    #[must_use]
    pub fn with_registry(mut self, values: &[(String, RegistryValue)]) -> Self {
        self.registry = values.into();
        self
    }

    /// The same image with another INF.
    ///
    /// # Errors
    /// The INF cannot be used.
    pub fn with_inf(&self, inf: &Path) -> Result<Self, BootError> {
        Ok(Self {
            inf: Some(Rc::new(Inf::read(inf, &stamp(&self.image)?)?)),
            ..self.clone()
        })
    }

    /// Reads a driver that PnP knows nothing of: without an INF, it is started as a service, and makes
    /// control devices.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn without_inf(image: &Path, symbols: Option<&Path>) -> Result<Self, BootError> {
        let image = Image::read(image)?;
        stamp(&image)?;
        let symbols = Symbols::load(&image, symbols)?;
        Ok(Self {
            image: Rc::new(image),
            symbols: Rc::new(symbols),
            inf: None,
            registry: Rc::default(),
        })
    }

    /// The name of the driver's service, where no INF says it: that of the image.
    pub(super) fn service(&self) -> String {
        let file = Path::new(self.image.file());
        file.file_stem()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// What stampinf would put into an .inx for this image.
fn stamp(image: &Image) -> Result<Stamp, BootError> {
    let Some(info) = image.bind_info() else {
        return Err(BootError::NotKmdf {
            file: image.file().to_owned(),
        });
    };
    Ok(Stamp {
        architecture: "amd64".to_owned(),
        kmdf_version: format!("{}.{}", info.major, info.minor),
        date: "01/01/2026".to_owned(),
        version: "1.0.0.0".to_owned(),
    })
}
