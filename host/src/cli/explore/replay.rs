//! `replay`: repeats one run of an exploration.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use kmdf_explore::{Cause, Fails, Point, Scenario, Way, When};
use kmdf_machine::{Record, Schedule};
use serde_json::json;

use super::{
    super::{
        Devices, Exit, complain,
        pictures::{Pictures, Records},
    },
    common::Common,
};

/// The arguments of `replay`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("when").args(["boundary", "every_boundary", "moment"]))]
pub(in super::super) struct Replay {
    #[command(flatten)]
    common: Common,
    /// The scenario; without it the script
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// The bytes for a scenario that is made of bytes [default: those that the seed draws]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Draw scheduling decisions from this seed [default: the simplest order]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How the seed draws them, as a finding prints it
    #[arg(long, value_name = "SCHEDULE", default_value_t, requires = "seed")]
    schedule: Schedule,
    /// Let the seed also decide at every instruction
    #[arg(long)]
    instructions: bool,
    /// Find accesses of memory that nothing orders
    #[arg(long, conflicts_with_all = ["boundary", "every_boundary"])]
    races: bool,
    /// The cause that happens at the boundary
    #[arg(long, value_enum, value_name = "CAUSE", requires = "when")]
    cause: Option<Cause>,
    /// The boundary: the number of the call into the driver, of the boundary in it, and its RVA
    #[arg(long, value_name = "CALL:INDEX:RVA", value_parser = parse_point, requires = "cause")]
    boundary: Option<Point>,
    /// Let the cause happen at every boundary
    #[arg(long, requires = "cause")]
    every_boundary: bool,
    /// Let the cause happen at the preemption point with this number
    #[arg(long, value_name = "N", requires = "cause")]
    moment: Option<u32>,
    /// Fail the call with this number
    #[arg(long, value_name = "N", conflicts_with = "fail_seed")]
    fail_call: Option<u32>,
    /// Fail the calls that this seed draws
    #[arg(long, value_name = "N")]
    fail_seed: Option<u64>,
    #[command(flatten)]
    pictures: Pictures,
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
            "{text} is not a boundary: write CALL:INDEX:RVA as a finding prints it"
        )),
    }
}

impl Replay {
    pub(in super::super) fn run(self, devices: &'static dyn Devices) -> Exit {
        let named = self.scenario.as_slice();
        let scenario = match self.common.select(devices, named) {
            Ok(scenarios) if scenarios.len() == 1 => Arc::clone(&scenarios[0]),
            Ok(_) => {
                complain(
                    self.common.json,
                    "which run is it? Name one with --scenario NAME",
                );
                return Exit::Usage;
            }
            Err(text) => {
                complain(self.common.json, &text);
                return Exit::Usage;
            }
        };
        let scenario = match self.shape(scenario) {
            Ok(scenario) => scenario,
            Err(text) => {
                complain(self.common.json, &text);
                return Exit::BadInput;
            }
        };
        let target = match self.common.target() {
            Ok(target) => target,
            Err(error) => return self.common.refused(&error),
        };
        let way = Way {
            seed: self.seed,
            schedule: self.schedule,
            instructions: self.instructions,
            races: self.races,
            visit: self.cause.map(|cause| (cause, self.when())),
            failing: match (self.fail_call, self.fail_seed) {
                (Some(number), _) => Fails::Call(number),
                (None, Some(seed)) => Fails::Drawn(seed),
                (None, None) => Fails::None,
            },
        };
        let json = self.common.json;
        let print = Box::new(move |record: &Record| {
            if !json {
                say!("{record}");
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
            say!(
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
            say!("digest     {:016x}", replayed.digest);
            if let Some(wrong) = wrong {
                say!("\nFOUND: {}", wrong.trim_end());
            } else {
                say!("found      nothing wrong");
            }
        }
        exit
    }

    /// The scenario, shaped by the file if there is one.
    fn shape(&self, scenario: Arc<dyn Scenario>) -> Result<Arc<dyn Scenario>, String> {
        let Some(path) = &self.input else {
            return Ok(scenario);
        };
        let input = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        scenario.with_input(&input).ok_or_else(|| {
            format!(
                "the scenario {} takes no input: remove --input",
                scenario.name()
            )
        })
    }

    /// When the cause happens.
    fn when(&self) -> When {
        match (self.boundary, self.moment) {
            (Some(point), _) => When::Boundary(point),
            (None, Some(moment)) => When::Moment(moment),
            (None, None) => When::EveryBoundary,
        }
    }
}
