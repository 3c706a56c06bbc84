//! A function of which everything that passes is recorded.

use std::{
    cell::{Ref, RefCell},
    rc::Rc,
};

use kmdf_bus::{
    Bus, DeviceError, Misuse, PciFunction, Signal,
    wrapper::{Request, Wrapper},
};

use crate::trace::{Access, Event, Trace};

/// A trace that is still growing: the other end of a [`Recorded`] function.
#[derive(Clone, Debug, Default)]
pub struct Recording(Rc<RefCell<Trace>>);

impl Recording {
    /// What was recorded so far.
    ///
    /// # Panics
    /// The function is in the middle of an access.
    #[must_use]
    pub fn trace(&self) -> Ref<'_, Trace> {
        self.0.borrow()
    }

    fn push(&self, event: Event) {
        self.0.borrow_mut().events.push(event);
    }
}

/// A function of which everything that passes is recorded.
pub struct Recorded {
    function: Box<dyn PciFunction>,
    recording: Recording,
}

impl Recorded {
    /// Wraps a function. What is recorded is found in the second value.
    #[must_use]
    pub fn new(function: Box<dyn PciFunction>) -> (Self, Recording) {
        let recording = Recording::default();
        let recorded = Self {
            function,
            recording: recording.clone(),
        };
        (recorded, recording)
    }
}

impl Wrapper for Recorded {
    fn look<R>(&self, body: impl FnOnce(&dyn PciFunction) -> R) -> R {
        body(self.function.as_ref())
    }

    /// Records what it sent behind what was done.
    fn perform(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError> {
        let mut tap = Tap {
            bus,
            sent: Vec::new(),
        };
        let result = request.perform(self.function.as_mut(), &mut tap);
        if let Ok(value) = result
            && let Some(event) = event_of(request, value)
        {
            self.recording.push(event);
        }
        for signal in tap.sent {
            self.recording.push(Event::Signal(signal));
        }
        result
    }
}

/// What is recorded of something that was done, and of what was read.
fn event_of(request: Request<'_>, read: u64) -> Option<Event> {
    Some(match request {
        Request::Start(assignment) => Event::Start(assignment.interrupt),
        Request::Stop => Event::Stop,
        Request::Read { bar, offset, width } => Event::Read(Access {
            bar,
            offset,
            width,
            value: read,
        }),
        Request::Write {
            bar,
            offset,
            width,
            value,
        } => Event::Write(Access {
            bar,
            offset,
            width,
            value,
        }),
        // A trace is of registers.
        Request::ReadConfig { .. }
        | Request::WriteConfig { .. }
        | Request::SetMessage { .. }
        | Request::Advance(_)
        | Request::Wait(_) => return None,
    })
}

/// A bus that takes note of the signals.
struct Tap<'a> {
    bus: &'a mut dyn Bus,
    sent: Vec<Signal>,
}

impl Bus for Tap<'_> {
    fn signal(&mut self, signal: Signal) {
        self.sent.push(signal);
        self.bus.signal(signal);
    }

    fn read_memory(&mut self, address: u64, bytes: &mut [u8]) {
        self.bus.read_memory(address, bytes);
    }

    fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        self.bus.write_memory(address, bytes);
    }

    fn misuse(&mut self, misuse: Misuse) {
        self.bus.misuse(misuse);
    }
}
