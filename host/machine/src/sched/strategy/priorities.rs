//! Priorities that change at few places.
//!
//! A bug of depth d shows when d operations come in one certain order. A walk that decides anew at each place
//! seldom keeps one thread back for as long as that takes. Here whoever has the highest priority runs, and only
//! at d - 1 places, drawn among those of a run, whoever runs then becomes the last. A run of n flows and k
//! places finds a bug of depth d with a chance of at least 1 in n * k^(d-1) (Burckhardt and others, "A
//! randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010: PCT). With priorities by
//! age instead of drawn ones the changes are delays of an order that is fixed otherwise (Emmi and others,
//! "Delay-bounded scheduling", POPL 2011).

use std::collections::BTreeMap;

use rand_chacha::{ChaCha8Rng, rand_core::RngCore};

use super::{Choice, Pass, Point, Strategy, passing};

/// So often in a row a flow is let go on although another could: one that waits for that other by asking
/// again and again would never end.
const PATIENCE: u32 = 2000;
/// Where the priorities begin that changes give, from the top down.
const CHANGED: u64 = 1 << 31;

/// Lets the flow with the highest priority go on.
#[derive(Debug)]
pub struct Priorities {
    random: ChaCha8Rng,
    seed: u64,
    /// Whether whoever came first has the highest priority, instead of a drawn one.
    by_age: bool,
    given: BTreeMap<u32, u64>,
    /// At which places priorities change, the first one last.
    changes: Vec<u32>,
    place: u32,
    /// What the next change gives: less than all before.
    lowest: u64,
    /// Who was chosen last, and how often in a row.
    last: (u32, u32),
}

impl Priorities {
    /// So many changes at places that are drawn among the first `places`.
    pub(super) fn with(
        seed: u64,
        mut random: ChaCha8Rng,
        by_age: bool,
        changes: u32,
        places: u32,
    ) -> Self {
        let mut changes: Vec<_> = (0..changes)
            .map(|_| random.next_u32() % places.max(1))
            .collect();
        changes.sort_unstable_by(|one, other| other.cmp(one));
        Self {
            random,
            seed,
            by_age,
            given: BTreeMap::new(),
            changes,
            place: 0,
            lowest: CHANGED,
            last: (0, 0),
        }
    }

    fn of(&mut self, flow: u32) -> u64 {
        let (random, by_age) = (&mut self.random, self.by_age);
        *self.given.entry(flow).or_insert_with(|| {
            let rank = if by_age {
                u32::MAX - flow
            } else {
                random.next_u32()
            };
            2 * CHANGED + u64::from(rank)
        })
    }

    fn make_last(&mut self, flow: u32) {
        self.lowest = self.lowest.saturating_sub(1);
        self.given.insert(flow, self.lowest);
    }

    /// Of the flows that could go on the one with the highest priority, with the number of its option.
    fn highest(&mut self, options: &[Vec<u32>]) -> Option<(usize, u32)> {
        let all = options.iter().enumerate();
        let all = all.flat_map(|(index, flows)| flows.iter().map(move |&flow| (index, flow)));
        all.max_by_key(|&(_, flow)| self.of(flow))
    }
}

impl Strategy for Priorities {
    fn choose(&mut self, choice: Choice, options: &[Vec<u32>]) -> usize {
        if !matches!(choice, Choice::Processor | Choice::Thread) {
            return self.random.next_u32() as usize % options.len();
        }
        let Some((index, flow)) = self.highest(options) else {
            return 0;
        };
        self.last = match self.last {
            (last, times) if last == flow => (flow, times + 1),
            _ => (flow, 0),
        };
        if self.last.1 > PATIENCE {
            self.make_last(flow);
        }
        index
    }

    fn preempts(&mut self, _: Point, flow: u32) -> bool {
        self.place += 1;
        while self
            .changes
            .last()
            .is_some_and(|&change| change < self.place)
        {
            self.changes.pop();
            self.make_last(flow);
        }
        // Whoever has the highest priority then may be another one.
        true
    }

    fn salt(&self) -> u64 {
        self.seed
    }

    fn passes(&mut self, point: Point) -> Pass {
        passing::passes(&mut self.random, point)
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn drawn(by_age: bool, changes: u32) -> Priorities {
        Priorities::with(1, ChaCha8Rng::seed_from_u64(1), by_age, changes, 10)
    }

    /// Who goes on at each of so many places.
    fn goes_on(mut strategy: Priorities, places: u32) -> Vec<usize> {
        let options = [vec![0], vec![1], vec![2]];
        (0..places)
            .map(|_| {
                let chosen = strategy.choose(Choice::Processor, &options);
                strategy.preempts(Point::Service, options[chosen][0]);
                chosen
            })
            .collect()
    }

    #[test]
    fn without_changes_one_flow_goes_on() {
        let order = goes_on(drawn(false, 0), 50);
        assert!(order.iter().all(|&flow| flow == order[0]), "{order:?}");
    }

    #[test]
    fn by_age_the_first_goes_on_and_each_change_lets_another() {
        let order = goes_on(drawn(true, 2), 50);
        assert_eq!(order[0], 0);
        let mut without_repetition = order;
        without_repetition.dedup();
        assert_eq!(without_repetition, [0, 1, 2]);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let order = goes_on(drawn(true, 0), 3 * PATIENCE + 10);
        assert!([0, 1, 2].iter().all(|flow| order.contains(flow)));
    }
}
