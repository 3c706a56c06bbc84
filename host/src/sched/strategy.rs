//! Strategies: who decides wherever the machine could go on in more than one way.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

/// A place where a running flow can be taken off its processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Before or after a call to the kernel or the framework.
    Service,
    /// Before or after a register access.
    Register,
    /// Before an instruction of the driver.
    Instruction,
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

/// Decides how a run goes on. The same answers replay the same run.
pub trait Strategy {
    /// Answers `choice` with an index below `options`, which is at least 1.
    fn choose(&mut self, choice: Choice, options: usize) -> usize;

    /// Whether the running flow is taken off its processor here.
    fn preempts(&mut self, point: Point) -> bool;

    /// What decides of values that no driver may depend on: what fresh memory holds, where in memory a
    /// common buffer lies. Asked for once, when the machine is made.
    fn salt(&self) -> u64 {
        0
    }
}

/// The strategy of a run: that of a seed, or the simplest order.
#[must_use]
pub fn strategy(seed: Option<u64>) -> Box<dyn Strategy> {
    match seed {
        Some(seed) => Box::new(Seeded::new(seed)),
        None => Box::new(InOrder),
    }
}

/// Always the first answer and no preemption: the simplest run.
#[derive(Clone, Copy, Debug, Default)]
pub struct InOrder;

impl Strategy for InOrder {
    fn choose(&mut self, _: Choice, _: usize) -> usize {
        0
    }

    fn preempts(&mut self, _: Point) -> bool {
        false
    }
}

/// Answers drawn from a seed.
#[derive(Clone, Debug)]
pub struct Seeded {
    random: ChaCha8Rng,
    seed: u64,
}

impl Seeded {
    /// One preemption in this many opportunities.
    const PREEMPTION: u32 = 4;

    /// The run of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            random: ChaCha8Rng::seed_from_u64(seed),
            seed,
        }
    }
}

impl Strategy for Seeded {
    fn choose(&mut self, _: Choice, options: usize) -> usize {
        // The bias of a remainder does not matter for so few options.
        self.random.next_u32() as usize % options
    }

    fn preempts(&mut self, _: Point) -> bool {
        self.random.next_u32().is_multiple_of(Self::PREEMPTION)
    }

    fn salt(&self) -> u64 {
        self.seed
    }
}
