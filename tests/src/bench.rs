//! Machines for the driver to be booted on, in this process.

use std::{cell::RefCell, path::PathBuf, rc::Rc};

use edu_lab::EduModel;
use edu_model::{Config, Faults};
use kmdf_host::{
    BootError, Checks, Driver, Grant, Host, Interrupts, Machine, NtStatus, Schedule, Session, Stop,
    device::{
        PciFunction,
        qemu::{Qemu, QemuOptions},
        trace::{Recorded, Recording},
    },
    image::{Image, Symbols},
    install::RegistryValue,
    strategy,
};

use crate::{
    found,
    lab::{Lab, Records},
    seeds::Replay,
};

/// Which edu device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The model.
    Model,
    /// QEMU's own.
    Qemu,
}

/// Both kinds of device, with the line and with messages: what every scenario that does not need
/// the model's special powers runs on.
pub const EVERYWHERE: [(Kind, Interrupts); 4] = [
    (Kind::Model, Interrupts::AsInstalled),
    (Kind::Model, Interrupts::Line),
    (Kind::Qemu, Interrupts::AsInstalled),
    (Kind::Qemu, Interrupts::Line),
];

/// A machine to be.
pub struct Bench {
    functions: Vec<Box<dyn PciFunction>>,
    /// Whether they are models that do everything right.
    sound: bool,
    processors: u32,
    seed: Option<u64>,
    interrupts: Interrupts,
    shared_line: bool,
    inf: PathBuf,
    registry: Vec<(String, RegistryValue)>,
    free_memory_from: u64,
}

impl Bench {
    /// A machine with these devices, two processors and the simplest schedule.
    #[must_use]
    pub fn with(functions: Vec<Box<dyn PciFunction>>) -> Self {
        Self {
            functions,
            sound: false,
            processors: 2,
            seed: None,
            interrupts: Interrupts::AsInstalled,
            shared_line: false,
            inf: found::inf(),
            registry: Vec::new(),
            free_memory_from: 0,
        }
    }

    /// With a value in the hardware key.
    #[must_use]
    pub fn registry(mut self, name: &str, value: u32) -> Self {
        self.registry
            .push((name.to_owned(), RegistryValue::Dword(value)));
        self
    }

    /// With all memory taken below an address.
    #[must_use]
    pub const fn free_memory_from(mut self, address: u64) -> Self {
        self.free_memory_from = address;
        self
    }

    /// Installed from another INF.
    #[must_use]
    pub fn inf(mut self, inf: impl Into<PathBuf>) -> Self {
        self.inf = inf.into();
        self
    }

    /// A machine with one device.
    #[must_use]
    pub fn with_device(device: impl PciFunction + 'static) -> Self {
        Self::with(vec![Box::new(device)])
    }

    /// A machine with one model.
    #[must_use]
    pub fn model(config: Config) -> Self {
        Self {
            sound: config.faults == Faults::default(),
            ..Self::with_device(EduModel::new(config))
        }
    }

    /// A machine with QEMU's device.
    #[must_use]
    pub fn qemu() -> Self {
        Self::with(vec![qemu()])
    }

    /// A machine with one healthy device of a kind, which masters addresses up to a mask.
    #[must_use]
    pub fn with_dma_mask(kind: Kind, dma_mask: u64) -> Self {
        match kind {
            Kind::Model => Self::model(Config {
                dma_mask,
                ..Config::default()
            }),
            Kind::Qemu => Self::with(vec![qemu_as(&format!("edu,dma_mask={dma_mask:#x}"))]),
        }
    }

