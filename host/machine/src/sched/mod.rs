//! The scheduler: virtual processors, the flows that run on them, and who runs next.
//!
//! The host is one thread of the machine. It resumes one flow at a time; a flow runs until it
//! pauses at a preemption point, waits, or returns. Interrupts and DPCs have no flow of their own:
//! they run on the stack of whatever their processor was running, as on the real machine.

mod flow;
mod passing;
mod processor;
mod strategy;

pub use flow::{Activation, Flow, FlowState, HeldLock, Pause};
pub use processor::{Dpc, Processor};
pub use strategy::{
    Choice, InOrder, Pass, Point, Priorities, Schedule, ScheduleError, Strategy, Walk, strategy,
};

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use corosensei::stack::DefaultStack;
use kmdf_bus::time::VirtualTime;

use crate::{
    cpu::trap::{self, Territory},
    machine::Machine,
};

/// Flows, processors and the strategy.
pub struct Scheduler {
    processors: Vec<Rc<Processor>>,
    flows: RefCell<Vec<Rc<Flow>>>,
    strategy: RefCell<Box<dyn Strategy>>,
    current: RefCell<Option<(Rc<Processor>, Rc<Flow>)>>,
    next_id: Cell<u32>,
    stacks: RefCell<Vec<DefaultStack>>,
    /// The processor that runs only if no other can.
    held: Cell<Option<u32>>,
    /// Where interrupts are taken, instead of where the strategy says.
    interrupt_target: Cell<Option<u32>>,
    /// When nothing could run the last time.
    rested: Cell<VirtualTime>,
}

impl Scheduler {
    pub(crate) fn new(processors: u32, strategy: Box<dyn Strategy>) -> Self {
        Self {
            processors: (0..processors)
                .map(|number| Rc::new(Processor::new(number)))
                .collect(),
            flows: RefCell::default(),
            strategy: RefCell::new(strategy),
            current: RefCell::new(None),
            next_id: Cell::new(0),
            stacks: RefCell::default(),
            held: Cell::new(None),
            interrupt_target: Cell::new(None),
            rested: Cell::new(VirtualTime::START),
        }
    }

    /// All processors.
    pub fn processors(&self) -> &[Rc<Processor>] {
        &self.processors
    }

    /// The running flow and its processor, if driver or kernel code runs now.
    pub fn current(&self) -> Option<(Rc<Processor>, Rc<Flow>)> {
        self.current.borrow().clone()
    }

    /// Asks the strategy.
    pub fn choose(&self, choice: Choice, options: &[Vec<u32>]) -> usize {
        if options.len() <= 1 {
            return 0;
        }
        if choice == Choice::InterruptTarget
            && let Some(target) = self.interrupt_target.get()
        {
            return (target as usize).min(options.len() - 1);
        }
        let answer = self.strategy.borrow_mut().choose(choice, options);
        assert!(
            answer < options.len(),
            "a strategy answered {answer} of {}",
            options.len()
        );
        answer
    }

    /// Asks the strategy whether to preempt here.
    pub(crate) fn preempts(&self, point: Point) -> bool {
        let flow = self
            .current
            .borrow()
            .as_ref()
            .map_or(0, |(_, flow)| flow.id);
        self.strategy.borrow_mut().preempts(point, flow)
    }

    /// Asks the strategy how much time passes here.
    fn passes(&self, point: Point) -> Pass {
        self.strategy.borrow_mut().passes(point)
    }

    /// Lets a processor wait until no other can run.
    pub fn hold(&self, processor: u32) {
        self.held.set(Some(processor));
    }

    /// Sends interrupts to a processor, or where the strategy says again.
    pub fn prefer_interrupts_at(&self, processor: Option<u32>) {
        self.interrupt_target.set(processor);
    }

    /// The flows that have not returned.
    pub fn flows(&self) -> Vec<Rc<Flow>> {
        self.flows.borrow().clone()
    }

