//! The exploration itself: which runs are made of a scenario, and their sum.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    coverage::Covered,
    run::{Fails, Look, Ran, Target, Way},
    scenario::{Scenario, Wrong},
    visit::Cause,
};
use crate::Counts;

/// Which runs to make.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Runs {
    /// One for each of these seeds.
    pub seeds: std::ops::Range<u64>,
    /// With the seed deciding at every instruction, too.
    pub instructions: bool,
    /// For each boundary and each of these causes one run in which it happens there; and for
    /// raise, too, one run in which it happens at every boundary.
    pub causes: Vec<Cause>,
    /// For each call that can fail one run in which it does.
    pub fail_calls: bool,
    /// With each seed a run in which calls fail that the seed draws.
    pub fail_seeds: bool,
    /// Every run twice.
    pub twice: bool,
}

/// A run that went wrong.
#[derive(Debug)]
pub struct Finding {
    /// The scenario.
    pub scenario: &'static str,
    /// The run.
    pub way: Way,
    /// What went wrong.
    pub wrong: Wrong,
}

/// What an exploration came to.
#[derive(Debug, Default)]
pub struct Explored {
    /// Runs made.
    pub runs: u64,
    /// Runs made with a schedule of a seed.
    pub schedules: u64,
    /// How long they took.
    pub schedule_time: Duration,
    /// Boundaries of the scenarios: each instruction that a call into the driver executes.
    pub boundaries: u64,
    /// Runs in which something happened at one boundary.
    pub boundary_runs: u64,
    /// How long they took.
    pub boundary_time: Duration,
    /// Boundaries at which an interrupt was sent in runs that send one at every boundary.
    pub raised: u64,
    /// Interrupts that were taken there.
    pub raised_taken: u64,
    /// How long that took.
    pub raised_time: Duration,
    /// Calls that can fail, each of which did in a run of its own.
    pub failed_calls: u64,
    /// Pairs of runs that were compared.
    pub compared: u64,
    /// What went wrong.
    pub findings: Vec<Finding>,
    /// What happened in all of them.
    pub counts: Counts,
    pub(crate) covered: Covered,
}

/// Called as runs are made: how many of how many, in the scenario of that name.
pub type Progress<'a> = &'a mut dyn FnMut(&str, u64, u64);

/// At most this many findings are kept; an exploration that has them ends.
pub const MOST_FINDINGS: usize = 20;

impl Target {
    /// Explores a scenario, and adds up what came of it.
    pub fn explore(
        &self,
        scenario: &Arc<dyn Scenario>,
        runs: &Runs,
        explored: &mut Explored,
        progress: Progress<'_>,
    ) {
        let mut session = Exploration {
            target: self,
            scenario,
            twice: runs.twice,
            explored,
        };
        session.plain();
        session.boundaries(runs, progress);
        session.calls(runs, progress);
        session.seeds(runs, progress);
    }
}

struct Exploration<'a> {
    target: &'a Target,
    scenario: &'a Arc<dyn Scenario>,
    twice: bool,
    explored: &'a mut Explored,
}

