//! Flows: the host's kernel threads, each with a stack of its own on which driver code runs.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
    time::Duration,
};

use corosensei::{
    Coroutine, CoroutineResult, Yielder,
    stack::{DefaultStack, Stack},
};
use kmdf_rules::Rule;

use crate::{
    check::{Cost, LockId},
    cpu::Irql,
    machine::{Machine, with_current},
};

/// Stack of a flow: the driver's 24 KiB, and what the host needs to serve its calls and traps.
const STACK_BYTES: usize = 512 * 1024;

/// Why a flow stopped running for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// It could go on: the strategy wants another processor to run.
    Preempted,
    /// It keeps its processor, but can go on only when its condition holds.
    Spinning,
    /// It gives up its processor until its condition holds.
    Blocked,
    /// An idle flow has nothing to do.
    Idle,
    /// It never runs again: the thread has ended where it was.
    Ended,
    /// It never runs again: the run is over.
    Dead,
}

/// Where a flow stands with the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowState {
    /// It wants a processor.
    Ready,
    /// It has a processor.
    Running,
    /// As `Running`, but waiting for its condition.
    Spinning,
    /// It waits for its condition without a processor.
    Blocked,
    /// It has returned.
    Done,
}

/// A call into the driver that has not returned.
#[derive(Clone, Copy, Debug)]
pub struct Activation {
    /// Name of the callback or routine.
    pub what: &'static str,
    /// The object it is for, or 0.
    pub object: u64,
    /// Stack pointer at the call.
    pub(crate) stack_pointer: u64,
    /// IRQL at the call.
    pub irql: Irql,
    /// How many locks the flow held at the call.
    pub locks: usize,
    /// What it has done since.
    pub(crate) cost: Cost,
}

type Condition = Box<dyn Fn(&Machine) -> bool>;
type FlowCoroutine = Coroutine<(), Pause, (), DefaultStack>;

/// A kernel thread.
pub struct Flow {
    /// Its number.
    pub id: u32,
    /// What it is called in reports.
    pub name: String,
    /// Where it stands.
    pub state: Cell<FlowState>,
    /// Calls into the driver, the innermost last.
    pub activations: RefCell<Vec<Activation>>,
    /// What all that it has done would take: accesses, stalls, and instructions where they are counted.
    pub spent: Cell<Duration>,
    /// Locks held, by address or handle, in the order they were taken.
    pub locks: RefCell<Vec<HeldLock>>,
    coroutine: RefCell<Option<FlowCoroutine>>,
    yielder: Cell<*const Yielder<(), Pause>>,
    condition: RefCell<Option<Condition>>,
    stack: (u64, u64),
}

/// A lock that a flow holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// What identifies it: an address or a handle.
    pub id: u64,
    /// What it is called in reports.
    pub name: &'static str,
    /// The rule that a callback breaks which returns with it.
    pub kept: &'static Rule,
    /// Whether it spins, and its place in the order of the locks of devices and queues; `None` for
    /// others.
    pub rank: Option<(bool, u8)>,
    /// What the order of locks knows it by; `None` for a lock that the framework takes itself.
    pub order: Option<LockId>,
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "flow {} ({}, {:?})",
            self.id,
            self.name,
            self.state.get()
        )
    }
}

impl Flow {
    /// A flow that will run `body` once it is given a processor.
    pub(crate) fn new(
        id: u32,
        name: String,
        stack: Option<DefaultStack>,
        body: impl FnOnce(&Machine) + 'static,
    ) -> std::io::Result<Rc<Self>> {
        let stack = match stack {
            Some(stack) => stack,
            None => DefaultStack::new(STACK_BYTES)?,
        };
        let bounds = (stack.limit().get() as u64, stack.base().get() as u64);
        let flow = Rc::new(Self {
            id,
            name,
            state: Cell::new(FlowState::Ready),
            activations: RefCell::default(),
            spent: Cell::new(Duration::ZERO),
            locks: RefCell::default(),
            coroutine: RefCell::new(None),
            yielder: Cell::new(std::ptr::null()),
            condition: RefCell::new(None),
            stack: bounds,
        });
        let weak = Rc::downgrade(&flow);
        let coroutine = Coroutine::with_stack(stack, move |yielder, ()| {
            if let Some(flow) = weak.upgrade() {
                flow.yielder.set(yielder);
            }
            drop(weak);
            with_current(body);
        });
        *flow.coroutine.borrow_mut() = Some(coroutine);
        Ok(flow)
    }

    /// First address of the stack, and the one behind it.
    pub fn stack(&self) -> (u64, u64) {
        self.stack
    }

    /// Runs the flow until it pauses or returns (`None`). Called by the scheduler only.
    pub(crate) fn resume(&self) -> Option<Pause> {
        let mut coroutine = self
            .coroutine
            .borrow_mut()
            .take()
            .expect("a flow that is scheduled has not returned");
        match coroutine.resume(()) {
            CoroutineResult::Yield(pause) => {
                *self.coroutine.borrow_mut() = Some(coroutine);
                Some(pause)
            }
            CoroutineResult::Return(()) => {
                *self.coroutine.borrow_mut() = Some(coroutine);
                self.state.set(FlowState::Done);
                None
            }
        }
    }

    /// Takes the stack of a flow that has returned, for the next one.
    pub(crate) fn take_stack(&self) -> Option<DefaultStack> {
        self.coroutine
            .borrow_mut()
            .take()
            .map(FlowCoroutine::into_stack)
    }

    /// Leaves the flow for the scheduler. Called on the flow's own stack only, which keeps nothing of the
    /// flow meanwhile: what a stack owns that is given back in a pause is never freed.
    pub fn pause(self: Rc<Self>, pause: Pause) {
        let yielder = self.yielder.get();
        drop(self);
        // SAFETY: the coroutine stored its yielder when it began, and the yielder lives on the
        // flow's stack until the flow returns; the caller runs on that stack.
        let yielder = unsafe { &*yielder };
        yielder.suspend(pause);
    }

    /// Sets what must hold before the flow goes on.
    pub(crate) fn wait_for(&self, condition: Condition) {
        *self.condition.borrow_mut() = Some(condition);
    }

    /// Whether the flow's condition, if it has one, holds.
    pub(crate) fn may_go_on(&self, machine: &Machine) -> bool {
        self.condition
            .borrow()
            .as_ref()
            .is_none_or(|condition| condition(machine))
    }

    /// Forgets the condition: it has come true.
    pub(crate) fn go_on(&self) {
        *self.condition.borrow_mut() = None;
    }
}

impl Flow {
    /// Gives the stack back: the run is over.
    pub fn abandon(&self) {
        if let Some(mut coroutine) = self.coroutine.borrow_mut().take()
            && coroutine.started()
            && !coroutine.done()
        {
            // SAFETY: the run is over and nothing resumes this flow. What its stack owns is
            // leaked: driver frames between the host's cannot be unwound.
            unsafe { coroutine.force_reset() };
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.abandon();
    }
}
