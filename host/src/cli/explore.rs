//! `explore` and `replay`: a scenario in many ways, and one of them again.

use std::{io::IsTerminal, ops::Range, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{
    Devices, Exit,
    pictures::{Pictures, Records},
    registry::Registry,
};
use crate::{
    BootError, Driver, Package, Record, Stop,
    explore::{
        Cause, CoverageReport, Explored, Fails, Finding, Point, Runs, Scenario, Target, Way, Wrong,
    },
};

/// What `explore` and `replay` share.
#[derive(Debug, Args)]
struct Common {
    /// The driver's image, a .sys file for x64
    #[arg(long, value_name = "FILE.sys")]
    driver: PathBuf,
    /// The INF or INX to install it from
    #[arg(long, value_name = "FILE.inx")]
    inf: PathBuf,
    /// The PDB of the image; without it the one beside the image, if there is one
    #[arg(long, value_name = "FILE.pdb")]
    pdb: Option<PathBuf>,
    /// Processors of the machine
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    processors: u32,
    #[command(flatten)]
    registry: Registry,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// The arguments of `explore`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(super) struct Explore {
    #[command(flatten)]
    common: Common,
    /// Only this scenario (repeat for more); all without it
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Schedules to try: the seeds N to M, M excluded
    #[arg(long, value_name = "N..M", value_parser = parse_range, default_value = "0..100")]
    seeds: Range<u64>,
    /// Let the seeds decide at every instruction of the driver, too
    #[arg(long)]
    instructions: bool,
    /// Visit every instruction boundary, with each cause that could change something there
    #[arg(long)]
    every_boundary: bool,
    /// What happens at the boundaries (repeat for more); all causes without it
    #[arg(long, value_enum, value_name = "CAUSE")]
    cause: Vec<Cause>,
    /// Fail each call that can fail, one in each run; with every seed, some of them at once
    #[arg(long)]
    fail_calls: bool,
    /// Make every run twice: both must go the same way, event for event
    #[arg(long)]
    twice: bool,
    /// List the functions of the driver, with how many of their boundaries were visited
    #[arg(long)]
    coverage: bool,
}

/// The arguments of `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    #[command(flatten)]
    common: Common,
    /// The scenario
    #[arg(long, value_name = "NAME")]
    scenario: String,
    /// Scheduling decisions of this seed, instead of the simplest order
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The seed decides at every instruction, too
    #[arg(long)]
    instructions: bool,
    /// What happens at the boundary
    #[arg(long, value_enum, value_name = "CAUSE")]
    cause: Option<Cause>,
    /// Where it happens: which call into the driver, which boundary of it, and its RVA
    #[arg(long, value_name = "CALL:INDEX:RVA", value_parser = parse_point, requires = "cause")]
    boundary: Option<Point>,
    /// It happens at every boundary
    #[arg(long, requires = "cause", conflicts_with = "boundary")]
    every_boundary: bool,
    /// The call with this number fails
    #[arg(long, value_name = "N", conflicts_with = "fail_seed")]
    fail_call: Option<u32>,
    /// The calls that this seed draws fail
    #[arg(long, value_name = "N")]
    fail_seed: Option<u64>,
    #[command(flatten)]
    pictures: Pictures,
}

fn parse_range(text: &str) -> Result<Range<u64>, String> {
    let parsed = match text.split_once("..") {
        Some((from, to)) => from.parse().ok().zip(to.parse().ok()),
        None => text.parse().ok().map(|seed: u64| (seed, seed + 1)),
    };
    parsed
        .map(|(from, to)| from..to)
        .ok_or_else(|| format!("{text} is no range: write N..M, or N alone"))
}

fn parse_point(text: &str) -> Result<Point, String> {
    let mut parts = text.split(':');
    let mut decimal = || parts.next()?.parse().ok();
    let (activation, index) = (decimal(), decimal());
    let rva = parts
        .next()
        .and_then(|rva| u32::from_str_radix(rva.trim_start_matches("0x"), 16).ok());
    match (activation, index, rva) {
        (Some(activation), Some(index), Some(rva)) => Ok(Point {
            activation,
            index,
            rva,
        }),
        _ => Err(format!(
            "{text} is no boundary: write CALL:INDEX:RVA as a finding prints it"
        )),
    }
}

impl Common {
    fn target(&self) -> Result<Target, BootError> {
        let package = Package::read(&Driver {
            image: self.driver.clone(),
            symbols: self.pdb.clone(),
            inf: self.inf.clone(),
        })?;
        let package = package.with_registry(&self.registry.values());
        Ok(Target::new(package, self.processors))
    }

    fn replay_command(&self, program: &str, finding: &Finding) -> String {
        let pdb = self
            .pdb
            .as_ref()
            .map_or_else(String::new, |pdb| format!(" --pdb {}", pdb.display()));
        format!(
            "{program} replay --driver {} --inf {}{pdb} --processors {}{} --scenario {} {}",
            self.driver.display(),
            self.inf.display(),
            self.processors,
            self.registry,
            finding.scenario,
            finding.way
        )
    }

