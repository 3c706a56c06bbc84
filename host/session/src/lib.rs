//! A session: the host installs and loads a driver, starts its devices, runs apps against it, and removes everything.
//!
//! A test of a driver uses this crate; its parts belong to [`Host`].

#![cfg(unix)]

mod app;
mod error;
mod installed;
mod package;

use std::{pin::Pin, rc::Rc, time::Duration};

use self::installed::install;
pub use self::{
    error::BootError,
    installed::{Installed, Interrupts},
    package::{Driver, Package},
};
pub use app::Server;
use kmdf_abi::ntstatus::NtStatus;
use kmdf_framework::{File, Host, Operation, Outcome};
use kmdf_image::Image;
use kmdf_install::RegistryValue;
use kmdf_machine::{Counts, Parts, Stop, Turn};

/// A driver that runs.
pub struct Session {
    host: Pin<Box<Host>>,
    installed: Vec<Installed>,
    package: Package,
    /// Whether the driver was loaded and not unloaded.
    loaded: bool,
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
        machine: Parts,
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
        machine: Parts,
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
        machine: Parts,
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
    pub fn install(
        package: &Package,
        machine: Parts,
        interrupts: Interrupts,
    ) -> Result<Self, BootError> {
        let host = Host::new(machine).map_err(BootError::Machine)?;
        let installed = match &package.inf {
            Some(inf) => install(&host, inf, interrupts)?,
            None => Vec::new(),
        };
        for device in &installed {
            host.install_registry(device.slot, &device.installation);
        }
        for (name, value) in package.registry.iter() {
            for device in &installed {
                host.set_registry_value(device.slot, name, value.clone());
            }
            host.set_parameter(name, value.clone());
        }
        Ok(Self {
            host,
            installed,
            package: package.clone(),
            loaded: false,
        })
    }

    /// Sets a value in the hardware key of every device.
    pub fn set_registry_value(&self, name: &str, value: &RegistryValue) {
        for device in &self.installed {
            self.host
                .set_registry_value(device.slot, name, value.clone());
        }
    }

    /// Loads the driver and starts its devices.
    ///
    /// # Errors
    /// The driver refuses, or the run stops.
    pub fn start(&mut self) -> Result<(), BootError> {
        let service = match self.installed.first() {
            Some(device) => device.installation.service.name.clone(),
            None => self.package.service(),
        };
        let Package { image, symbols, .. } = self.package.clone();
        let image = Image::clone(&image);
        let status = self.host.load(image, symbols, &service)??;
        accepted(&self.host, "DriverEntry", status)?;
        self.loaded = true;
        for device in &mut self.installed {
            let status = self.host.add_device(device.slot)?;
            accepted(&self.host, "EvtDriverDeviceAdd", status)?;
            device.added = true;
            let status = self.host.start_device(device.slot, device.grant)?;
            accepted(&self.host, "starting the device", status)?;
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
        /// How long the device is listened to while no app waits for it: it may interrupt by itself.
        const LISTEN: Duration = Duration::from_millis(1);
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
                let limit = if pending { BUSY } else { LISTEN };
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
    ///
    /// # Errors
    /// The run stopped.
    pub fn take_down(&mut self) -> Result<(), Stop> {
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
fn accepted(host: &Host, step: &'static str, status: NtStatus) -> Result<(), BootError> {
    if status.is_success() {
        return Ok(());
    }
    let because = host.last_refusal();
    Err(BootError::Refused {
        step,
        status,
        because,
    })
}
