//! What an exploration came to: the sum of its runs.

use std::time::Duration;

use kmdf_machine::{Counts, Stop};
use kmdf_session::BootError;

use super::{coverage::Covered, explorer::Runs, run::Ran, scenario::Wrong, way::Way};

/// A run that went wrong.
#[derive(Debug)]
pub struct Finding {
    /// The scenario.
    pub scenario: &'static str,
    /// The run.
    pub way: Way,
    /// What went wrong.
    pub wrong: Wrong,
    /// How many runs came to the same, this one with them, where each thing is kept once.
    pub runs: u64,
}

impl Finding {
    /// What is the same in findings of the same fault: the rule and the place, or the text without its
    /// numbers.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.wrong)
    }
}

fn key(wrong: &Wrong) -> String {
    let report = match wrong {
        Wrong::Stopped(Stop::BugCheck(report) | Stop::Unsupported(report))
        | Wrong::Boot(BootError::Stopped(Stop::BugCheck(report) | Stop::Unsupported(report))) => {
            report
        }
        other => return without_numbers(&other.to_string()),
    };
    let place = report.stack.first().unwrap_or(&report.text);
    format!("{} {}", report.rule, without_numbers(place))
}

/// A text with a mark for each number in it: two runs of one fault differ in handles and times.
fn without_numbers(text: &str) -> String {
    let mut marked = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            marked.push('#');
        } else {
            marked.push_str(word);
        }
    }
    marked
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
    pub(super) fn add(&mut self, scenario: &'static str, way: Way, runs: &Runs, ran: &mut Ran) {
        let twice = runs.twice;
        self.runs += if twice { 2 } else { 1 };
        self.compared += u64::from(twice);
        self.counts.add(&ran.counts);
        self.covered.add(std::mem::take(&mut ran.covered));
        let result = std::mem::replace(&mut ran.result, Ok(()));
        let Err(wrong) = result else {
            return;
        };
        if runs.each_once {
            let key = key(&wrong);
            let known = self.findings.iter_mut().find(|known| known.key() == key);
            if let Some(known) = known {
                known.runs += 1;
                return;
            }
        }
        if !self.is_full() {
            self.findings.push(Finding {
                scenario,
                way,
                wrong,
                runs: 1,
            });
        }
    }
}