    fn new_flow(&self, name: String, body: impl FnOnce(&Machine) + 'static) -> Rc<Flow> {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let stack = self.stacks.borrow_mut().pop();
        Flow::new(id, name, stack, body).expect("the machine has memory for one more stack")
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        for flow in self.flows.get_mut() {
            flow.abandon();
        }
        for processor in &self.processors {
            for flow in [processor.idle.take(), processor.running.take()]
                .into_iter()
                .flatten()
            {
                flow.abandon();
            }
        }
    }
}

impl Machine {
    /// Starts a kernel thread.
    pub fn spawn(&self, name: impl Into<String>, body: impl FnOnce(&Self) + 'static) {
        let flow = self.scheduler.new_flow(name.into(), body);
        self.scheduler.flows.borrow_mut().push(flow);
    }

    /// Makes one scheduling decision and runs what it chose. `false` when nothing can run now.
    pub(crate) fn step(&self) -> bool {
        let mut candidates: Vec<Candidate> = self
            .scheduler
            .processors
            .iter()
            .filter_map(|processor| self.candidate(processor))
            .collect();
        if let Some(held) = self.scheduler.held.get() {
            if candidates
                .iter()
                .any(|candidate| candidate.processor.number != held)
            {
                candidates.retain(|candidate| candidate.processor.number != held);
            } else {
                self.scheduler.held.set(None);
            }
        }
        if candidates.is_empty() {
            return false;
        }
        let options: Vec<_> = candidates.iter().map(Candidate::flow_numbers).collect();
        let chosen = self.scheduler.choose(Choice::Processor, &options);
        let candidate = candidates
            .into_iter()
            .nth(chosen)
            .expect("chosen among the candidates");
        let Candidate {
            processor,
            mut flows,
        } = candidate;
        let options: Vec<_> = flows.iter().map(|flow| vec![flow.id]).collect();
        let chosen = self.scheduler.choose(Choice::Thread, &options);
        let flow = flows.swap_remove(chosen);
        self.run_flow(&processor, &flow);
        true
    }

    /// Whether a processor other than that one could run something.
    pub fn others_ready(&self, here: u32) -> bool {
        self.scheduler
            .processors
            .iter()
            .any(|processor| processor.number != here && self.candidate(processor).is_some())
    }

    /// What a processor could run now.
    fn candidate(&self, processor: &Rc<Processor>) -> Option<Candidate> {
        let running = processor.running.borrow().clone();
        let flows = match running {
            Some(flow) if flow.may_go_on(self) => vec![flow],
            Some(_) => return None,
            None if processor.has_work() => vec![self.idle_flow(processor)],
            None => self
                .scheduler
                .flows
                .borrow()
                .iter()
                .filter(|flow| match flow.state.get() {
                    FlowState::Ready => true,
                    FlowState::Blocked => flow.may_go_on(self),
                    _ => false,
                })
                .cloned()
                .collect(),
        };
        (!flows.is_empty()).then(|| Candidate {
            processor: Rc::clone(processor),
            flows,
        })
    }

    /// The flow on which a processor without a thread takes interrupts and DPCs.
    fn idle_flow(&self, processor: &Rc<Processor>) -> Rc<Flow> {
        Rc::clone(processor.idle.borrow_mut().get_or_insert_with(|| {
            let name = format!("idle {}", processor.number);
            self.scheduler.new_flow(name, |machine| {
                loop {
                    machine.take_pending();
                    machine.pause(Pause::Idle);
                }
            })
        }))
    }

