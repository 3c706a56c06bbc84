//! The driver in this process: booted, asked, looked into, taken down.

use std::{cell::RefCell, path::PathBuf, rc::Rc, time::Duration};

use edu_lab::EduModel;
use edu_model::Config;
use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    wire::{Event, EventCursor, Information, Statistics, Word},
};
use kmdf_host::{
    BootError, Driver, File, Grant, Host, InOrder, Interrupts, Irp, Machine, NtStatus, Operation,
    Outcome, Record, Seeded, Session, Stop, Strategy, Summary, Turn,
    device::{
        PciFunction,
        qemu::{Qemu, QemuOptions},
        trace::{Recorded, Recording, Trace},
    },
    image::{Image, Symbols},
};
use zerocopy::{FromBytes, IntoBytes};

use crate::{found, seeds::Replay};

/// `FILE_READ_DATA | FILE_WRITE_DATA`
pub const READ_WRITE: u32 = 3;

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
    processors: u32,
    seed: Option<u64>,
    interrupts: Interrupts,
    shared_line: bool,
    inf: PathBuf,
}

impl Bench {
    /// A machine with these devices, two processors and the simplest schedule.
    #[must_use]
    pub fn with(functions: Vec<Box<dyn PciFunction>>) -> Self {
        Self {
            functions,
            processors: 2,
            seed: None,
            interrupts: Interrupts::AsInstalled,
            shared_line: false,
            inf: found::inf(),
        }
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
        Self::with_device(EduModel::new(config))
    }

    /// A machine with QEMU's device.
    #[must_use]
    pub fn qemu() -> Self {
        Self::with(vec![qemu()])
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
        let interrupts = self.interrupts;
        let (machine, recordings, records) = self.machine();
        let session = Session::boot(driver, machine, interrupts)?;
        Ok(Lab {
            session,
            recordings,
            records,
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
        let _replay = Replay { seed: self.seed };
        let grant = match self.interrupts {
            Interrupts::Line => Grant::Line,
            Interrupts::AsInstalled | Interrupts::OneMessage => Grant::Messages(1),
        };
        let image = Image::read(&found::driver()).expect("the driver can be read");
        let symbols = Symbols::load(&image, None).expect("its symbols can be read");
        let host = Host::new(self.machine().0).expect("there is room for a machine");
        let went = |step: Result<NtStatus, Stop>| match step {
            Ok(status) => status,
            Err(stop) => panic!("the run stopped: {stop}"),
        };
        let loaded = host.load(image, symbols, "edu_kmdf");
        assert!(went(loaded.expect("the image can be mapped")).is_success());
        assert!(went(host.add_device(0)).is_success());
        let status = went(host.start_device(0, grant));
        assert!(!status.is_success(), "the device starts");
        if let Err(stop) = host.remove_device(0) {
            panic!("the run stopped: {stop}");
        }
        match host.unload() {
            Ok(()) => {}
            Err(stop) => panic!("the run stopped: {stop}"),
        }
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
        let strategy: Box<dyn Strategy> = match self.seed {
            Some(seed) => Box::new(Seeded::new(seed)),
            None => Box::new(InOrder),
        };
        let machine = Machine {
            processors: self.processors,
            shared_lines: if self.shared_line {
                vec![(0..functions.len()).collect()]
            } else {
                Vec::new()
            },
            functions,
            strategy,
            event_limit: 200,
            observer: Some(Box::new(move |record| {
                recorder.borrow_mut().push(record.clone());
            })),
        };
        (machine, recordings, records)
    }
}

/// What happens in a machine, as it happens.
type Records = Rc<RefCell<Vec<Record>>>;

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
    let mut options = QemuOptions::new("edu");
    options.qemu = Some(found::qemu());
    match Qemu::start(options) {
        Ok(qemu) => Box::new(qemu),
        Err(error) => panic!("QEMU's edu device cannot be had: {error}"),
    }
}

/// A driver that runs, and its devices.
pub struct Lab {
    session: Session,
    recordings: Vec<Recording>,
    records: Records,
    replay: Replay,
}

impl Lab {
    /// The session.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Everything that happened so far.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.borrow().clone()
    }

    /// Everything that happened since `from` records had been made.
    #[must_use]
    pub fn records_since(&self, from: usize) -> Vec<Record> {
        self.records.borrow()[from..].to_vec()
    }

