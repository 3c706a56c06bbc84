//! Moments: the preemption points of a run, counted, and something that happens at one of them.

use std::cell::Cell;

use rand_chacha::rand_core::RngCore;

use super::{draw::Stream, visit::Cause};

/// Counts the moments of a run, and knows at which something happens.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    passed: Cell<u32>,
    planned: Cell<Option<(u32, Cause)>>,
}

impl Moments {
    /// Plans a cause for the moment with that number.
    pub(crate) fn plan(&self, moment: u32, cause: Cause) {
        self.planned.set(Some((moment, cause)));
    }

    /// How many there were.
    pub(crate) fn passed(&self) -> u32 {
        self.passed.get()
    }

    /// Passes one. What is to happen there, if something is.
    pub(crate) fn pass(&self) -> Option<Cause> {
        let number = self.passed.replace(self.passed.get() + 1);
        let (_, cause) = self.planned.get().filter(|&(moment, _)| moment == number)?;
        Some(cause)
    }
}

/// Draws a cause and the moment of a run with so many at which it happens.
pub(crate) fn draw(seed: u64, causes: &[Cause], moments: u32) -> Option<(Cause, u32)> {
    let mut random = Stream::Moment.of(seed);
    let mut below = |limit: usize| {
        let limit = u64::try_from(limit).ok().filter(|&limit| limit > 0)?;
        // The bias of a remainder does not matter for so few.
        usize::try_from(random.next_u64() % limit).ok()
    };
    let cause = *causes.get(below(causes.len())?)?;
    let moment = u32::try_from(below(moments as usize)?).ok()?;
    Some((cause, moment))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn a_cause_is_due_at_its_moment_only() {
        let moments = Moments::default();
        moments.plan(2, Cause::Sleep);
        let passed: Vec<_> = (0..4).map(|_| moments.pass()).collect();
        assert_eq!(passed, [None, None, Some(Cause::Sleep), None]);
        assert_eq!(moments.passed(), 4);
    }

    #[test]
    fn a_seed_draws_the_same_moment_each_time_and_one_of_the_run() {
        for seed in 0..200 {
            let drawn = draw(seed, Cause::value_variants(), 7);
            assert_eq!(drawn, draw(seed, Cause::value_variants(), 7));
            assert!(drawn.is_some_and(|(_, moment)| moment < 7), "{drawn:?}");
        }
        assert_eq!(draw(1, &[], 7), None, "no cause");
        assert_eq!(draw(1, Cause::value_variants(), 0), None, "no moment");
    }
}
