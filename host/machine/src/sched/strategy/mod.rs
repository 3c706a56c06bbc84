//! Strategies: who decides wherever the machine could go on in more than one way.

mod passing;
mod priorities;
mod schedule;
mod walk;

use std::time::Duration;

pub use priorities::Priorities;
pub use schedule::{Schedule, ScheduleError};
pub use walk::Walk;

/// A place where a running flow can be taken off its processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before or after a call to the kernel or the framework.
    Service,
    /// Before or after a register access.
    Register,
    /// Before an instruction of the driver.
    Instruction,
    /// Before or after a step of PnP or power work: a callback, if the driver has it.
    Power,
}

/// A question with several answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Which processor runs next.
    Processor,
    /// Which ready thread an idle processor takes.
    Thread,
    /// Which processor takes an interrupt.
    InterruptTarget,
    /// Which processor a thread's DPC is queued to.
    DpcTarget,
}

/// How much virtual time passes where something runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// None.
    Nothing,
    /// That much; what is due by then happens. Not if so much has passed since nothing could run that what
    /// a driver waits for might be late for no other reason.
    Step(Duration),
    /// As much as the devices need for what they do next. Timers do not go off by that.
    ToDevice,
}

/// Decides how a run goes on. The same answers replay the same run.
pub trait Strategy {
    /// Answers `choice` with the index of one of the options, of which there is at least one. An option is who
    /// would go on: the numbers of flows; or where something would go: the number of a processor.
    fn choose(&mut self, choice: Choice, options: &[Vec<u32>]) -> usize;

    /// Whether the flow with that number, which runs, is taken off its processor here.
    fn preempts(&mut self, point: Point, flow: u32) -> bool;

    /// What decides of values that no driver may depend on: what fresh memory holds, where in memory a
    /// common buffer lies. Asked for once, when the machine is made.
    fn salt(&self) -> u64 {
        0
    }

    /// How much time passes here, before that. Where nothing can run it passes to the next event by itself.
    fn passes(&mut self, point: Point) -> Pass;
}

/// The strategy of a run: a schedule that a seed draws, or the simplest order.
#[must_use]
pub fn strategy(seed: Option<u64>, schedule: Schedule) -> Box<dyn Strategy> {
    match seed {
        Some(seed) => schedule.drawn(seed),
        None => Box::new(InOrder),
    }
}

/// Always the first answer, no preemption, and time passes only where nothing can run: the simplest run.
#[derive(Clone, Copy, Debug, Default)]
pub struct InOrder;

impl Strategy for InOrder {
    fn choose(&mut self, _: Choice, _: &[Vec<u32>]) -> usize {
        0
    }

    fn preempts(&mut self, _: Point, _: u32) -> bool {
        false
    }

    fn passes(&mut self, _: Point) -> Pass {
        Pass::Nothing
    }
}
