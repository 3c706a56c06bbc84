//! A random walk: each decision is drawn by itself.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::{Choice, Pass, Point, Strategy, passing};

/// Decisions drawn from a seed, each without regard to the others.
#[derive(Clone, Debug)]
pub struct Walk {
    random: ChaCha8Rng,
    seed: u64,
    one_in: u32,
}

impl Walk {
    /// One preemption in this many opportunities, if nothing else is said.
    pub(super) const PREEMPTION: u32 = 4;

    /// The run of that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with(seed, ChaCha8Rng::seed_from_u64(seed), Self::PREEMPTION)
    }

    /// The run that `random` draws, with one preemption in so many opportunities.
    pub(super) const fn with(seed: u64, random: ChaCha8Rng, one_in: u32) -> Self {
        Self {
            random,
            seed,
            one_in,
        }
    }
}

impl Strategy for Walk {
    fn choose(&mut self, _: Choice, options: &[Vec<u32>]) -> usize {
        // The bias of a remainder does not matter for so few options.
        self.random.next_u32() as usize % options.len()
    }

    fn preempts(&mut self, _: Point, _: u32) -> bool {
        self.random.next_u32().is_multiple_of(self.one_in)
    }

    fn salt(&self) -> u64 {
        self.seed
    }

    fn passes(&mut self, point: Point) -> Pass {
        passing::passes(&mut self.random, point)
    }
}
