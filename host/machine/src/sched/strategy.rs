//! Strategies: who decides wherever the machine could go on in more than one way.

use std::time::Duration;

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
    /// Answers `choice` with an index below `options`, which is at least 1.
    fn choose(&mut self, choice: Choice, options: usize) -> usize;

    /// Whether the running flow is taken off its processor here.
    fn preempts(&mut self, point: Point) -> bool;

    /// What decides of values that no driver may depend on: what fresh memory holds, where in memory a
    /// common buffer lies. Asked for once, when the machine is made.
    fn salt(&self) -> u64 {
        0
    }

    /// How much time passes here, before that. Where nothing can run it passes to the next event by itself.
    fn passes(&mut self, point: Point) -> Pass;
}

/// The strategy of a run: that of a seed, or the simplest order.
#[must_use]
pub fn strategy(seed: Option<u64>) -> Box<dyn Strategy> {
    match seed {
        Some(seed) => Box::new(Seeded::new(seed)),
        None => Box::new(InOrder),
    }
}

/// Always the first answer, no preemption, and time passes only where nothing can run: the simplest run.
#[derive(Clone, Copy, Debug, Default)]
pub struct InOrder;

impl Strategy for InOrder {
    fn choose(&mut self, _: Choice, _: usize) -> usize {
        0
    }

    fn preempts(&mut self, _: Point) -> bool {
        false
    }

    fn passes(&mut self, _: Point) -> Pass {
        Pass::Nothing
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
    /// In one opportunity of this many the device gets on.
    const DEVICE: u32 = 16;
    /// In one opportunity of this many, but for those, some time passes: up to 2 to the power of [`Self::SHORT`]
    /// nanoseconds, 8 µs, which is the way of a request through a driver.
    const PASSING: u32 = 4;
    const SHORT: u32 = 13;
    /// And one of these in so many is longer, up to 2 to the power of [`Self::LONG`] nanoseconds, 67 ms:
    /// the way of a timer.
    const LONGER: u32 = 64;
    const LONG: u32 = 26;
    /// Of instructions this many count as one opportunity for time to pass.
    const INSTRUCTIONS: u32 = 32;

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

    fn passes(&mut self, point: Point) -> Pass {
        let mut drawn = self.random.next_u32();
        if point == Point::Instruction {
            if !drawn.is_multiple_of(Self::INSTRUCTIONS) {
                return Pass::Nothing;
            }
            drawn /= Self::INSTRUCTIONS;
        }
        if drawn.is_multiple_of(Self::DEVICE) {
            Pass::ToDevice
        } else if drawn.is_multiple_of(Self::PASSING) {
            Pass::Step(self.step())
        } else {
            Pass::Nothing
        }
    }
}

impl Seeded {
    /// A step: each order of magnitude as often as the others.
    fn step(&mut self) -> Duration {
        let longer = self.random.next_u32().is_multiple_of(Self::LONGER);
        let magnitude = self.random.next_u32() % if longer { Self::LONG } else { Self::SHORT };
        let below = 2_u64 << magnitude;
        Duration::from_nanos(1 + u64::from(self.random.next_u32()) % below)
    }
}
