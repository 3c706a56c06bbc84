//! `explore`: scenarios in many ways.

mod common;
mod gallery;
mod progress;
mod replay;
mod report;
mod scripts;

use std::{num::NonZero, ops::Range, thread::available_parallelism};

use clap::{Args, ValueEnum};

pub(super) use self::{gallery::Gallery, replay::Replay};
use kmdf_explore::{Cause, Runs, explore};
use kmdf_machine::Schedule;

use self::{common::Common, report::Report};
use super::{Devices, Exit, complain};

/// The arguments of `explore`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(in super::super) struct Explore {
    #[command(flatten)]
    common: Common,
    /// Run only this scenario (repeat for more) [default: the scripts, or all]
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Seeds of the schedules to try: N to M, M excluded
    #[arg(long, value_name = "N..M", value_parser = parse_range, default_value = "0..100")]
    seeds: Range<u64>,
    /// How a seed draws a schedule: walk, pct:DEPTH, delays:COUNT or swarm
    #[arg(long, value_name = "SCHEDULE", default_value_t)]
    schedule: Schedule,
    /// Let the seeds also decide at every instruction of the driver
    #[arg(long)]
    instructions: bool,
    /// Step through each run but those of --every-boundary, and find accesses of memory that no lock, queue
    /// or PnP orders (the rule DataRace)
    #[arg(long)]
    races: bool,
    /// Visit every instruction boundary, with each cause that could change something there
    #[arg(long)]
    every_boundary: bool,
    /// Make a second run with every seed, in which one cause happens at one moment; the seed draws both
    #[arg(long)]
    disturb: bool,
    /// Use only this cause (repeat for more) [default: all]
    #[arg(long, value_enum, value_name = "CAUSE")]
    cause: Vec<Cause>,
    /// Fail each call that can fail, one in each run; with every seed, some of them at once
    #[arg(long)]
    fail_calls: bool,
    /// Make every run twice and compare the two, event for event
    #[arg(long)]
    twice: bool,
    /// List the functions of the driver, with how many of their boundaries were visited, and the
    /// lines and calls that were never reached
    #[arg(long)]
    coverage: bool,
    /// Number of threads [default: the number of processors]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: Option<u32>,
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let parsed = match text.split_once("..") {
        Some((from, to)) => from.parse().ok().zip(to.parse().ok()),
        None => text.parse().ok().map(|seed: u64| (seed, seed + 1)),
    };
    match parsed {
        Some((from, to)) if from <= to => Ok(from..to),
        Some(_) => Err(format!(
            "{text} ends before it begins: write N..M, N not above M"
        )),
        None => Err(format!("{text} is not a range: write N..M, or N alone")),
    }
}

impl Explore {
    pub(in super::super) fn run(self, program: &str, devices: &'static dyn Devices) -> Exit {
        let scenarios = match self.common.select(devices, &self.scenario) {
            Ok(scenarios) if scenarios.is_empty() => {
                complain(
                    self.common.json,
                    "this program has no scenarios: name one with --script, or write one (the library's \
                     explore::Scenario)",
                );
                return Exit::Usage;
            }
            Ok(scenarios) => scenarios,
            Err(text) => {
                complain(self.common.json, &text);
                return Exit::Usage;
            }
        };
        let target = match self.common.target() {
            Ok(target) => target,
            Err(error) => return self.common.refused(&error),
        };
        let bar = progress::Bar::new(self.common.json);
        let explored = explore(
            &target,
            &scenarios,
            &self.runs(),
            &mut |name, what, done, of| {
                bar.show(name, what, done, of);
            },
        );
        bar.clear();
        let report = Report {
            program,
            common: &self.common,
            scenarios: &scenarios,
            coverage: target.coverage(&explored),
            explored: &explored,
        };
        if self.common.json {
            report.print_json();
        } else {
            report.print(self.coverage);
        }
        report.exit()
    }

    fn runs(&self) -> Runs {
        let threads = match self.threads {
            Some(threads) => threads as usize,
            None => available_parallelism().map_or(1, NonZero::get),
        };
        Runs {
            seeds: self.seeds.clone(),
            schedule: self.schedule,
            instructions: self.instructions,
            races: self.races,
            causes: if self.cause.is_empty() {
                Cause::value_variants().to_vec()
            } else {
                self.cause.clone()
            },
            every_boundary: self.every_boundary,
            disturb: self.disturb,
            fail_calls: self.fail_calls,
            twice: self.twice,
            each_once: false,
            threads,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_range;

    #[test]
    fn seeds_are_a_range_or_one() {
        assert_eq!(parse_range("2..5"), Ok(2..5));
        assert_eq!(parse_range("7"), Ok(7..8));
        assert_eq!(parse_range("0..0"), Ok(0..0));
        assert!(parse_range("5..2").is_err_and(|error| error.contains("ends before it begins")));
        assert!(parse_range("5..").is_err_and(|error| error.contains("not a range")));
    }
}
