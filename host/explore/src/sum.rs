//! What an exploration came to: the sum of its runs.

use std::time::Duration;

use kmdf_machine::Counts;

use super::{coverage::Covered, run::Ran, scenario::Wrong, way::Way};

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
    /// Of these, runs in which a cause happened at a moment that the seed drew.
    pub disturbed: u64,
    /// Of these, runs in which calls failed that the seed drew.
    pub failed_schedules: u64,
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

/// At most this many findings are kept; an exploration that has them ends.
pub const MOST_FINDINGS: usize = 20;

impl Explored {
    pub(super) fn is_full(&self) -> bool {
        self.findings.len() >= MOST_FINDINGS
    }

    /// Adds a run.
    pub(super) fn add(&mut self, scenario: &'static str, way: Way, twice: bool, ran: &mut Ran) {
        self.runs += if twice { 2 } else { 1 };
        self.compared += u64::from(twice);
        self.counts.add(&ran.counts);
        self.covered.add(std::mem::take(&mut ran.covered));
        let result = std::mem::replace(&mut ran.result, Ok(()));
        if let Err(wrong) = result
            && !self.is_full()
        {
            self.findings.push(Finding {
                scenario,
                way,
                wrong,
            });
        }
    }
}
