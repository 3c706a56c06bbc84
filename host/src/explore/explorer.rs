//! The exploration itself: which runs are made of a scenario, and in which order.

use std::{sync::Arc, time::Instant};

use super::{
    moment,
    pool::{Job, Pool},
    run::{Look, Ran},
    scenario::Scenario,
    sum::Explored,
    target::Target,
    visit::{Cause, Found},
    way::{Fails, Way, When},
};

/// Which runs to make.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Runs {
    /// One for each of these seeds.
    pub seeds: std::ops::Range<u64>,
    /// With the seed deciding at every instruction, too.
    pub instructions: bool,
    /// What happens at boundaries and at moments.
    pub causes: Vec<Cause>,
    /// For each boundary and each of the causes one run in which it happens there; and for
    /// raise, too, one run in which it happens at every boundary.
    pub every_boundary: bool,
    /// With each seed a run in which one of the causes happens at a moment, both drawn by the seed.
    pub disturb: bool,
    /// For each call that can fail one run in which it does; and with each seed a run in which
    /// calls fail that the seed draws.
    pub fail_calls: bool,
    /// Every run twice.
    pub twice: bool,
    /// How many threads make them. What comes of them does not depend on it.
    pub threads: usize,
}

/// Called as runs are made: the scenario, what is being done with it, how many of how many.
pub type Progress<'a> = &'a mut dyn FnMut(&'static str, &str, u64, u64);

/// How many runs are handed out at once. What is found is looked at in between.
const BATCH: usize = 1024;
/// One run with a seed in this many is stepped through, to see where it comes.
const STEPPED: u64 = 64;

/// Explores scenarios.
#[must_use]
pub fn explore(
    target: &Target,
    scenarios: &[Arc<dyn Scenario>],
    runs: &Runs,
    progress: Progress<'_>,
) -> Explored {
    let mut explored = Explored::default();
    Pool::with(target, runs.threads, |pool| {
        for scenario in scenarios {
            let mut exploration = Exploration {
                pool,
                scenario,
                runs,
                explored: &mut explored,
                progress: &mut *progress,
            };
            exploration.all();
        }
    });
    explored
}

struct Exploration<'a> {
    pool: &'a Pool,
    scenario: &'a Arc<dyn Scenario>,
    runs: &'a Runs,
    explored: &'a mut Explored,
    progress: Progress<'a>,
}