    /// The register trace of the device in a slot so far.
    #[must_use]
    pub fn trace(&self, slot: usize) -> Trace {
        self.recordings[slot].trace().clone()
    }

    /// Opens the first device for reading and writing.
    ///
    /// # Panics
    /// It cannot be opened.
    #[must_use]
    pub fn open(&self) -> Rc<File> {
        self.open_as(0, READ_WRITE)
            .unwrap_or_else(|status| panic!("the device cannot be opened: {status}"))
    }

    /// Opens the device interface that is number `instance`, with an access mask.
    ///
    /// # Errors
    /// There is none.
    pub fn open_as(&self, instance: u32, access: u32) -> Result<Rc<File>, NtStatus> {
        let class = DEVICE_INTERFACE;
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&class.data1.to_le_bytes());
        bytes[4..6].copy_from_slice(&class.data2.to_le_bytes());
        bytes[6..8].copy_from_slice(&class.data3.to_le_bytes());
        bytes[8..].copy_from_slice(&class.data4);
        self.session.host().open(bytes, instance, access)
    }

    /// Sends a control request and waits for its end.
    ///
    /// # Panics
    /// The run stops.
    #[must_use]
    pub fn control(&self, file: &File, code: u32, input: &[u8], output_length: usize) -> Outcome {
        let operation = Operation::Control {
            code,
            input: input.to_vec(),
            output_length,
        };
        self.request(file, operation)
    }

    /// Sends a request for a factorial and does not wait.
    #[must_use]
    pub fn submit_factorial(&self, file: &File, n: u32) -> Rc<Irp> {
        self.session.host().submit(
            file,
            Operation::Control {
                code: ioctl::FACTORIAL,
                input: n.to_le_bytes().to_vec(),
                output_length: size_of::<Word>(),
            },
        )
    }

    /// Sends a request for the first event after a cursor and does not wait.
    #[must_use]
    pub fn submit_wait(&self, file: &File, cursor: u64) -> Rc<Irp> {
        self.session.host().submit(
            file,
            Operation::Control {
                code: ioctl::WAIT_EVENT,
                input: EventCursor(cursor).as_bytes().to_vec(),
                output_length: size_of::<Event>(),
            },
        )
    }

    /// The first event after a cursor, as soon as there is one.
    ///
    /// # Errors
    /// The driver fails the request.
    ///
    /// # Panics
    /// The run stops.
    pub fn wait_event(&self, file: &File, cursor: u64) -> Result<Event, NtStatus> {
        let irp = self.submit_wait(file, cursor);
        self.wait_for(std::slice::from_ref(&irp));
        event_of(&irp)
    }

    /// Reads from the device's buffer.
    ///
    /// # Errors
    /// The driver fails the request.
    ///
    /// # Panics
    /// The run stops.
    pub fn read(&self, file: &File, offset: u64, length: usize) -> Result<Vec<u8>, NtStatus> {
        let outcome = self.request(file, Operation::Read { offset, length });
        succeeded(outcome.status)?;
        assert_eq!(outcome.information, outcome.output.len() as u64);
        Ok(outcome.output)
    }

    /// Writes to the device's buffer. Gives how many bytes were written.
    ///
    /// # Errors
    /// The driver fails the request.
    ///
    /// # Panics
    /// The run stops.
    pub fn write(&self, file: &File, offset: u64, data: &[u8]) -> Result<u64, NtStatus> {
        let data = data.to_vec();
        let outcome = self.request(file, Operation::Write { offset, data });
        succeeded(outcome.status)?;
        Ok(outcome.information)
    }

    fn request(&self, file: &File, operation: Operation) -> Outcome {
        match self.session.request(file, operation) {
            Ok(outcome) => outcome,
            Err(stop) => panic!("the run stopped: {stop}"),
        }
    }

    /// Runs until all these requests have ended.
    ///
    /// # Panics
    /// The run stops.
    pub fn wait_for(&self, irps: &[Rc<Irp>]) {
        self.run_until(|| irps.iter().all(|irp| irp.is_finished()));
    }

    /// Runs until `done` holds.
    ///
    /// # Panics
    /// The run stops.
    pub fn run_until(&self, done: impl Fn() -> bool) {
        if let Err(stop) = self.session.host().run_until(|_| done()) {
            panic!("the run stopped: {stop}");
        }
    }

    /// Lets the machine do one thing: a flow runs until it is interrupted or waits, or time passes
    /// to the next event of a device.
    ///
    /// # Panics
    /// The run stops.
    pub fn turn(&self) {
        self.take_turn();
    }

    fn take_turn(&self) -> Turn {
        match self.session.host().turn(Duration::ZERO) {
            Ok(turn) => turn,
            Err(stop) => panic!("the run stopped: {stop}"),
        }
    }

    /// Runs until nothing happens by itself any more. For machines of models only: QEMU's device
    /// may always still do something.
    ///
    /// # Panics
    /// The run stops.
    pub fn run_until_quiet(&self) {
        while self.take_turn() != Turn::Quiet {}
    }

    /// Asks for n!.
    ///
    /// # Errors
    /// The driver fails the request.
    pub fn factorial(&self, file: &File, n: u32) -> Result<u32, NtStatus> {
        let input = Word(n);
        self.ask::<Word>(file, ioctl::FACTORIAL, input.as_bytes())
            .map(|Word(result)| result)
    }

    /// Writes the liveness register and gives what it then reads.
    ///
    /// # Errors
    /// The driver fails the request.
    pub fn liveness(&self, file: &File, value: u32) -> Result<u32, NtStatus> {
        self.ask::<Word>(file, ioctl::LIVENESS, Word(value).as_bytes())
            .map(|Word(result)| result)
    }

    /// Raises causes.
    ///
    /// # Errors
    /// The driver fails the request.
    pub fn raise(&self, file: &File, causes: u32) -> Result<(), NtStatus> {
        let outcome = self.control(file, ioctl::RAISE, Word(causes).as_bytes(), 0);
        succeeded(outcome.status)
    }

    /// What the device is and how it interrupts.
    ///
    /// # Panics
    /// The driver fails the request.
    #[must_use]
    pub fn information(&self, file: &File) -> Information {
        self.ask(file, ioctl::INFORMATION, &[])
            .unwrap_or_else(|status| panic!("INFORMATION fails with {status}"))
    }

    /// The driver's counters.
    ///
    /// # Panics
    /// The driver fails the request.
    #[must_use]
    pub fn statistics(&self, file: &File) -> Statistics {
        self.ask(file, ioctl::STATISTICS, &[])
            .unwrap_or_else(|status| panic!("STATISTICS fails with {status}"))
    }

    fn ask<T: FromBytes>(&self, file: &File, code: u32, input: &[u8]) -> Result<T, NtStatus> {
        let outcome = self.control(file, code, input, size_of::<T>());
        succeeded(outcome.status)?;
        assert_eq!(outcome.information, size_of::<T>() as u64, "{code:#x}");
        Ok(T::read_from_bytes(&outcome.output).expect("it has the length that was announced"))
    }

    /// Removes the devices and unloads the driver, which must leave nothing behind and must have
    /// completed every request.
    ///
    /// # Panics
    /// It did not.
    #[expect(
        clippy::must_use_candidate,
        reason = "what is demanded here is enough for most scenarios"
    )]
    pub fn shut_down(self) -> Ended {
        let Self {
            session,
            recordings,
            records,
            replay: _replay,
        } = self;
        let summary = match session.shut_down() {
            Ok(summary) => summary,
            Err(stop) => panic!("the run stopped: {stop}"),
        };
        assert_eq!(
            summary.counts.completions, summary.counts.requests,
            "each request is completed once"
        );
        Ended {
            summary,
            traces: recordings
                .iter()
                .map(|recording| recording.trace().clone())
                .collect(),
            records: records.take(),
        }
    }
}

/// What is known when all is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Counts.
    pub summary: Summary,
    /// The register trace of each device.
    pub traces: Vec<Trace>,
    /// Everything that happened.
    pub records: Vec<Record>,
}

fn succeeded(status: NtStatus) -> Result<(), NtStatus> {
    if status.is_success() {
        Ok(())
    } else {
        Err(status)
    }
}

/// What a request for an event came to.
///
/// # Errors
/// The driver failed it.
///
/// # Panics
/// It has not ended, or its output is no event.
pub fn event_of(irp: &Irp) -> Result<Event, NtStatus> {
    let outcome = irp.outcome().expect("it has ended");
    succeeded(outcome.status)?;
    Ok(Event::read_from_bytes(&outcome.output).expect("it has the length of an event"))
}

/// n! modulo 2^32, computed here.
#[must_use]
pub fn factorial(n: u32) -> u32 {
    (1..=n.min(34)).fold(1, u32::wrapping_mul)
}
