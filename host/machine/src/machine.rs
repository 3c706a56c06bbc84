//! One virtual machine with one driver, and the way into driver code.

use std::{
    any::Any,
    cell::{Cell, OnceCell, RefCell},
    marker::PhantomPinned,
    pin::Pin,
    ptr,
    rc::Rc,
    time::Instant,
};

use kmdf_bus::{Clock, DeviceError, PciFunction, time::VirtualTime};
use kmdf_image::{MappedImage, Symbols};
use kmdf_rules::rules;

use crate::{
    above::Above,
    alarm::Alarms,
    check::{Checks, Cost, Hints, LockOrder, Report},
    cpu::{
        guest,
        stub::Stubs,
        trap::{self, Territory},
    },
    crossing::Crossing,
    event::{Event, EventLog, Observer},
    exception::Elsewhere,
    interrupts::InterruptController,
    memory::Memory,
    physical::PhysicalMap,
    races::Races,
    sched::{Activation, InOrder, Scheduler, Strategy},
    service::Binding,
    slot::Slot,
    watch::Watcher,
};

/// A driver's kernel stack, in bytes: what x64 Windows gives a thread.
pub(crate) const KERNEL_STACK_BYTES: u64 = 24 * 1024;

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The driver broke a rule of the KMDF contract.
    #[error("{0}")]
    BugCheck(Box<Report>),
    /// The driver asked for something that the host does not play.
    #[error("{0}")]
    Unsupported(Box<Report>),
    /// A device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Nothing can run, nothing is due, and what was waited for has not come.
    #[error("nothing can go on: {0}")]
    Stuck(String),
}

/// What a virtual machine is made of.
pub struct Parts {
    /// How many processors it has, 1 to 64.
    pub processors: u32,
    /// Its PCI functions, one for each slot.
    pub functions: Vec<Box<dyn PciFunction>>,
    /// Groups of slots whose interrupt pins are wired together. A slot in no group has a line of
    /// its own.
    pub shared_lines: Vec<Vec<usize>>,
    /// Who decides where the machine could go on in more than one way.
    pub strategy: Box<dyn Strategy>,
    /// How many of the last events are kept.
    pub event_limit: usize,
    /// Called with each event.
    pub observer: Option<Observer>,
    /// How much is checked.
    pub checks: Checks,
    /// Where the memory begins that is free: what is below is somebody else's, and nobody gets it.
    pub free_memory_from: u64,
}

impl Parts {
    /// The groups of a machine with that many functions: with their pins all on one line, or with a line
    /// for each.
    #[must_use]
    pub fn lines(functions: usize, shared: bool) -> Vec<Vec<usize>> {
        if shared {
            vec![(0..functions).collect()]
        } else {
            Vec::new()
        }
    }
}

impl Default for Parts {
    /// Two processors, nothing in the slots, the simplest schedule, the last 1,000 events kept.
    fn default() -> Self {
        Self {
            processors: 2,
            functions: Vec::new(),
            shared_lines: Vec::new(),
            strategy: Box::new(InOrder),
            event_limit: 1000,
            observer: None,
            checks: Checks::All,
            free_memory_from: 0,
        }
    }
}

/// One virtual machine with one driver.
pub struct Machine {
    /// Its processors and flows.
    pub scheduler: Scheduler,
    /// The driver's address space.
    pub memory: Memory,
    pub(crate) checks: Checks,
    /// What decides of values that no driver may depend on: see [`Strategy::salt`].
    pub(crate) salt: u64,
    /// Where the memory begins that is free.
    pub(crate) free_memory_from: u64,
    /// Its PCI slots.
    pub slots: Vec<Slot>,
    /// Which slots share a line.
    pub shared_lines: Vec<Vec<usize>>,
    /// Its interrupt vectors.
    pub interrupts: InterruptController,
    pub(crate) events: EventLog,
    pub(crate) alarms: Alarms,
    pub(crate) physical: PhysicalMap,
    pub(crate) lock_order: LockOrder,
    pub(crate) races: Races,
    pub(crate) hints: Hints,
    /// The driver's image, once it is loaded.
    pub image: OnceCell<MappedImage>,
    pub(crate) symbols: OnceCell<Rc<Symbols>>,
    pub(crate) stubs: OnceCell<Stubs>,
    pub(crate) bindings: RefCell<Vec<Binding>>,
    pub(crate) stopped: RefCell<Option<Stop>>,
    pub(crate) clock: Cell<VirtualTime>,
    pub(crate) real_start: Cell<Option<Instant>>,
    /// Where each flow last left the driver, for its call stack: see [`Crossing`].
    pub(crate) crossings: RefCell<Vec<Crossing>>,
    /// Which of them go on somewhere else than behind their calls.
    pub(crate) elsewhere: Elsewhere,
    /// What the layers above keep here: see [`Machine::state`].
    states: Vec<Box<dyn Any>>,
    pub(crate) above: Box<dyn Above>,
    pub(crate) watcher: OnceCell<Rc<dyn Watcher>>,
    /// Flows that are suspended hold the machine's address on their stacks.
    _pinned: PhantomPinned,
}

thread_local! {
    static CURRENT: Cell<*const Machine> = const { Cell::new(ptr::null()) };
}

/// Calls `body` with the machine of this thread.
///
/// # Panics
/// When no machine runs on this thread.
pub(crate) fn with_current<R>(body: impl FnOnce(&Machine) -> R) -> R {
    let machine = CURRENT.get();
    assert!(!machine.is_null(), "no machine runs on this thread");
    // SAFETY: `enter` put the pointer there and takes it away before the machine goes.
    body(unsafe { &*machine })
}