impl Exploration<'_> {
    fn is_full(&self) -> bool {
        self.explored.findings.len() >= MOST_FINDINGS
    }

    /// Makes one run, or two to compare, and keeps what it found.
    fn make(&mut self, way: Way, look: Look) -> Ran {
        let mut ran = self.target.run(self.scenario, way, look, None);
        self.explored.runs += 1;
        if self.twice {
            let again = self.target.run(self.scenario, way, look, None);
            self.explored.runs += 1;
            self.explored.compared += 1;
            if again.digest != ran.digest {
                ran.result = Err(Wrong::Differs(ran.digest, again.digest));
            }
        }
        self.explored.counts.add(&ran.counts);
        self.explored.covered.add(std::mem::take(&mut ran.covered));
        if let Err(wrong) = std::mem::replace(&mut ran.result, Ok(())) {
            self.explored.findings.push(Finding {
                scenario: self.scenario.name(),
                way,
                wrong,
            });
        }
        ran
    }

    fn plain(&mut self) {
        self.make(Way::default(), Look::Nowhere);
    }

    fn boundaries(&mut self, runs: &Runs, progress: Progress<'_>) {
        if runs.causes.is_empty() || self.is_full() {
            return;
        }
        let found = self.make(Way::default(), Look::Boundaries).points;
        self.explored.boundaries += found.len() as u64;
        if runs.causes.contains(&Cause::Raise) {
            self.raise_everywhere();
        }
        let mut ways: Vec<_> = runs
            .causes
            .iter()
            .flat_map(|&cause| {
                found
                    .iter()
                    .filter(move |found| found.allows(cause))
                    .map(move |found| Way {
                        visit: Some((cause, Some(found.point))),
                        ..Way::default()
                    })
            })
            .collect();
        let start = Instant::now();
        let total = ways.len() as u64;
        for (way, done) in ways.drain(..).zip(0..) {
            if self.is_full() {
                break;
            }
            progress("boundaries", done, total);
            self.make(way, Look::Nowhere);
            self.explored.boundary_runs += 1;
        }
        self.explored.boundary_time += start.elapsed();
    }

    /// One run with an interrupt at every boundary.
    fn raise_everywhere(&mut self) {
        let plain = self
            .target
            .run(self.scenario, Way::default(), Look::Nowhere, None);
        let way = Way {
            visit: Some((Cause::Raise, None)),
            ..Way::default()
        };
        let start = Instant::now();
        let ran = self.make(way, Look::Nowhere);
        self.explored.raised_time += start.elapsed();
        let times = if self.twice { 2 } else { 1 };
        self.explored.raised += times * ran.visited;
        self.explored.raised_taken += times
            * ran
                .counts
                .interrupts
                .saturating_sub(plain.counts.interrupts);
    }

    fn calls(&mut self, runs: &Runs, progress: Progress<'_>) {
        if !runs.fail_calls || self.is_full() {
            return;
        }
        let calls = self.make(Way::default(), Look::Calls).calls;
        let total = calls.len() as u64;
        for (call, done) in calls.into_iter().zip(0..) {
            if self.is_full() {
                break;
            }
            progress("failing calls", done, total);
            let way = Way {
                failing: Fails::Call(call.number),
                ..Way::default()
            };
            self.make(way, Look::Nowhere);
            self.explored.failed_calls += 1;
        }
    }

    fn seeds(&mut self, runs: &Runs, progress: Progress<'_>) {
        let start = Instant::now();
        let total = runs.seeds.end.saturating_sub(runs.seeds.start);
        for (seed, done) in runs.seeds.clone().zip(0..) {
            if self.is_full() {
                break;
            }
            progress("schedules", done, total);
            let way = Way {
                seed: Some(seed),
                instructions: runs.instructions,
                ..Way::default()
            };
            self.make(way, Look::Nowhere);
            self.explored.schedules += 1;
            if runs.fail_seeds {
                let way = Way {
                    failing: Fails::Drawn(seed),
                    ..way
                };
                self.make(way, Look::Nowhere);
                self.explored.schedules += 1;
            }
        }
        self.explored.schedule_time += start.elapsed();
    }
}

/// How much of a driver was covered.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CoverageReport {
    /// Each function of the driver: boundaries stopped at, and boundaries it has.
    pub functions: BTreeMap<String, (usize, usize)>,
    /// Call sites reached.
    pub call_sites: usize,
    /// Call sites that can fail, reached.
    pub fallible_sites: usize,
    /// Call sites that failed.
    pub failed_sites: usize,
}

impl Target {
    /// What an exploration covered, in the driver's own words.
    #[must_use]
    pub fn coverage(&self, explored: &Explored) -> CoverageReport {
        let covered = &explored.covered;
        let mut functions: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for function in self.package.image.functions() {
            let code = function.code.clone();
            let name = self.package.symbols.function(code.start).map_or_else(
                || format!("+{:#x}", code.start),
                |(name, _)| name.to_owned(),
            );
            let entry = functions.entry(name).or_default();
            entry.0 += covered.boundaries.range(code.clone()).count();
            entry.1 += self.code.count(code);
        }
        CoverageReport {
            functions,
            call_sites: covered.sites.len(),
            fallible_sites: covered
                .sites
                .values()
                .filter(|service| super::failing::failure_of(service).is_some())
                .count(),
            failed_sites: covered.failed.len(),
        }
    }
}
