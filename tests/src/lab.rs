//! A driver that runs in this process: asked, looked into, taken down.

use std::{cell::RefCell, rc::Rc, time::Duration};

use edu_lab::counters;
use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    wire::{Event, EventCursor, Information, Statistics, Word},
};
use kmdf_host::{
    File, Irp, NtStatus, Operation, Outcome, Record, Session, Summary, Turn,
    device::trace::{Recording, Trace},
};
use zerocopy::{FromBytes, IntoBytes};

use crate::seeds::Replay;

/// `FILE_READ_DATA | FILE_WRITE_DATA`
pub const READ_WRITE: u32 = 3;

/// What happens in a machine, as it happens.
pub(crate) type Records = Rc<RefCell<Vec<Record>>>;

/// A driver that runs, and its devices.
pub struct Lab {
    pub(crate) session: Session,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) records: Records,
    /// What was sent by way of it.
    pub(crate) sent: RefCell<Vec<Rc<Irp>>>,
    /// Whether the devices do everything right, by a virtual clock.
    pub(crate) sound: bool,
    pub(crate) replay: Replay,
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
        let class = DEVICE_INTERFACE.to_bytes();
        self.session.host().open(class, instance, access)
    }

    /// Sends a request and does not wait.
    #[must_use]
    pub fn submit(&self, file: &File, operation: Operation) -> Rc<Irp> {
        let irp = self.session.host().submit(file, operation);
        self.sent.borrow_mut().push(Rc::clone(&irp));
        irp
    }

    /// Sends a control request and waits for its end.
    ///
    /// # Panics
    /// The run stops.
    #[must_use]
    pub fn control(&self, file: &File, code: u32, input: &[u8], output_length: usize) -> Outcome {
        self.request(file, control(code, input, output_length))
    }

    /// Sends a request for a factorial and does not wait.
    #[must_use]
    pub fn submit_factorial(&self, file: &File, n: u32) -> Rc<Irp> {
        let operation = control(ioctl::FACTORIAL, Word(n).as_bytes(), size_of::<Word>());
        self.submit(file, operation)
    }

    /// Sends a request for the first event after a cursor and does not wait.
    #[must_use]
    pub fn submit_wait(&self, file: &File, cursor: u64) -> Rc<Irp> {
        let cursor = EventCursor(cursor);
        let operation = control(ioctl::WAIT_EVENT, cursor.as_bytes(), size_of::<Event>());
        self.submit(file, operation)
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
        let irp = self.submit(file, operation);
        self.wait_for(std::slice::from_ref(&irp));
        irp.outcome().expect("it has ended")
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

    /// Compares what the driver has counted with what was seen from outside, unless its device was removed
    /// or stopped.
    fn nothing_hides(&self) {
        let host = self.session.host();
        let Ok(file) = self.open_as(0, READ_WRITE) else {
            return;
        };
        self.run_until(|| host.is_at_rest());
        let before = host.counts();
        let operation = control(ioctl::STATISTICS, &[], size_of::<Statistics>());
        let irp = host.submit(&file, operation);
        self.run_until(|| host.is_at_rest());
        let outcome = irp.outcome().filter(|outcome| outcome.status.is_success());
        let Some(outcome) = outcome else {
            return;
        };
        let counted = Statistics::read_from_bytes(&outcome.output);
        let counted = [counted.expect("it has the length that was announced")];
        let sent = self.sent.borrow();
        let sent = sent.iter().map(AsRef::as_ref);
        let agreed = counters::agree(&counted, &before, &host.counts(), sent)
            .and_then(|()| counters::nothing_made_good(&counted));
        if let Err(differs) = agreed {
            panic!("{differs}");
        }
    }

    /// Removes the devices and unloads the driver, which must leave nothing behind and must have
    /// completed every request. On a sound device its counters must be those that were seen from outside.
    ///
    /// # Panics
    /// It did not.
    pub fn shut_down(self) -> Ended {
        let before = self.session.host().counts();
        if self.sound {
            self.nothing_hides();
        }
        let after = self.session.host().counts();
        let Self {
            session,
            recordings,
            records,
            replay: _replay,
            ..
        } = self;
        let mut summary = match session.shut_down() {
            Ok(summary) => summary,
            Err(stop) => panic!("the run stopped: {stop}"),
        };
        assert_eq!(
            summary.counts.completions, summary.counts.requests,
            "each request is completed once"
        );
        // What was asked here is not the scenario's.
        let counts = &mut summary.counts;
        counts.requests -= after.requests - before.requests;
        counts.completions -= after.completions - before.completions;
        counts.services -= after.services - before.services;
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

fn control(code: u32, input: &[u8], output_length: usize) -> Operation {
    Operation::Control {
        code,
        input: input.to_vec(),
        output_length,
    }
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
