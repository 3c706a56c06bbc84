//! A PCI slot: one function, what PnP assigned to it, and the way of its accesses and signals.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use crate::{
    device::{Assignment, Bus, Clock, DeviceError, Identity, Misuse, PciFunction, Signal, Width},
    host::{Host, Stop},
    time::VirtualTime,
};

/// One function and what PnP assigned to it.
pub(crate) struct Slot {
    pub(crate) identity: Identity,
    pub(crate) clock: Clock,
    function: RefCell<Box<dyn PciFunction>>,
    assignment: RefCell<Option<Assignment>>,
    /// The level of its interrupt pin.
    pub(crate) line: Cell<bool>,
}

/// What a function sent during one operation. It is acted on when the operation is over.
#[derive(Default)]
struct Outbox {
    signals: Vec<Signal>,
    misuses: Vec<Misuse>,
}

impl Bus for Outbox {
    fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    fn read_memory(&mut self, _address: u64, bytes: &mut [u8]) {
        bytes.fill(0xFF);
    }

    fn write_memory(&mut self, _address: u64, _bytes: &[u8]) {}

    fn misuse(&mut self, misuse: Misuse) {
        self.misuses.push(misuse);
    }
}

impl Slot {
    pub(crate) fn new(function: Box<dyn PciFunction>) -> Self {
        Self {
            identity: function.identity(),
            clock: function.clock(),
            function: RefCell::new(function),
            assignment: RefCell::new(None),
            line: Cell::new(false),
        }
    }

    /// The BAR, and the offset in it, that decode a physical address.
    fn decode(&self, physical: u64) -> Option<(u8, u64)> {
        let assignment = self.assignment.borrow();
        let bases = &assignment.as_ref()?.bars;
        self.identity
            .bars
            .iter()
            .zip(bases)
            .find_map(|(bar, &base)| {
                (base..base + bar.bytes)
                    .contains(&physical)
                    .then(|| (bar.index, physical - base))
            })
    }
}

impl Host {
    /// Does something with the function in a slot, then acts on what it sent.
    fn operate<R>(
        &self,
        slot: usize,
        operation: impl FnOnce(&mut dyn PciFunction, &mut dyn Bus) -> Result<R, DeviceError>,
    ) -> Result<R, DeviceError> {
        let mut outbox = Outbox::default();
        let result = operation(self.slots[slot].function.borrow_mut().as_mut(), &mut outbox);
        for signal in outbox.signals {
            self.signal(slot, signal);
        }
        for misuse in outbox.misuses {
            self.note_violation(misuse.rule, misuse.detail);
        }
        result
    }

    /// Gives a function its resources.
    pub(crate) fn start_function(&self, slot: usize, assignment: Assignment) {
        *self.slots[slot].assignment.borrow_mut() = Some(assignment.clone());
        let result = self.operate(slot, |function, bus| function.start(bus, &assignment));
        self.device_result(result);
    }

    /// Takes a function's resources away.
    pub(crate) fn stop_function(&self, slot: usize) {
        let result = self.operate(slot, |function, bus| function.stop(bus));
        *self.slots[slot].assignment.borrow_mut() = None;
        self.signal(slot, Signal::Line(false));
        self.device_result(result);
    }

    /// Reads a register by its physical address.
    pub(crate) fn read_register(&self, physical: u64, width: Width) -> u64 {
        let Some((slot, bar, offset)) = self.decode(physical) else {
            return width.all_ones();
        };
        self.catch_up(slot);
        let result = self.operate(slot, |function, bus| function.read(bus, bar, offset, width));
        self.device_result(result)
    }

    /// Writes a register by its physical address.
    pub(crate) fn write_register(&self, physical: u64, width: Width, value: u64) {
        let Some((slot, bar, offset)) = self.decode(physical) else {
            return;
        };
        self.catch_up(slot);
        let result = self.operate(slot, |function, bus| {
            function.write(bus, bar, offset, width, value)
        });
        self.device_result(result);
    }

    /// Lets a function do what is due before it is accessed: a stall may have let time pass.
    fn catch_up(&self, slot: usize) {
        let now = self.now();
        let result = self.operate(slot, |function, bus| function.advance(bus, now));
        self.device_result(result);
    }

    fn decode(&self, physical: u64) -> Option<(usize, u8, u64)> {
        self.slots.iter().enumerate().find_map(|(slot, function)| {
            function
                .decode(physical)
                .map(|(bar, offset)| (slot, bar, offset))
        })
    }

    /// The result of an operation that only a failed device fails: the run ends then.
    pub(crate) fn device_result<R>(&self, result: Result<R, DeviceError>) -> R {
        match result {
            Ok(result) => result,
            Err(error) => {
                self.stopped.borrow_mut().get_or_insert(Stop::Device(error));
                self.leave_forever()
            }
        }
    }

    /// The moment at which some function changes by itself next.
    pub(crate) fn next_device_event(&self) -> Option<VirtualTime> {
        self.slots
            .iter()
            .filter_map(|slot| slot.function.borrow().next_event())
            .min()
    }

    /// Lets every function do what is due by now.
    pub(crate) fn advance_functions(&self, now: VirtualTime) -> Result<(), DeviceError> {
        for slot in 0..self.slots.len() {
            self.operate(slot, |function, bus| function.advance(bus, now))?;
        }
        Ok(())
    }

    /// Waits for functions that run by a real clock; `false` when there are none.
    pub(crate) fn wait_for_functions(&self, limit: Duration) -> Result<bool, DeviceError> {
        let mut any = false;
        for slot in 0..self.slots.len() {
            if self.slots[slot].clock == Clock::Real {
                any = true;
                self.operate(slot, |function, bus| function.wait(bus, limit))?;
            }
        }
        Ok(any)
    }
}
