//! What an exploration came to, for people and for programs.

use std::{sync::Arc, time::Duration};

use kmdf_explore::{CoverageReport, Explored, Scenario};
use serde_json::json;

use super::{super::Exit, common::Common};

/// Everything there is to say.
pub(super) struct Report<'a> {
    pub(super) program: &'a str,
    pub(super) common: &'a Common,
    pub(super) scenarios: &'a [Arc<dyn Scenario>],
    pub(super) coverage: CoverageReport,
    pub(super) explored: &'a Explored,
}

impl Report<'_> {
    /// How the program ends: as the first finding does.
    pub(super) fn exit(&self) -> Exit {
        let first = self.explored.findings.first();
        first.map_or(Exit::Success, |finding| Exit::of_wrong(&finding.wrong))
    }

    pub(super) fn print_json(&self) {
        let Explored {
            runs,
            schedules,
            disturbed,
            failed_schedules,
            boundaries,
            boundary_runs,
            raised,
            raised_taken,
            failed_calls,
            compared,
            counts,
            ..
        } = self.explored;
        let explored = self.explored;
        let findings: Vec<_> = explored
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "scenario": finding.scenario,
                    "wrong": finding.wrong.to_string(),
                    "replay": self.common.replay_command(self.program, finding),
                    "exit": Exit::of_wrong(&finding.wrong) as u8,
                })
            })
            .collect();
        say!(
            "{}",
            json!({
                "scenarios": self.scenarios.iter().map(|s| s.name()).collect::<Vec<_>>(),
                "runs": runs,
                "schedules": schedules,
                "schedules_disturbed": disturbed,
                "schedules_with_failing_calls": failed_schedules,
                "schedules_per_second": per_second(*schedules, explored.schedule_time),
                "boundaries": boundaries,
                "boundary_runs": boundary_runs,
                "boundary_runs_per_second": per_second(*boundary_runs, explored.boundary_time),
                "raised_at": raised,
                "raised_taken": raised_taken,
                "raised_per_second": per_second(*raised_taken, explored.raised_time),
                "failed_calls": failed_calls,
                "compared": compared,
                "counts": counts,
                "coverage": self.coverage,
                "findings": findings,
                "exit": self.exit() as u8,
            })
        );
    }

    pub(super) fn print(&self, list: bool) {
        let explored = self.explored;
        say!(
            "explored   {} runs of {} scenarios, {} requests completed, {} interrupts",
            explored.runs,
            self.scenarios.len(),
            explored.counts.completions,
            explored.counts.interrupts
        );
        if explored.schedules > 0 {
            say!(
                "schedules  {} seeded schedules, {} a second; {} with a cause at a moment of the \
                 seed, {} with calls of the seed that fail",
                explored.schedules,
                per_second(explored.schedules, explored.schedule_time),
                explored.disturbed,
                explored.failed_schedules
            );
        }
        if explored.boundary_runs > 0 {
            say!(
                "boundaries {} instruction boundaries of the scenarios; {} runs with something \
                 happening at one, {} a second",
                explored.boundaries,
                explored.boundary_runs,
                per_second(explored.boundary_runs, explored.boundary_time)
            );
        }
        if explored.raised > 0 {
            say!(
                "           {} interrupts taken at {} boundaries of one run each, {} a second",
                explored.raised_taken,
                explored.raised,
                per_second(explored.raised_taken, explored.raised_time)
            );
        }
        if explored.failed_calls > 0 {
            say!(
                "failing    {} calls made to fail, one at a time",
                explored.failed_calls
            );
        }
        if explored.compared > 0 {
            say!(
                "replayed   {} runs made twice and compared",
                explored.compared
            );
        }
        self.print_coverage(list);
        for finding in &explored.findings {
            say!(
                "\nFOUND in {}: {}",
                finding.scenario,
                finding.wrong.to_string().trim_end()
            );
            say!(
                "  replay: {}",
                self.common.replay_command(self.program, finding)
            );
        }
        if explored.findings.is_empty() {
            say!("found      nothing wrong");
        }
    }

    fn print_coverage(&self, list: bool) {
        let coverage = &self.coverage;
        let reached = coverage.functions.values().filter(|(n, _)| *n > 0).count();
        say!(
            "coverage   {reached} of {} functions, {} of {} boundaries, {} of {} call sites; {} \
             of the {} call sites that can fail did",
            coverage.functions.len(),
            coverage.boundaries,
            coverage.all_boundaries,
            coverage.call_sites,
            coverage.all_call_sites,
            coverage.failed_sites,
            coverage.fallible_sites
        );
        if !list {
            return;
        }
        say!("           boundaries visited, of each function's; lines never reached");
        for (function, (visited, all)) in &coverage.functions {
            say!("           {visited:>5} of {all:>5}  {function}");
            for line in coverage.never_reached.get(function).into_iter().flatten() {
                say!("                           never: {line}");
            }
        }
        for call in &coverage.never_failed {
            say!("           never failed: {call}");
        }
    }
}

/// How many there were a second, rounded.
fn per_second(count: u64, time: Duration) -> u64 {
    const NANOSECONDS: u128 = 1_000_000_000;
    let each = u128::from(count) * NANOSECONDS;
    u64::try_from(each / time.as_nanos().max(1)).unwrap_or(u64::MAX)
}
