//! The host: one virtual machine with one driver, and the way into driver code.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
    marker::PhantomPinned,
    ptr,
    rc::Rc,
};

use kmdf_bus::{DeviceError, PciFunction, time::VirtualTime};
use kmdf_image::{MappedImage, Symbols};
use kmdf_rules::rules;

use crate::{
    check::{Checks, Cost, Report},
    cpu::{
        guest,
        stub::Stubs,
        trap::{self, Territory},
    },
    crossing::Crossing,
    event::{Event, EventLog, Observer},
    explore::Explorer,
    kmdf::Framework,
    machine::{InterruptController, Slot},
    memory::Memory,
    sched::{Activation, Scheduler, Strategy},
    service::Service,
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
pub struct Machine {
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

impl Machine {
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

impl Default for Machine {
    /// Two processors, nothing in the slots, the simplest schedule, the last 1,000 events kept.
    fn default() -> Self {
        Self {
            processors: 2,
            functions: Vec::new(),
            shared_lines: Vec::new(),
            strategy: Box::new(crate::InOrder),
            event_limit: 1000,
            observer: None,
            checks: Checks::All,
            free_memory_from: 0,
        }
    }
}

/// One virtual machine with one driver.
pub struct Host {
    pub(crate) scheduler: Scheduler,
    pub(crate) memory: Memory,
    pub(crate) checks: Checks,
    /// What decides of values that no driver may depend on: see [`Strategy::salt`].
    pub(crate) salt: u64,
    /// Where the memory begins that is free.
    pub(crate) free_memory_from: u64,
    pub(crate) slots: Vec<Slot>,
    pub(crate) shared_lines: Vec<Vec<usize>>,
    pub(crate) interrupts: InterruptController,
    pub(crate) events: EventLog,
    pub(crate) framework: Framework,
    pub(crate) image: OnceCell<MappedImage>,
    pub(crate) symbols: OnceCell<Rc<Symbols>>,
    pub(crate) stubs: OnceCell<Stubs>,
    pub(crate) bindings: RefCell<Vec<Binding>>,
    pub(crate) stopped: RefCell<Option<Stop>>,
    pub(crate) clock: Cell<VirtualTime>,
    pub(crate) real_start: Cell<Option<std::time::Instant>>,
    /// Where each flow last left the driver, for its call stack: see [`Crossing`].
    pub(crate) crossings: RefCell<Vec<Crossing>>,
    pub(crate) explorer: Explorer,
    /// Flows that are suspended hold the host's address on their stacks.
    pub(crate) _pinned: PhantomPinned,
}

/// What a stub stands for.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    /// The library that exports it, or the framework.
    pub(crate) library: Cow<'static, str>,
    /// Its name.
    pub(crate) name: Cow<'static, str>,
    /// What it does; `None` for what the host does not play.
    pub(crate) service: Option<&'static Service>,
    /// Leading arguments that are not the service's own.
    pub(crate) hidden: usize,
}

thread_local! {
    static CURRENT: Cell<*const Host> = const { Cell::new(ptr::null()) };
}

/// Calls `body` with the host of this thread.
///
/// # Panics
/// When no host runs on this thread.
pub(crate) fn with_current<R>(body: impl FnOnce(&Host) -> R) -> R {
    let host = CURRENT.get();
    assert!(!host.is_null(), "no host runs on this thread");
    // SAFETY: `enter` put the pointer there and takes it away before the host goes.
    body(unsafe { &*host })
}

impl Host {
    /// Runs `body` as the host of this thread.
    pub(crate) fn enter<R>(&self, body: impl FnOnce() -> R) -> R {
        struct Leave(*const Host, Territory);
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
    pub(crate) fn call_driver(
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
        let outer = self.begin_walk(what, address);
        // SAFETY: the address lies in executable code of the image, and this is a flow's stack.
        let value = unsafe { guest::call(address, arguments) };
        self.end_walk(outer);
        self.record(Event::Leave {
            callback: what,
            value,
        });
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
    pub(crate) fn try_read(&self, address: u64) -> Option<u64> {
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
    pub(crate) fn relative(&self, value: u64) -> u64 {
        /// No address of user mode has this bit.
        const IMAGE: u64 = 1 << 63;
        let in_image = self.image.get().and_then(|image| image.rva(value));
        in_image.map_or_else(
            || self.memory.relative(value).unwrap_or(value),
            |rva| IMAGE | u64::from(rva),
        )
    }

    /// The virtual clock.
    pub(crate) fn now(&self) -> VirtualTime {
        match self.real_start.get() {
            Some(start) => VirtualTime::START + start.elapsed(),
            None => self.clock.get(),
        }
    }
}
