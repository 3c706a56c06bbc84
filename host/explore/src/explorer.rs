//! The exploration itself: which runs are made of a scenario, and in which order.

use std::{sync::Arc, time::Instant};

use kmdf_machine::Schedule;

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
    /// How a seed draws a schedule. The places of its preemption points are counted anew for each scenario.
    pub schedule: Schedule,
    /// With the seed deciding at every instruction, too.
    pub instructions: bool,
    /// With each run that follows no boundary stepped through, to find accesses that nothing orders.
    pub races: bool,
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
    /// Keep one of the findings that are the same, and go on.
    pub each_once: bool,
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
        let mut ways = looks.map(|look| (Way::default(), look));
        ways[0].0.races = self.runs.races;
        let mut first = Vec::new();
        self.make("looking", ways.len() as u64, ways.into_iter(), |_, ran| {
            first.push(ran);
        });
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
                races: self.runs.races,
                ..Way::default()
            });
            let total = calls.calls.len() as u64;
            let ways = ways.map(|way| (way, Look::Coverage));
            let made = self.make("failing calls", total, ways, |_, _| {});
            self.explored.failed_calls += made;
        }
        let instructions = if self.runs.instructions {
            u32::try_from(found.points.len()).unwrap_or(u32::MAX)
        } else {
            0
        };
        self.seeds(plain.moments, plain.moments.saturating_add(instructions));
    }

    /// Makes runs, and adds up what they found. `each` is called with what each came to, in their
    /// order. How many were made: fewer than were asked for when there are enough findings.
    fn make(
        &mut self,
        what: &str,
        total: u64,
        mut ways: impl Iterator<Item = (Way, Look)>,
        mut each: impl FnMut(Way, Ran),
    ) -> u64 {
        let name = self.scenario.name();
        let twice = self.runs.twice;
        let mut done = 0;
        loop {
            let batch: Vec<_> = ways.by_ref().take(BATCH).collect();
            if batch.is_empty() || self.explored.is_full() {
                return done;
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
                self.explored.add(name, way, self.runs, &mut ran);
                each(way, ran);
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
            total,
            ways.into_iter().map(|way| (way, Look::Nowhere)),
            |_, _| {},
        );
        self.explored.boundary_runs += made;
        self.explored.boundary_time += start.elapsed();
    }

    /// One run with an interrupt at every boundary.
    fn raise_everywhere(&mut self, plain: &Ran) {
        let way = Way {
            visit: Some((Cause::Raise, When::EveryBoundary)),
            ..Way::default()
        };
        let start = Instant::now();
        let mut everywhere = None;
        let ways = std::iter::once((way, Look::Nowhere));
        self.make("everywhere", 1, ways, |_, ran| everywhere = Some(ran));
        self.explored.raised_time += start.elapsed();
        if let Some(ran) = everywhere {
            let times = if self.runs.twice { 2 } else { 1 };
            let taken = ran.counts.interrupts;
            self.explored.raised += times * ran.visited;
            self.explored.raised_taken += times * taken.saturating_sub(plain.counts.interrupts);
        }
    }

    /// Runs with seeds: the plain run has so many moments, and so many preemption points.
    fn seeds(&mut self, moments: u32, places: u32) {
        let runs = self.runs;
        let Runs {
            instructions,
            races,
            disturb,
            fail_calls,
            ..
        } = *runs;
        let schedule = runs.schedule.with_places(places);
        let ways = runs.seeds.clone().flat_map(|seed| {
            let way = Way {
                seed: Some(seed),
                schedule,
                instructions,
                races,
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
            let look = if seed.is_multiple_of(STEPPED) && !instructions && !races {
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
        let (mut disturbed, mut failed) = (0, 0);
        let made = self.make("schedules", total, ways, |way, _| {
            disturbed += u64::from(way.visit.is_some());
            failed += u64::from(way.failing != Fails::None);
        });
        self.explored.schedules += made;
        self.explored.disturbed += disturbed;
        self.explored.failed_schedules += failed;
        self.explored.schedule_time += start.elapsed();
    }
}