    fn refused(&self, error: &BootError) -> Exit {
        complain(self.json, error.to_string().trim_end());
        Exit::of_boot(error)
    }
}

fn complain(json: bool, text: &str) {
    if json {
        println!("{}", json!({ "error": text }));
    } else {
        eprintln!("error: {text}");
    }
}

/// The scenarios with these names, or all.
fn select(devices: &dyn Devices, names: &[String]) -> Result<Vec<Arc<dyn Scenario>>, String> {
    let all = devices.scenarios();
    if names.is_empty() {
        return Ok(all);
    }
    names
        .iter()
        .map(|name| {
            all.iter()
                .find(|scenario| scenario.name() == name)
                .cloned()
                .ok_or_else(|| {
                    let known: Vec<_> = all.iter().map(|scenario| scenario.name()).collect();
                    format!(
                        "there is no scenario {name}; there are {}",
                        known.join(", ")
                    )
                })
        })
        .collect()
}

impl Explore {
    pub(super) fn run(self, program: &str, devices: &dyn Devices) -> Exit {
        let scenarios = match select(devices, &self.scenario) {
            Ok(scenarios) if scenarios.is_empty() => {
                complain(
                    self.common.json,
                    "this program has no scenarios: they come with a device (see the library's \
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
        let runs = Runs {
            seeds: self.seeds.clone(),
            instructions: self.instructions,
            causes: match (self.every_boundary, self.cause.is_empty()) {
                (false, _) => Vec::new(),
                (true, true) => Cause::ALL.to_vec(),
                (true, false) => self.cause.clone(),
            },
            fail_calls: self.fail_calls,
            fail_seeds: self.fail_calls,
            twice: self.twice,
        };
        let mut explored = Explored::default();
        for scenario in &scenarios {
            let bar = bar(scenario.name(), self.common.json);
            target.explore(scenario, &runs, &mut explored, &mut |what, done, total| {
                bar.set_length(total);
                bar.set_position(done);
                if bar.message() != what {
                    bar.set_message(what.to_owned());
                }
            });
            bar.finish_and_clear();
        }
        self.report(program, &target, &scenarios, &explored)
    }

    fn report(
        &self,
        program: &str,
        target: &Target,
        scenarios: &[Arc<dyn Scenario>],
        explored: &Explored,
    ) -> Exit {
        let coverage = target.coverage(explored);
        let exit = explored
            .findings
            .first()
            .map_or(Exit::Success, |finding| Exit::of_wrong(&finding.wrong));
        if self.common.json {
            let findings: Vec<_> = explored
                .findings
                .iter()
                .map(|finding| {
                    json!({
                        "scenario": finding.scenario,
                        "wrong": finding.wrong.to_string(),
                        "replay": self.common.replay_command(program, finding),
                    })
                })
                .collect();
            println!(
                "{}",
                json!({
                    "scenarios": scenarios.iter().map(|s| s.name()).collect::<Vec<_>>(),
                    "runs": explored.runs,
                    "schedules": explored.schedules,
                    "schedules_per_second": per_second(explored.schedules, explored.schedule_time),
                    "boundaries": explored.boundaries,
                    "boundary_runs": explored.boundary_runs,
                    "boundary_runs_per_second":
                        per_second(explored.boundary_runs, explored.boundary_time),
                    "raised_at": explored.raised,
                    "raised_taken": explored.raised_taken,
                    "raised_per_second": per_second(explored.raised_taken, explored.raised_time),
                    "failed_calls": explored.failed_calls,
                    "compared": explored.compared,
                    "counts": explored.counts,
                    "coverage": coverage,
                    "findings": findings,
                    "exit": exit as u8,
                })
            );
            return exit;
        }
        self.print(program, scenarios.len(), explored, &coverage);
        exit
    }

    fn print(
        &self,
        program: &str,
        scenarios: usize,
        explored: &Explored,
        coverage: &CoverageReport,
    ) {
        let covered = coverage.functions.values().filter(|(n, _)| *n > 0).count();
        println!(
            "explored   {} runs of {} scenarios, {} requests completed, {} interrupts",
            explored.runs, scenarios, explored.counts.completions, explored.counts.interrupts
        );
        if explored.schedules > 0 {
            println!(
                "schedules  {} seeded schedules, {} a second",
                explored.schedules,
                per_second(explored.schedules, explored.schedule_time)
            );
        }
        if explored.boundaries > 0 {
            println!(
                "boundaries {} instruction boundaries in {covered} of {} functions; {} runs with \
                 something happening at one, {} a second",
                explored.boundaries,
                coverage.functions.len(),
                explored.boundary_runs,
                per_second(explored.boundary_runs, explored.boundary_time)
            );
        }
        if explored.raised > 0 {
            println!(
                "           {} interrupts taken at {} boundaries of one run each, {} a second",
                explored.raised_taken,
                explored.raised,
                per_second(explored.raised_taken, explored.raised_time)
            );
        }
        if self.fail_calls {
            println!(
                "failing    {} calls made to fail one at a time; {} of {} call sites that can \
                 fail, of {} reached",
                explored.failed_calls,
                coverage.failed_sites,
                coverage.fallible_sites,
                coverage.call_sites
            );
        }
        if self.twice {
            println!(
                "replayed   {} runs made twice and compared",
                explored.compared
            );
        }
        if self.coverage {
            println!("coverage   boundaries visited, of each function's");
            for (function, (visited, all)) in &coverage.functions {
                println!("           {visited:>5} of {all:>5}  {function}");
            }
        }
        for finding in &explored.findings {
            println!(
                "\nFOUND in {}: {}",
                finding.scenario,
                finding.wrong.to_string().trim_end()
            );
            println!("  replay: {}", self.common.replay_command(program, finding));
        }
        if explored.findings.is_empty() {
            println!("found      nothing wrong");
        }
    }
}

/// How many there were a second, rounded.
fn per_second(count: u64, time: Duration) -> u64 {
    const NANOSECONDS: u128 = 1_000_000_000;
    let each = u128::from(count) * NANOSECONDS;
    u64::try_from(each / time.as_nanos().max(1)).unwrap_or(u64::MAX)
}

fn bar(scenario: &'static str, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0).with_prefix(scenario);
    if let Ok(style) =
        ProgressStyle::with_template("{prefix:>24} {bar:30} {pos}/{len} {msg} {per_sec} {eta}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Replay {
    pub(super) fn run(self, devices: &dyn Devices) -> Exit {
        let scenario = match select(devices, std::slice::from_ref(&self.scenario)) {
            Ok(scenarios) => Arc::clone(&scenarios[0]),
            Err(text) => {
                complain(self.common.json, &text);
                return Exit::Usage;
            }
        };
        let target = match self.common.target() {
            Ok(target) => target,
            Err(error) => return self.common.refused(&error),
        };
        let way = Way {
            seed: self.seed,
            instructions: self.instructions,
            visit: self.cause.map(|cause| (cause, self.boundary)),
            failing: match (self.fail_call, self.fail_seed) {
                (Some(number), _) => Fails::Call(number),
                (None, Some(seed)) => Fails::Drawn(seed),
                (None, None) => Fails::None,
            },
        };
        let json = self.common.json;
        let print = Box::new(move |record: &Record| {
            if !json {
                println!("{record}");
            }
        });
        let records = Records::default();
        let observer = self.pictures.observer(&records, Some(print));
        let replayed = target.replay(&scenario, way, observer);
        let title = format!("{} {way}", scenario.name());
        if let Err(failure) =
            self.pictures
                .write(title.trim_end(), &records, devices.register_names())
        {
            complain(json, &failure.to_string());
            return Exit::BadInput;
        }
        let exit = replayed
            .result
            .as_ref()
            .err()
            .map_or(Exit::Success, Exit::of_wrong);
        let wrong = replayed.result.as_ref().err().map(ToString::to_string);
        if json {
            println!(
                "{}",
                json!({
                    "scenario": scenario.name(),
                    "digest": format!("{:016x}", replayed.digest),
                    "counts": replayed.counts,
                    "wrong": wrong,
                    "exit": exit as u8,
                })
            );
        } else {
            println!("digest     {:016x}", replayed.digest);
            match wrong {
                Some(wrong) => println!("\nFOUND: {}", wrong.trim_end()),
                None => println!("found      nothing wrong"),
            }
        }
        exit
    }
}

impl Exit {
    /// How a run that did not come up ends.
    pub(super) fn of_boot(error: &BootError) -> Self {
        match error {
            BootError::Refused { .. } => Self::DriverFailed,
            BootError::NoDevice => Self::Usage,
            BootError::Stopped(stop) => Self::of_stop(stop),
            _ => Self::BadInput,
        }
    }

    fn of_stop(stop: &Stop) -> Self {
        match stop {
            Stop::BugCheck(_) => Self::BugCheck,
            Stop::Unsupported(_) => Self::NotPlayed,
            Stop::Device(_) => Self::DeviceFailed,
            Stop::Stuck(_) => Self::Stuck,
        }
    }

    fn of_wrong(wrong: &Wrong) -> Self {
        match wrong {
            Wrong::Boot(error) => Self::of_boot(error),
            Wrong::Stopped(stop) => Self::of_stop(stop),
            Wrong::Unexpected(_) => Self::CommandFailed,
            Wrong::Lost { .. } => Self::Stuck,
            Wrong::Differs(..) => Self::Differs,
        }
    }
}
