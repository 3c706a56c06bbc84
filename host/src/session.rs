//! A session: a driver installed, loaded and started, apps served, everything taken down again.
//!
//! This is what a test of a driver uses; the parts it is made of are [`Host`]'s.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    rc::Rc,
    time::Duration,
};

use thiserror::Error;

use crate::{
    app::Server,
    event::Counts,
    host::{Host, Machine, Stop},
    image::{Image, ImageError, MapError, SymbolError, Symbols},
    install::{Inf, InfError, InstallError, Installation, Platform, RegistryValue, Stamp},
    io::{File, Operation, Outcome},
    ntstatus::NtStatus,
    pnp::Grant,
    run::Turn,
};

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

/// Which interrupts a device is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interrupts {
    /// As PnP would: messages if the INF asks for them and the device has them, else its line.
    #[default]
    AsInstalled,
    /// The line, as after a rebalance that left no messages.
    Line,
    /// Exactly one message, as when PnP cannot grant all.
    OneMessage,
}

/// Why a session did not come up.
#[derive(Debug, Error)]
pub enum BootError {
    /// The image cannot be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The PDB cannot be used.
    #[error(transparent)]
    Symbols(#[from] SymbolError),
    /// The image cannot be mapped.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The driver cannot be installed for any of the devices.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The INF cannot be read.
    #[error(transparent)]
    Inf(#[from] InfError),
    /// The image is no KMDF driver.
    #[error("{file}: no KMDF driver: it does not bind to the framework (KmdfLibrary)")]
    NotKmdf {
        /// The image.
        file: String,
    },
    /// The machine has no device at all.
    #[error("the virtual machine has no PCI function to install the driver for")]
    NoDevice,
    /// This machine has no room.
    #[error("no virtual machine can be made here: {0}")]
    Machine(std::io::Error),
    /// The driver refused.
    #[error("{step} failed with {status}")]
    Refused {
        /// In which of its routines.
        step: &'static str,
        /// With which status.
        status: NtStatus,
    },
    /// The run stopped.
    #[error(transparent)]
    Stopped(#[from] Stop),
}

/// A driver's files, read and checked: what many sessions of it share.
#[derive(Clone, Debug)]
pub struct Package {
    pub(crate) image: Rc<Image>,
    pub(crate) symbols: Rc<Symbols>,
    /// `None`: no PnP driver.
    inf: Option<Rc<Inf>>,
    /// Values of the hardware keys beside those of the INF.
    registry: Rc<[(String, RegistryValue)]>,
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

    /// With values in the hardware key of every device beside those that the INF adds, and instead of
    /// those of the same name.
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
    fn service(&self) -> String {
        let file = Path::new(self.image.file());
        file.file_stem()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }
}

/// A driver that runs.
pub struct Session {
    host: Pin<Box<Host>>,
    installed: Vec<Installed>,
    package: Package,
    /// Whether the driver was loaded and not unloaded.
    loaded: bool,
}

/// A device that the driver was installed for.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The slot of its function.
    pub slot: usize,
    /// What the INF did for it.
    pub installation: Installation,
    /// Its interrupts.
    pub grant: Grant,
    added: bool,
}

/// What a session came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How often what happened.
    pub counts: Counts,
}

impl Session {
    /// Installs the driver for every device of the machine that its INF names, loads it and starts
    /// the devices.
    ///
    /// # Errors
    /// A file cannot be used, the driver refuses, or the run stops.
    pub fn boot(
        driver: &Driver,
        machine: Machine,
        interrupts: Interrupts,
    ) -> Result<Self, BootError> {
        Self::boot_with_registry(driver, machine, interrupts, &[])
    }

    /// As [`Self::boot`], with values in the hardware keys: see [`Package::with_registry`].
    ///
    /// # Errors
    /// As [`Self::boot`].
    pub fn boot_with_registry(
        driver: &Driver,
        machine: Machine,
        interrupts: Interrupts,
        values: &[(String, RegistryValue)],
    ) -> Result<Self, BootError> {
        let package = Package::read(driver)?.with_registry(values);
        let mut session = Self::install(&package, machine, interrupts)?;
        session.start()?;
        Ok(session)
    }

    /// As [`Self::boot`], for files that were read before, or a driver without an INF.
    ///
    /// # Errors
    /// As [`Self::boot`].
    pub fn boot_package(
        package: &Package,
        machine: Machine,
        interrupts: Interrupts,
    ) -> Result<Self, BootError> {
        let mut session = Self::install(package, machine, interrupts)?;
        session.start()?;
        Ok(session)
    }

    /// Installs the driver for every device of the machine that its INF names.
    ///
    /// # Errors
    /// The INF does not fit the devices, or this machine has no room.
    pub(crate) fn install(
        package: &Package,
        machine: Machine,
        interrupts: Interrupts,
    ) -> Result<Self, BootError> {
        let host = Host::new(machine).map_err(BootError::Machine)?;
        let installed = match &package.inf {
            Some(inf) => install(&host, inf, interrupts)?,
            None => Vec::new(),
        };
        for device in &installed {
            host.install_registry(device.slot, &device.installation);
            for (name, value) in package.registry.iter() {
                host.set_registry_value(device.slot, name, value.clone());
            }
        }
        Ok(Self {
            host,
            installed,
            package: package.clone(),
            loaded: false,
        })
    }

    /// Sets a value in the hardware key of every device.
    pub(crate) fn set_registry_value(&self, name: &str, value: &RegistryValue) {
        for device in &self.installed {
            self.host
                .set_registry_value(device.slot, name, value.clone());
        }
    }