    /// A machine with one healthy device of a kind.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Model => Self::model(Config::default()),
            Kind::Qemu => Self::qemu(),
        }
    }

    /// With that many processors.
    #[must_use]
    pub const fn processors(mut self, processors: u32) -> Self {
        self.processors = processors;
        self
    }

    /// With the schedule of that seed.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// With these interrupts.
    #[must_use]
    pub const fn interrupts(mut self, interrupts: Interrupts) -> Self {
        self.interrupts = interrupts;
        self
    }

    /// With the interrupt pins of all devices wired together.
    #[must_use]
    pub const fn shared_line(mut self) -> Self {
        self.shared_line = true;
        self
    }

    /// Boots the driver.
    ///
    /// # Panics
    /// It does not come up.
    #[must_use]
    pub fn boot(self) -> Lab {
        match self.try_boot() {
            Ok(lab) => lab,
            Err(error) => panic!("the driver does not come up: {error}"),
        }
    }

    /// Boots the driver.
    ///
    /// # Errors
    /// It does not come up.
    pub fn try_boot(self) -> Result<Lab, BootError> {
        let driver = Driver {
            inf: self.inf.clone(),
            ..shipped()
        };
        self.boot_driver(&driver)
    }

    /// Boots another driver.
    ///
    /// # Errors
    /// It does not come up.
    pub fn boot_driver(self, driver: &Driver) -> Result<Lab, BootError> {
        let replay = Replay { seed: self.seed };
        let (interrupts, sound) = (self.interrupts, self.sound);
        let registry = self.registry.clone();
        let (machine, recordings, records) = self.machine();
        let session = Session::boot_with_registry(driver, machine, interrupts, &registry)?;
        Ok(Lab {
            session,
            recordings,
            records,
            sent: RefCell::default(),
            sound,
            replay,
        })
    }

    /// Loads the driver, adds the first device, starts it, which must fail, removes it and unloads
    /// the driver, which must leave nothing behind. Gives what the start failed with.
    ///
    /// # Panics
    /// Another step fails, the start does not, or something is left.
    #[must_use]
    pub fn start_is_refused(self) -> NtStatus {
        let grant = match self.interrupts {
            Interrupts::Line => Grant::Line,
            Interrupts::AsInstalled | Interrupts::OneMessage => Grant::Messages(1),
        };
        self.refused_at(|host| {
            assert!(went(host.add_device(0)).is_success());
            let status = went(host.start_device(0, grant));
            went(host.remove_device(0));
            status
        })
    }

    /// Loads the driver, adds the first device, which must fail, and unloads the driver, which must leave
    /// nothing behind. Gives what it failed with.
    ///
    /// # Panics
    /// Another step fails, this one does not, or something is left.
    #[must_use]
    pub fn add_is_refused(self) -> NtStatus {
        self.refused_at(|host| went(host.add_device(0)))
    }

    fn refused_at(self, step: impl FnOnce(&Host) -> NtStatus) -> NtStatus {
        let _replay = Replay { seed: self.seed };
        let image = Image::read(&found::driver()).expect("the driver can be read");
        let symbols = Symbols::load(&image, None).expect("its symbols can be read");
        let host = Host::new(self.machine().0).expect("there is room for a machine");
        let loaded = host.load(image, symbols, "edu_kmdf");
        assert!(went(loaded.expect("the image can be mapped")).is_success());
        let status = step(&host);
        assert!(!status.is_success(), "it is not refused");
        went(host.unload());
        status
    }

    /// The machine, the trace of each of its devices and the records of what happens in it.
    fn machine(self) -> (Machine, Vec<Recording>, Records) {
        let records = Records::default();
        let recorder = Rc::clone(&records);
        let mut recordings = Vec::new();
        let mut functions: Vec<Box<dyn PciFunction>> = Vec::new();
        for function in self.functions {
            let (function, recording) = Recorded::new(function);
            functions.push(Box::new(function));
            recordings.push(recording);
        }
        let machine = Machine {
            processors: self.processors,
            shared_lines: Machine::lines(functions.len(), self.shared_line),
            functions,
            strategy: strategy(self.seed, Schedule::default()),
            event_limit: 200,
            observer: Some(Box::new(move |record| {
                recorder.borrow_mut().push(record.clone());
            })),
            checks: Checks::All,
            free_memory_from: self.free_memory_from,
        };
        (machine, recordings, records)
    }
}

fn went<T>(outcome: Result<T, Stop>) -> T {
    match outcome {
        Ok(value) => value,
        Err(stop) => panic!("the run stopped: {stop}"),
    }
}

/// The driver as it is shipped, with its INF.
#[must_use]
pub fn shipped() -> Driver {
    Driver {
        image: found::driver(),
        symbols: None,
        inf: found::inf(),
    }
}

/// QEMU's device.
///
/// # Panics
/// QEMU is not installed or does not start.
#[must_use]
pub fn qemu() -> Box<dyn PciFunction> {
    qemu_as("edu")
}

/// QEMU's device, as its `-device` option takes it.
fn qemu_as(device: &str) -> Box<dyn PciFunction> {
    let mut options = QemuOptions::new(device);
    options.qemu = Some(found::qemu());
    match Qemu::start(options) {
        Ok(qemu) => Box::new(qemu),
        Err(error) => panic!("QEMU's edu device cannot be had: {error}"),
    }
}

/// n! modulo 2^32, computed here.
#[must_use]
pub fn factorial(n: u32) -> u32 {
    (1..=n.min(34)).fold(1, u32::wrapping_mul)
}
