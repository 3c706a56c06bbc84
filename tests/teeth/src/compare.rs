//! The yardstick: how many runs each kind of schedule takes to find a defect that the simplest order does not show.

use std::{fmt::Write as _, time::Duration};

use kmdf_host::{
    Schedule,
    explore::{Cause, Runs},
};

use crate::{
    bugs::{BUGS, Bug, Hunt},
    hunt::{HuntError, Hunter},
};

/// What is compared.
pub const SCHEDULES: [&str; 7] = [
    "walk", "pct:1", "pct:2", "pct:3", "delays:1", "delays:2", "swarm",
];

/// Each seed makes two runs: its schedule, and the same with a cause at a moment.
const RUNS: u64 = 2;
/// So many hunts are enough for a median.
const HUNTS: usize = 20;
/// Seeds of one exploration.
const PIECE: u64 = 100;

/// What came of hunts for one defect.
#[derive(Clone, Debug, Default)]
pub struct Hunts {
    /// How many runs each took. A hunt begins behind the find of the one before.
    pub runs: Vec<u64>,
    /// How many runs there were in all.
    pub all: u64,
    /// How long they took.
    pub time: Duration,
}

impl Hunts {
    /// How many runs half of the hunts took at most; `None` if nothing was found.
    #[must_use]
    pub fn median(&self) -> Option<u64> {
        let mut runs = self.runs.clone();
        runs.sort_unstable();
        runs.get(runs.len() / 2).copied()
    }
}

/// Whether schedules can find it: it shows in an order of events, not by a call that fails.
#[must_use]
pub fn is_of_order(bug: &Bug) -> bool {
    matches!(bug.hunt, Hunt::Seeds | Hunt::Boundaries(_))
}

/// Hunts for a defect with schedules of that kind, at most with so many seeds.
///
/// # Errors
/// The driver cannot be run.
pub fn hunts(bug: &Bug, schedule: Schedule, seeds: u64) -> Result<Hunts, HuntError> {
    let hunter = Hunter::of(bug)?;
    let mut hunts = Hunts::default();
    let (mut from, mut began) = (0, 0);
    while from < seeds && hunts.runs.len() < HUNTS {
        let to = (from + PIECE).min(seeds);
        let explored = hunter.explore(&Runs {
            seeds: from..to,
            schedule,
            causes: vec![Cause::Raise, Cause::Cancel, Cause::Device],
            disturb: true,
            threads: 2,
            ..Runs::default()
        });
        for seed in explored.findings.iter().filter_map(|found| found.way.seed) {
            if seed >= began {
                hunts.runs.push(RUNS * (seed + 1 - began));
                began = seed + 1;
            }
        }
        hunts.all += explored.schedules;
        hunts.time += explored.schedule_time;
        from = to;
    }
    hunts.runs.truncate(HUNTS);
    Ok(hunts)
}

/// The table of all defects of order, as Markdown.
///
/// # Errors
/// A driver could not be run.
pub fn table(seeds: u64) -> Result<String, HuntError> {
    let mut table = format!("| defect | {} |\n", SCHEDULES.join(" | "));
    let _ = writeln!(table, "| --- |{}", " ---: |".repeat(SCHEDULES.len()));
    let mut sums = vec![Hunts::default(); SCHEDULES.len()];
    for bug in BUGS.iter().filter(|bug| is_of_order(bug)) {
        let mut row = format!("| `{}` |", bug.name);
        for (schedule, sum) in SCHEDULES.iter().zip(&mut sums) {
            let schedule = schedule.parse().unwrap_or_default();
            let hunts = hunts(bug, schedule, seeds)?;
            let _ = match hunts.median() {
                Some(runs) => write!(row, " {runs} |"),
                None => write!(row, " none in {} |", hunts.all),
            };
            sum.all += hunts.all;
            sum.time += hunts.time;
        }
        let _ = writeln!(table, "{row}");
    }
    table.push_str("| a run, ms |");
    for sum in &sums {
        let runs = u32::try_from(sum.all).unwrap_or(u32::MAX).max(1);
        let _ = write!(table, " {:.1} |", (sum.time / runs).as_secs_f64() * 1000.0);
    }
    table.push('\n');
    Ok(table)
}
