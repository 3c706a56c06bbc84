//! A PCI slot: one function, what PnP assigned to it, and the way of its accesses and signals.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use kmdf_bus::{
    Answer, Assignment, Bar, Bus, Clock, ConfigSpace, DeviceError, Identity, InterruptMode, Misuse,
    PciFunction, Sent, Signal, Width, memory::SharedMemory, time::VirtualTime,
};

use super::messages::MessageTable;
use crate::{
    machine::{Machine, Stop},
    physical::{BUS_WINDOW, Physical},
    sched::{Flow, FlowState, Processor},
};

/// One function and what PnP assigned to it.
pub struct Slot {
    /// What enumeration reads from it.
    pub identity: Identity,
    /// Its hardware id, where no bus enumerates it.
    pub root_id: Option<String>,
    /// By which clock it lives.
    pub clock: Clock,
    function: RefCell<Box<dyn PciFunction>>,
    assignment: RefCell<Option<Assignment>>,
    /// Its configuration space, where it has none of its own.
    pub(super) config: Option<RefCell<ConfigSpace>>,
    /// Where the processors see address 0 of its bus.
    pub window: u64,
    pub(super) messages: MessageTable,
    /// The level of its interrupt pin.
    pub line: Cell<bool>,
    /// How often it was asserted.
    pub assertions: Cell<u64>,
    /// The memory that it brings, if it does.
    pub memory: Option<Rc<SharedMemory>>,
    /// Whether it has been surprise-removed: nothing answers at its addresses.
    pub removed: Cell<bool>,
    /// Whether the driver may access it: from when it is started or wakes up until the driver has taken it
    /// out of D0.
    pub(crate) in_d0: Cell<bool>,
    /// Whether it is in a low-power state: its BARs are off, and it sends nothing.
    asleep: Cell<bool>,
}

/// What a function sent during one operation. It is acted on when the operation is over.
struct Outbox {
    signals: Vec<Signal>,
    misuses: Vec<Misuse>,
    memory: Rc<Physical>,
}

impl Bus for Outbox {
    fn signal(&mut self, signal: Signal) {
        self.signals.push(signal);
    }

    fn read_memory(&mut self, address: u64, bytes: &mut [u8]) {
        self.memory.read(address, bytes);
    }

    fn write_memory(&mut self, address: u64, bytes: &[u8]) {
        self.memory.write(address, bytes);
    }

    fn misuse(&mut self, misuse: Misuse) {
        self.misuses.push(misuse);
    }
}

impl Slot {
    pub(crate) fn new(function: Box<dyn PciFunction>) -> Self {
        let identity = function.identity();
        let config = (!function.has_config_space()).then(|| ConfigSpace::of(&identity));
        Self {
            config: config.map(RefCell::new),
            window: if function.is_translated() {
                BUS_WINDOW
            } else {
                0
            },
            messages: MessageTable::new(identity.msix),
            identity,
            root_id: function.root_id(),
            clock: function.clock(),
            memory: function.memory(),
            removed: Cell::new(false),
            in_d0: Cell::new(false),
            asleep: Cell::new(false),
            function: RefCell::new(function),
            assignment: RefCell::new(None),
            line: Cell::new(false),
            assertions: Cell::new(0),
        }
    }

    /// The BAR, and the offset in it, that decode a physical address.
    fn decode(&self, physical: u64) -> Option<(u8, u64)> {
        self.answers(false).then_some(())?;
        self.bar_at(physical)
            .map(|(bar, offset)| (bar.index, offset))
    }

    /// Whether it answers at the addresses of its memory, or of its ports.
    pub(super) fn answers(&self, ports: bool) -> bool {
        !self.removed.get() && !self.asleep.get() && self.decodes(ports)
    }

    /// The BAR that was assigned a physical address, and the offset in it.
    pub(crate) fn bar_at(&self, physical: u64) -> Option<(Bar, u64)> {
        self.find_bar(physical.checked_sub(self.window)?, false)
    }

    /// The BAR that was assigned an address on the bus, or a port, and the offset in it.
    pub(crate) fn find_bar(&self, address: u64, ports: bool) -> Option<(Bar, u64)> {
        let assignment = self.assignment.borrow();
        let bases = &assignment.as_ref()?.bars;
        let bars = self.identity.bars.iter().zip(bases);
        bars.filter(|(bar, _)| bar.ports == ports)
            .find_map(|(&bar, &base)| {
                (base..base + bar.bytes)
                    .contains(&address)
                    .then(|| (bar, address - base))
            })
    }

