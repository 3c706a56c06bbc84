//! A virtual processor: its IRQL, what is pending on it, and taking it.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    rc::Rc,
};

use super::{Choice, Flow};
use crate::{Layer, cpu::Irql, machine::Machine, races::Edge};

/// A virtual processor.
pub struct Processor {
    /// Its number.
    pub number: u32,
    /// Its IRQL.
    pub irql: Cell<Irql>,
    /// The flow it runs, if it is not idle.
    pub running: RefCell<Option<Rc<Flow>>>,
    /// The flow it takes interrupts and DPCs on while it runs no thread.
    pub idle: RefCell<Option<Rc<Flow>>>,
    /// Interrupt vectors requested and not yet taken: a set, as an APIC's request register is.
    vectors: RefCell<Vec<(Irql, u32)>>,
    dpcs: RefCell<VecDeque<Rc<Dpc>>>,
    /// Whether its DPCs wait, as they do while it has more urgent ones.
    dpcs_wait: Cell<bool>,
}

/// A deferred procedure call.
pub struct Dpc {
    /// What it is called in events and reports.
    pub name: String,
    queued: Cell<bool>,
    /// How many processors run it now.
    running: Cell<u32>,
    routine: Box<dyn Fn(&Machine)>,
    /// What was done before it was queued comes before it.
    before: Edge,
    /// What it does comes before the end of a wait for it.
    after: Edge,
}

impl fmt::Debug for Dpc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "DPC {}{}",
            self.name,
            if self.queued.get() { " (queued)" } else { "" }
        )
    }
}

impl Dpc {
    /// A DPC that runs `routine` at DISPATCH_LEVEL.
    pub fn new<L: Layer>(name: impl Into<String>, routine: impl Fn(&L) + 'static) -> Rc<Self> {
        Rc::new(Self {
            name: name.into(),
            queued: Cell::new(false),
            running: Cell::new(0),
            routine: Box::new(move |machine| routine(L::of(machine))),
            before: Edge::default(),
            after: Edge::default(),
        })
    }

    /// Whether it waits in a processor's queue or runs.
    pub fn is_active(&self) -> bool {
        self.queued.get() || self.running.get() > 0
    }

    /// Waits until it is neither queued nor runs.
    pub fn flush(self: &Rc<Self>, machine: &Machine) {
        let dpc = Rc::clone(self);
        machine.block_until(move |_| !dpc.is_active());
        machine.acquires(&self.after);
    }

    /// What is done before this comes before its next run, though something else queues it.
    pub fn follows(&self, machine: &Machine) {
        machine.releases(&self.before);
    }

    fn run(&self, machine: &Machine) {
        self.running.set(self.running.get() + 1);
        machine.strand(|| {
            machine.acquires(&self.before);
            (self.routine)(machine);
            machine.releases(&self.after);
        });
        self.running.set(self.running.get() - 1);
    }
}

impl Processor {
    pub(crate) fn new(number: u32) -> Self {
        Self {
            number,
            irql: Cell::new(Irql::PASSIVE),
            running: RefCell::new(None),
            idle: RefCell::new(None),
            vectors: RefCell::default(),
            dpcs: RefCell::default(),
            dpcs_wait: Cell::new(false),
        }
    }

    /// Whether something could be taken at once by an idle processor.
    pub(crate) fn has_work(&self) -> bool {
        let has_dpcs = !self.dpcs_wait.get() && !self.dpcs.borrow().is_empty();
        has_dpcs || !self.vectors.borrow().is_empty()
    }

    /// Lets its DPCs wait, or go on.
    pub fn let_dpcs_wait(&self, wait: bool) {
        self.dpcs_wait.set(wait);
    }

    /// Requests an interrupt. A request that is pending already is not counted twice.
    pub fn request(&self, irql: Irql, vector: u32) {
        let mut vectors = self.vectors.borrow_mut();
        if !vectors.contains(&(irql, vector)) {
            vectors.push((irql, vector));
        }
    }

    /// Withdraws a request, if it is there.
    pub(crate) fn withdraw(&self, vector: u32) {
        self.vectors
            .borrow_mut()
            .retain(|&(_, pending)| pending != vector);
    }

    /// Takes the highest request above the current IRQL.
    fn take_vector(&self) -> Option<(Irql, u32)> {
        let mut vectors = self.vectors.borrow_mut();
        let (index, &(irql, _)) = vectors
            .iter()
            .enumerate()
            .max_by_key(|(index, (irql, _))| (*irql, usize::MAX - index))?;
        (irql > self.irql.get()).then(|| vectors.remove(index))
    }

    fn take_dpc(&self) -> Option<Rc<Dpc>> {
        if self.irql.get() >= Irql::DISPATCH || self.dpcs_wait.get() {
            return None;
        }
        let dpc = self.dpcs.borrow_mut().pop_front()?;
        dpc.queued.set(false);
        Some(dpc)
    }
}

impl Machine {
    /// The processor that runs now.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn processor(&self) -> Rc<Processor> {
        self.scheduler
            .current()
            .expect("only a running flow has a processor")
            .0
    }

    /// The IRQL of the processor that runs now.
    pub fn irql(&self) -> Irql {
        self.scheduler
            .current()
            .map_or(Irql::PASSIVE, |(processor, _)| processor.irql.get())
    }

    /// `KeRaiseIrql`: returns the level before. The caller has checked that it does not lower.
    pub fn raise_irql(&self, irql: Irql) -> Irql {
        self.processor().irql.replace(irql)
    }

    /// `KeLowerIrql`: what waited for the lower level is taken before this returns.
    pub fn lower_irql(&self, irql: Irql) {
        self.processor().irql.set(irql);
        self.take_pending();
    }

    /// Takes every interrupt and DPC that the current IRQL lets through.
    pub fn take_pending(&self) {
        let processor = self.processor();
        loop {
            if let Some((irql, vector)) = processor.take_vector() {
                let before = processor.irql.replace(irql);
                self.take_interrupt(vector);
                processor.irql.set(before);
            } else if let Some(dpc) = processor.take_dpc() {
                let before = processor.irql.replace(Irql::DISPATCH);
                dpc.run(self);
                processor.irql.set(before);
            } else {
                return;
            }
        }
    }

    /// `KeInsertQueueDpc`: `false` when it is queued already.
    pub fn queue_dpc(&self, dpc: &Rc<Dpc>) -> bool {
        // Also where it is queued already: it has not begun.
        dpc.follows(self);
        if dpc.queued.replace(true) {
            return false;
        }
        let target = if let Some((processor, _)) = self.scheduler.current() {
            processor
        } else {
            let processors = self.scheduler.processors();
            let options: Vec<_> = processors.iter().map(|one| vec![one.number]).collect();
            Rc::clone(&processors[self.scheduler.choose(Choice::DpcTarget, &options)])
        };
        target.dpcs.borrow_mut().push_back(Rc::clone(dpc));
        true
    }

    /// Whether some processor has interrupts or DPCs to take.
    pub fn has_pending(&self) -> bool {
        self.scheduler
            .processors()
            .iter()
            .any(|processor| processor.has_work())
    }
}