    /// Loads the driver and starts its devices.
    ///
    /// # Errors
    /// The driver refuses, or the run stops.
    pub(crate) fn start(&mut self) -> Result<(), BootError> {
        let service = match self.installed.first() {
            Some(device) => device.installation.service.name.clone(),
            None => self.package.service(),
        };
        let Package { image, symbols, .. } = self.package.clone();
        let image = Image::clone(&image);
        accepted("DriverEntry", self.host.load(image, symbols, &service)??)?;
        self.loaded = true;
        for device in &mut self.installed {
            accepted("EvtDriverDeviceAdd", self.host.add_device(device.slot)?)?;
            device.added = true;
            accepted(
                "starting the device",
                self.host.start_device(device.slot, device.grant)?,
            )?;
        }
        Ok(())
    }

    /// The virtual machine.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The devices that the driver was installed for.
    #[must_use]
    pub fn installed(&self) -> &[Installed] {
        &self.installed
    }

    /// Opens the first device interface of a class, as CreateFile does: see [`Host::open`].
    ///
    /// # Errors
    /// What the driver answered, or `STATUS_OBJECT_NAME_NOT_FOUND` where it has no such interface.
    pub fn open(&self, class: [u8; 16], access: u32) -> Result<Rc<File>, NtStatus> {
        self.host.open(class, 0, access)
    }

    /// Sends a request and runs the machine until it has ended.
    ///
    /// # Errors
    /// The run stopped.
    pub fn request(&self, file: &File, operation: Operation) -> Result<Outcome, Stop> {
        let irp = self.host.submit(file, operation);
        self.host.run_until(|_| irp.is_finished())?;
        let Some(outcome) = irp.outcome() else {
            unreachable!("a finished request has an outcome")
        };
        Ok(outcome)
    }

    /// Serves apps until `done` holds, which is asked whenever there is nothing to do.
    ///
    /// # Errors
    /// The run stopped. The apps have been told why.
    pub fn serve(&self, server: &mut Server, mut done: impl FnMut() -> bool) -> Result<(), Stop> {
        /// How long a wait for apps takes while none of them waits for the device.
        const IDLE: Duration = Duration::from_millis(5);
        /// How long a wait for the device takes while an app waits for it.
        const BUSY: Duration = Duration::from_micros(50);
        /// How many turns pass at most before `done` is asked although there is something to do.
        const TURNS: u32 = 1000;
        let mut turns = 0;
        loop {
            let active = server.serve(&self.host);
            let pending = server.has_pending();
            let turn = if !pending && self.host.has_only_alarms() {
                // A timer of the driver's: its time comes when an app waits again.
                Turn::Quiet
            } else {
                let limit = if pending { BUSY } else { Duration::ZERO };
                self.host.turn(limit).inspect_err(|stop| {
                    server.goodbye(&stop.to_string());
                })?
            };
            turns += 1;
            if (active || turn == Turn::Ran) && turns < TURNS {
                continue;
            }
            turns = 0;
            if done() {
                return Ok(());
            }
            if turn == Turn::Quiet || (turn == Turn::Waited && !pending) {
                server.wait(IDLE);
            }
        }
    }

    /// Removes the devices and unloads the driver.
    ///
    /// # Errors
    /// The run stopped.
    pub fn shut_down(mut self) -> Result<Summary, Stop> {
        self.take_down()?;
        Ok(Summary {
            counts: self.host.counts(),
        })
    }

    /// As [`Self::shut_down`], for who still looks at the host afterwards.
    pub(crate) fn take_down(&mut self) -> Result<(), Stop> {
        self.host.end_apps()?;
        for device in self.installed.iter_mut().filter(|device| device.added) {
            device.added = false;
            self.host.remove_device(device.slot)?;
        }
        if std::mem::take(&mut self.loaded) {
            self.host.unload()
        } else {
            Ok(())
        }
    }
}

/// What a routine of the driver returned, as a result.
fn accepted(step: &'static str, status: NtStatus) -> Result<(), BootError> {
    if status.is_success() {
        Ok(())
    } else {
        Err(BootError::Refused { step, status })
    }
}

/// Finds the devices that the INF names, and what it wants for each.
fn install(host: &Host, inf: &Inf, interrupts: Interrupts) -> Result<Vec<Installed>, BootError> {
    let mut installed = Vec::new();
    let mut refused = None;
    for (slot, function) in host.slots.iter().enumerate() {
        let ids = host.device_ids(slot);
        match Installation::plan(inf, &ids, &Platform::default()) {
            Ok(installation) => {
                let messages = installation
                    .msi
                    .map_or(0, |msi| msi.limit.unwrap_or(u32::MAX));
                let identity = &function.identity;
                let silent = identity.messages == 0 && !identity.interrupt_pin;
                let grant = match interrupts {
                    _ if silent => Grant::None,
                    Interrupts::Line => Grant::Line,
                    Interrupts::AsInstalled if messages == 0 => Grant::Line,
                    Interrupts::AsInstalled => Grant::Messages(messages),
                    Interrupts::OneMessage => Grant::Messages(messages.min(1)),
                };
                installed.push(Installed {
                    slot,
                    installation,
                    grant,
                    added: false,
                });
            }
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if installed.is_empty() => Err(error.into()),
        None if installed.is_empty() => Err(BootError::NoDevice),
        _ => Ok(installed),
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