    /// Why it may still interrupt, if it may.
    pub(crate) fn left_on(&self) -> Option<String> {
        self.function.borrow().left_on()
    }

    /// Which interrupts it was granted; none while it is not started.
    pub fn granted_interrupt(&self) -> InterruptMode {
        self.assignment
            .borrow()
            .as_ref()
            .map_or(InterruptMode::None, |assignment| assignment.interrupt)
    }

    /// How many messages it was granted.
    pub(super) fn granted_messages(&self) -> u32 {
        match self.granted_interrupt() {
            InterruptMode::Messages(count) => count,
            InterruptMode::Line | InterruptMode::None => 0,
        }
    }

    /// Writes what PnP writes to configuration space when it starts the function.
    fn configure(&self, assignment: &Assignment) {
        if let Some(config) = &self.config {
            let messages = matches!(assignment.interrupt, InterruptMode::Messages(_));
            let mut config = config.borrow_mut();
            config.start(&self.identity, &assignment.bars, messages);
        }
    }
}

impl Machine {
    /// What the driver below answers for the device in a slot: one that was surprise-removed is not there.
    pub fn answer_from_below(&self, slot: usize, sent: &Sent) -> Answer {
        let slot = &self.slots[slot];
        if slot.removed.get() {
            return Answer::with(kmdf_abi::ntstatus::STATUS_NO_SUCH_DEVICE);
        }
        slot.function.borrow().answer(sent)
    }

    /// Does something with the function in a slot, then acts on what it sent.
    pub(super) fn operate<R>(
        &self,
        slot: usize,
        operation: impl FnOnce(&mut dyn PciFunction, &mut dyn Bus) -> Result<R, DeviceError>,
    ) -> Result<R, DeviceError> {
        let mut outbox = Outbox {
            signals: Vec::new(),
            misuses: Vec::new(),
            memory: self.physical_memory(slot),
        };
        let result = operation(self.slots[slot].function.borrow_mut().as_mut(), &mut outbox);
        if !self.slots[slot].removed.get() {
            for signal in outbox.signals {
                self.signal(slot, signal);
            }
        }
        for misuse in outbox.misuses {
            self.note_violation(misuse.rule, misuse.detail);
        }
        result
    }

    /// Gives a function its resources.
    pub fn start_function(&self, slot: usize, assignment: &Assignment) {
        self.catch_up();
        self.slots[slot].asleep.set(false);
        self.slots[slot].in_d0.set(true);
        *self.slots[slot].assignment.borrow_mut() = Some(assignment.clone());
        self.slots[slot].configure(assignment);
        let result = self.operate(slot, |function, bus| function.start(bus, assignment));
        self.device_result(result);
        self.restore_messages(slot);
    }

    /// Takes a function's resources away.
    pub fn stop_function(&self, slot: usize) {
        self.check_left_on(slot);
        let result = self.operate(slot, |function, bus| function.stop(bus));
        *self.slots[slot].assignment.borrow_mut() = None;
        if let Some(config) = &self.slots[slot].config {
            config.borrow_mut().stop();
        }
        self.slots[slot].messages.clear_pending();
        self.signal(slot, Signal::Line(false));
        self.device_result(result);
    }

    /// Writes a register of the function in a slot as something other than the driver would: a
    /// debugger, firmware, the device's own other side. Nothing happens while it has no resources.
    pub fn poke(&self, slot: usize, bar: u8, offset: u64, width: Width, value: u64) {
        let started = self
            .slots
            .get(slot)
            .is_some_and(|slot| slot.assignment.borrow().is_some());
        if started {
            let result = self.operate(slot, |function, bus| {
                function.write(bus, bar, offset, width, value)
            });
            self.device_result(result);
        }
    }

    /// Puts a function into a low-power state. It keeps its resources.
    pub fn suspend_function(&self, slot: usize) {
        self.check_left_on(slot);
        let result = self.operate(slot, |function, bus| function.stop(bus));
        self.slots[slot].asleep.set(true);
        self.slots[slot].messages.clear_pending();
        self.signal(slot, Signal::Line(false));
        self.device_result(result);
    }

    /// Brings a function back from a low-power state.
    pub fn wake_function(&self, slot: usize) {
        self.slots[slot].asleep.set(false);
        self.slots[slot].in_d0.set(true);
        let assignment = self.slots[slot].assignment.borrow().clone();
        if let Some(assignment) = assignment {
            self.slots[slot].configure(&assignment);
            let result = self.operate(slot, |function, bus| function.start(bus, &assignment));
            self.device_result(result);
            self.restore_messages(slot);
        }
    }