impl Machine {
    /// A machine that has just been switched on, with what the layers above keep of it. It is pinned:
    /// its flows hold its address.
    ///
    /// # Errors
    /// This machine has no address space left.
    pub fn new(
        parts: Parts,
        above: Box<dyn Above>,
        states: Vec<Box<dyn Any>>,
    ) -> std::io::Result<Pin<Box<Self>>> {
        let slots: Vec<_> = parts.functions.into_iter().map(Slot::new).collect();
        let real = slots.iter().any(|slot| slot.clock == Clock::Real);
        let salt = parts.strategy.salt();
        Ok(Box::pin(Self {
            scheduler: Scheduler::new(parts.processors.clamp(1, 64), parts.strategy),
            memory: Memory::new(parts.checks, salt)?,
            checks: parts.checks,
            salt,
            free_memory_from: parts.free_memory_from,
            slots,
            shared_lines: parts.shared_lines,
            interrupts: InterruptController::default(),
            events: EventLog::new(parts.event_limit, parts.observer),
            alarms: Alarms::default(),
            physical: PhysicalMap::default(),
            lock_order: LockOrder::default(),
            races: Races::default(),
            hints: Hints::default(),
            image: OnceCell::new(),
            symbols: OnceCell::new(),
            stubs: OnceCell::new(),
            bindings: RefCell::default(),
            stopped: RefCell::new(None),
            clock: Cell::new(VirtualTime::START),
            real_start: Cell::new(real.then(Instant::now)),
            crossings: RefCell::default(),
            elsewhere: Elsewhere::default(),
            states,
            above,
            watcher: OnceCell::new(),
            _pinned: PhantomPinned,
        }))
    }

    /// What a layer above keeps here: of that type it gave the machine one when it made it.
    ///
    /// # Panics
    /// When it gave none.
    pub fn state<T: 'static>(&self) -> &T {
        self.states
            .iter()
            .find_map(|state| state.downcast_ref())
            .expect("a layer gives its state when it makes the machine")
    }

    /// Lets somebody follow the run from now on.
    ///
    /// # Panics
    /// When somebody does already.
    pub fn watch(&self, watcher: Rc<dyn Watcher>) {
        let alone = self.watcher.set(watcher).is_ok();
        assert!(alone, "a run has one watcher");
    }

    /// Runs `body` as the machine of this thread.
    pub fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        struct Leave(*const Machine, Territory);
        impl Drop for Leave {
            fn drop(&mut self) {
                CURRENT.set(self.0);
                trap::set_territory(self.1);
            }
        }
        trap::install();
        let image = self.image.get().map_or((0, 0), |image| {
            (
                image.base(),
                image.base() + u64::from(image.image().bytes()),
            )
        });
        let _leave = Leave(CURRENT.replace(self), trap::territory());
        trap::set_territory(Territory {
            image,
            stack: (0, 0),
        });
        body()
    }

    /// Calls a routine of the driver, with what every callback must keep checked.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn call_driver(
        &self,
        what: &'static str,
        object: u64,
        address: u64,
        arguments: &[u64],
    ) -> u64 {
        let (processor, flow) = self
            .scheduler
            .current()
            .expect("driver code runs on a flow only");
        let framework = self
            .stubs
            .get()
            .is_some_and(|stubs| stubs.contains(address));
        let code = self.image.get().and_then(|image| image.section_of(address));
        if !framework && !code.is_some_and(|section| section.execute) {
            self.violation(
                &rules::BAD_CALLBACK,
                format!("{what} at {address:#x} is not code of the driver"),
            );
        }
        let irql = processor.irql.get();
        let marker = 0_u8;
        let activation = Activation {
            what,
            object,
            stack_pointer: (&raw const marker).addr() as u64,
            irql,
            locks: flow.locks.borrow().len(),
            cost: Cost::default(),
        };
        flow.activations.borrow_mut().push(activation);
        self.record(Event::Enter {
            callback: what,
            object,
        });
        self.check_paged_callback(what, address);
        self.race_call(what);
        if let Some(watcher) = self.watcher.get() {
            watcher.enters(self, flow.id, what, address);
        }
        // SAFETY: the address lies in executable code of the image, and this is a flow's stack.
        let value = unsafe { guest::call(address, arguments) };
        if let Some(watcher) = self.watcher.get() {
            watcher.leaves(self, flow.id);
        }
        self.race_return();
        self.record(Event::Leave {
            callback: what,
            value,
        });
        self.note_returned(what, value);
        // A callback that waits goes on on whichever processor is free.
        let (processor, _) = self
            .scheduler
            .current()
            .expect("driver code runs on a flow only");
        self.check_return(&activation, &processor, &flow);
        flow.activations.borrow_mut().pop();
        value
    }

    /// Eight bytes of the driver's memory, if they can be read.
    pub fn try_read(&self, address: u64) -> Option<u64> {
        let on_stack = self.scheduler.current().is_some_and(|(_, flow)| {
            let (low, high) = flow.stack();
            (low..high - 7).contains(&address)
        });
        if on_stack {
            return Some(self.memory.read(address));
        }
        Memory::try_read(address)
    }

    /// What stands for a value in the digest of a run: where it lies, if it is an address.
    pub fn relative(&self, value: u64) -> u64 {
        /// No address of user mode has this bit.
        const IMAGE: u64 = 1 << 63;
        let in_image = self.image.get().and_then(|image| image.rva(value));
        in_image.map_or_else(
            || self.memory.relative(value).unwrap_or(value),
            |rva| IMAGE | u64::from(rva),
        )
    }

    /// The virtual clock.
    #[must_use]
    pub fn now(&self) -> VirtualTime {
        match self.real_start.get() {
            Some(start) => VirtualTime::START + start.elapsed(),
            None => self.clock.get(),
        }
    }
}