impl Exploration<'_> {
    fn all(&mut self) {
        let looks = [Look::Nowhere, Look::Boundaries, Look::Calls];
        let first = looks.map(|look| (Way::default(), look));
        let mut first = self.make("looking", (0, first.len() as u64), first.into_iter());
        let (Some(calls), Some(found), Some(plain)) = (first.pop(), first.pop(), first.pop())
        else {
            return;
        };
        if self.runs.every_boundary {
            self.boundaries(&found.points);
            if self.runs.causes.contains(&Cause::Raise) {
                self.raise_everywhere(&plain);
            }
        }
        self.explored.boundaries += found.points.len() as u64;
        if self.runs.fail_calls {
            let ways = calls.calls.iter().map(|call| Way {
                failing: Fails::Call(call.number),
                ..Way::default()
            });
            let total = calls.calls.len() as u64;
            let ways = ways.map(|way| (way, Look::Coverage));
            let made = self.make("failing calls", (0, total), ways);
            self.explored.failed_calls += made.len() as u64;
        }
        self.seeds(plain.moments);
    }

    /// Makes runs, and adds up what they found. What each came to, in their order; fewer than were
    /// asked for when there are enough findings.
    fn make(
        &mut self,
        what: &str,
        (from, total): (u64, u64),
        mut ways: impl Iterator<Item = (Way, Look)>,
    ) -> Vec<Ran> {
        let name = self.scenario.name();
        let twice = self.runs.twice;
        let mut all = Vec::new();
        let mut done = from;
        loop {
            let batch: Vec<_> = ways.by_ref().take(BATCH).collect();
            if batch.is_empty() || self.explored.is_full() {
                return all;
            }
            let jobs = batch
                .iter()
                .map(|&(way, look)| Job {
                    scenario: Arc::clone(self.scenario),
                    way,
                    look,
                    twice,
                })
                .collect();
            let made = self.pool.make(jobs, || {
                done += 1;
                (self.progress)(name, what, done, total);
            });
            for ((way, _), mut ran) in batch.into_iter().zip(made) {
                self.explored.add(name, way, twice, &mut ran);
                all.push(ran);
            }
        }
    }

    fn boundaries(&mut self, found: &[Found]) {
        let causes = &self.runs.causes;
        let ways: Vec<_> = causes
            .iter()
            .flat_map(|&cause| {
                let found = found.iter().filter(move |found| found.allows(cause));
                found.map(move |found| Way {
                    visit: Some((cause, When::Boundary(found.point))),
                    ..Way::default()
                })
            })
            .collect();
        let start = Instant::now();
        let total = ways.len() as u64;
        let made = self.make(
            "boundaries",
            (0, total),
            ways.into_iter().map(|way| (way, Look::Nowhere)),
        );
        self.explored.boundary_runs += made.len() as u64;
        self.explored.boundary_time += start.elapsed();
    }

    /// One run with an interrupt at every boundary.
    fn raise_everywhere(&mut self, plain: &Ran) {
        let way = Way {
            visit: Some((Cause::Raise, When::EveryBoundary)),
            ..Way::default()
        };
        let start = Instant::now();
        let made = self.make("everywhere", (0, 1), std::iter::once((way, Look::Nowhere)));
        self.explored.raised_time += start.elapsed();
        let times = if self.runs.twice { 2 } else { 1 };
        for ran in made {
            self.explored.raised += times * ran.visited;
            self.explored.raised_taken += times
                * ran
                    .counts
                    .interrupts
                    .saturating_sub(plain.counts.interrupts);
        }
    }

    fn seeds(&mut self, moments: u32) {
        let runs = self.runs;
        let Runs {
            instructions,
            disturb,
            fail_calls,
            ..
        } = *runs;
        let ways = runs.seeds.clone().flat_map(|seed| {
            let way = Way {
                seed: Some(seed),
                instructions,
                ..Way::default()
            };
            let drawn = disturb.then(|| moment::draw(seed, &runs.causes, moments));
            let disturbed = drawn.flatten().map(|(cause, moment)| Way {
                visit: Some((cause, When::Moment(moment))),
                ..way
            });
            let failing = fail_calls.then_some(Way {
                failing: Fails::Drawn(seed),
                ..way
            });
            let look = if seed.is_multiple_of(STEPPED) && !instructions {
                Look::Coverage
            } else {
                Look::Nowhere
            };
            let all = [Some(way), disturbed, failing];
            all.into_iter().flatten().map(move |way| (way, look))
        });
        let each = 1 + u64::from(disturb) + u64::from(fail_calls);
        let total = each * runs.seeds.end.saturating_sub(runs.seeds.start);
        let start = Instant::now();
        let made = self.count_schedules(total, ways);
        self.explored.schedules += made.0;
        self.explored.disturbed += made.1;
        self.explored.failed_schedules += made.2;
        self.explored.schedule_time += start.elapsed();
    }

    /// Makes runs with seeds, which may be too many to keep: all, those with a cause, those with
    /// calls that fail.
    fn count_schedules(
        &mut self,
        total: u64,
        mut ways: impl Iterator<Item = (Way, Look)>,
    ) -> (u64, u64, u64) {
        let mut counts = (0, 0, 0);
        loop {
            let batch: Vec<_> = ways.by_ref().take(BATCH).collect();
            if batch.is_empty() || self.explored.is_full() {
                return counts;
            }
            let from = counts.0;
            counts.0 += batch.len() as u64;
            counts.1 += batch.iter().filter(|(way, _)| way.visit.is_some()).count() as u64;
            let failing = batch.iter().filter(|(way, _)| way.failing != Fails::None);
            counts.2 += failing.count() as u64;
            self.make("schedules", (from, total), batch.into_iter());
        }
    }
}