    /// The driver has taken the function in a slot out of D0, or could not bring it there: it accesses it no
    /// more.
    pub fn leave_function(&self, slot: usize) {
        if let Some(slot) = self.slots.get(slot) {
            slot.in_d0.set(false);
        }
    }

    /// Surprise-removes a function: from now on nothing answers at its addresses, and it sends nothing.
    pub fn surprise_remove_function(&self, slot: usize) {
        self.signal(slot, Signal::Line(false));
        self.slots[slot].removed.set(true);
    }

    /// Whether the function in a slot has been surprise-removed, or there is none.
    #[must_use]
    pub fn is_removed(&self, slot: usize) -> bool {
        self.slots.get(slot).is_none_or(|slot| slot.removed.get())
    }

    /// Lets a function do what came due while the driver ran, before the driver looks.
    pub(super) fn catch_up(&self) {
        let now = self.now();
        if self.functions_event().is_some_and(|due| due <= now) {
            let result = self.advance_functions(now);
            self.device_result(result);
        }
    }

    /// Reads a register by its physical address.
    pub(crate) fn read_register(&self, physical: u64, width: Width) -> u64 {
        self.catch_up();
        let Some((slot, bar, offset)) = self.decode(physical) else {
            return width.all_ones();
        };
        if let Some(value) = self.read_messages(slot, bar, offset, width) {
            return value;
        }
        let result = self.operate(slot, |function, bus| function.read(bus, bar, offset, width));
        self.device_result(result)
    }

    /// Writes a register by its physical address.
    pub(crate) fn write_register(&self, physical: u64, width: Width, value: u64) {
        self.catch_up();
        let Some((slot, bar, offset)) = self.decode(physical) else {
            return;
        };
        if self.write_messages(slot, bar, offset, width, value) {
            return;
        }
        let result = self.operate(slot, |function, bus| {
            function.write(bus, bar, offset, width, value)
        });
        self.device_result(result);
    }

    /// The BAR that was assigned a physical address, and the offset in it.
    pub fn bar_at(&self, physical: u64) -> Option<(Bar, u64)> {
        self.slots.iter().find_map(|slot| slot.bar_at(physical))
    }

    /// The memory BAR that was assigned an address on its bus.
    #[must_use]
    pub fn bar_at_raw(&self, address: u64) -> Option<Bar> {
        let mut slots = self.slots.iter();
        slots.find_map(|slot| slot.find_bar(address, false).map(|(bar, _)| bar))
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

    /// The moment at which a function does something by itself next.
    pub fn functions_event(&self) -> Option<VirtualTime> {
        self.slots
            .iter()
            .filter_map(|slot| slot.function.borrow().next_event())
            .min()
    }

    /// The moment at which something happens by itself next: to a function, or an alarm. By a real
    /// clock that does not wait for anyone an alarm counts only once it is due.
    pub(crate) fn next_device_event(&self) -> Option<VirtualTime> {
        let real = self.real_start.get().is_some();
        let alarm = self.next_alarm().filter(|&due| !real || due <= self.now());
        self.functions_event().into_iter().chain(alarm).min()
    }

    /// Whether nothing can run and nothing happens by itself but alarms of a clock that waits for
    /// whoever needs it.
    #[must_use]
    pub fn has_only_alarms(&self) -> bool {
        let waits =
            |flow: &Rc<Flow>| flow.state.get() == FlowState::Blocked && !flow.may_go_on(self);
        let is_idle = |processor: &Rc<Processor>| processor.running.borrow().is_none();
        self.real_start.get().is_none()
            && !self.has_pending()
            && self.functions_event().is_none()
            && self.scheduler.processors().iter().all(is_idle)
            && self.scheduler.flows().iter().all(waits)
    }

    /// Lets every function do what is due by `until`, and every alarm that is due by now go off.
    pub(crate) fn advance_functions(&self, until: VirtualTime) -> Result<(), DeviceError> {
        for slot in 0..self.slots.len() {
            self.operate(slot, |function, bus| function.advance(bus, until))?;
        }
        self.ring(self.now());
        Ok(())
    }

    /// Waits for functions that run by a real clock; `false` when there are none.
    pub(crate) fn wait_for_functions(&self, limit: Duration) -> Result<bool, DeviceError> {
        let mut any = false;
        let limit = self
            .until_next_alarm()
            .map_or(limit, |alarm| alarm.min(limit));
        for slot in 0..self.slots.len() {
            if self.slots[slot].clock == Clock::Real {
                any = true;
                self.operate(slot, |function, bus| function.wait(bus, limit))?;
            }
        }
        Ok(any)
    }
}