    fn run_flow(&self, processor: &Rc<Processor>, flow: &Rc<Flow>) {
        flow.go_on();
        flow.state.set(FlowState::Running);
        *processor.running.borrow_mut() = Some(Rc::clone(flow));
        *self.scheduler.current.borrow_mut() = Some((Rc::clone(processor), Rc::clone(flow)));
        trap::set_territory(Territory {
            stack: flow.stack(),
            ..trap::territory()
        });
        if let Some(watcher) = self.watcher.get() {
            watcher.resumes(self, flow.id);
        }
        let pause = flow.resume();
        if let Some(watcher) = self.watcher.get() {
            watcher.pauses(self, flow.id);
        }
        trap::set_territory(Territory {
            stack: (0, 0),
            ..trap::territory()
        });
        *self.scheduler.current.borrow_mut() = None;
        match pause {
            // It keeps its processor; a dead one for ever.
            Some(Pause::Preempted | Pause::Dead) => {}
            Some(Pause::Spinning) => flow.state.set(FlowState::Spinning),
            Some(Pause::Blocked) => {
                flow.state.set(FlowState::Blocked);
                *processor.running.borrow_mut() = None;
            }
            Some(Pause::Idle) => {
                flow.state.set(FlowState::Ready);
                *processor.running.borrow_mut() = None;
            }
            Some(Pause::Ended) => {
                *processor.running.borrow_mut() = None;
                flow.state.set(FlowState::Done);
                let mut flows = self.scheduler.flows.borrow_mut();
                flows.retain(|other| !Rc::ptr_eq(other, flow));
                flow.abandon();
            }
            None => {
                *processor.running.borrow_mut() = None;
                self.scheduler
                    .flows
                    .borrow_mut()
                    .retain(|other| !Rc::ptr_eq(other, flow));
                if let Some(stack) = flow.take_stack() {
                    self.scheduler.stacks.borrow_mut().push(stack);
                }
            }
        }
    }

    /// Leaves the running flow for the scheduler.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn pause(&self, pause: Pause) {
        let (_, flow) = self
            .scheduler
            .current()
            .expect("only a running flow pauses");
        flow.pause(pause);
    }

    /// Keeps the processor until `condition` holds, as a spin lock does.
    pub fn spin_until(&self, condition: impl Fn(&Self) -> bool + 'static) {
        self.wait_until(Pause::Spinning, condition);
    }

    /// Gives up the processor until `condition` holds, as a wait does. At PASSIVE_LEVEL or
    /// APC_LEVEL only.
    pub fn block_until(&self, condition: impl Fn(&Self) -> bool + 'static) {
        self.wait_until(Pause::Blocked, condition);
        self.charge_anew();
    }

    fn wait_until(&self, pause: Pause, condition: impl Fn(&Self) -> bool + 'static) {
        let condition = Rc::new(condition);
        while !condition(self) {
            let (_, flow) = self.scheduler.current().expect("only a running flow waits");
            let again = Rc::clone(&condition);
            flow.wait_for(Box::new(move |machine| again(machine)));
            flow.pause(pause);
        }
    }

    /// A place where time passes and interrupts arrive, as the strategy says, and where it may let another
    /// processor run.
    pub fn preemption_point(&self, point: Point) {
        if self.scheduler.current.borrow().is_none() {
            return;
        }
        self.take_pending();
        if point != Point::Instruction
            && let Some(watcher) = self.watcher.get()
        {
            watcher.at_moment(self);
        }
        self.pass_at(point);
        if self.scheduler.preempts(point) {
            self.pause(Pause::Preempted);
            self.take_pending();
        }
    }

    /// Does a step of a system's own between two callbacks: a place where time passes and interrupts
    /// arrive, too, and where the watcher may let more happen.
    pub fn between_steps(&self, step: impl FnOnce()) {
        self.preemption_point(Point::Service);
        match self.watcher.get() {
            None => step(),
            Some(watcher) => {
                let mut step = Some(step);
                watcher.around(self, &mut || {
                    if let Some(step) = step.take() {
                        step();
                    }
                });
            }
        }
    }

    /// Ends the running thread where it is. What its stack owns is never given back.
    pub fn end_thread(&self) -> ! {
        loop {
            self.pause(Pause::Ended);
        }
    }

    /// Leaves the current flow, which never runs again: the run is over.
    pub(crate) fn leave_forever(&self) -> ! {
        loop {
            self.pause(Pause::Dead);
        }
    }
}

struct Candidate {
    processor: Rc<Processor>,
    flows: Vec<Rc<Flow>>,
}

impl Candidate {
    fn flow_numbers(&self) -> Vec<u32> {
        self.flows.iter().map(|flow| flow.id).collect()
    }
}
