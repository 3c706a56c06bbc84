//! Running a driver with a defect, and what the host says of it.

use std::{fmt, io, sync::Arc};

use kmdf_host::{
    BootError, Report, Stop,
    explore::{Cause, Explored, Runs, Scenario, Target, Way, Wrong, explore},
    install::RegistryValue,
};
use thiserror::Error;

use crate::{
    bugs::{Bug, Hunt, Verdict},
    found, scenarios,
};

/// Processors of the machine.
const PROCESSORS: u32 = 2;

/// A defect was not run.
#[derive(Debug, Error)]
pub enum HuntError {
    /// The driver is not there.
    #[error(transparent)]
    Files(#[from] io::Error),
    /// The driver's files cannot be used.
    #[error(transparent)]
    Boot(#[from] BootError),
}

/// What was found.
#[derive(Debug)]
pub struct Catch {
    /// In which run.
    pub way: Way,
    /// What went wrong.
    pub wrong: Wrong,
}

/// A driver with a defect, and a scenario to find it in.
pub struct Hunter {
    /// What runs.
    pub target: Target,
    /// What is done with it.
    pub scenario: Arc<dyn Scenario>,
    number: usize,
}

impl Hunter {
    /// The driver with this defect, in the scenario that shows it.
    ///
    /// # Errors
    /// The driver cannot be read.
    pub fn of(bug: &Bug) -> Result<Self, HuntError> {
        Self::new(bug.number(), bug.scenario)
    }

    /// The driver with the defect of that number (0 for none), in that scenario.
    ///
    /// # Errors
    /// The driver cannot be read, or there is no such scenario.
    pub fn new(number: usize, scenario: &str) -> Result<Self, HuntError> {
        let value = u32::try_from(number).unwrap_or(0);
        let registry = vec![("Bug".to_owned(), RegistryValue::Dword(value))];
        let scenario = scenarios::named(scenario).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no scenario {scenario}"))
        })?;
        Ok(Self {
            target: Target::read(found::driver()?, PROCESSORS, registry)?,
            scenario,
            number,
        })
    }

    /// The run in the simplest order of events, or another one.
    ///
    /// # Errors
    /// What went wrong.
    pub fn run(&self, way: Way) -> Result<(), Wrong> {
        self.target.replay(&self.scenario, way, None).result
    }

    /// Looks for the defect in the way that finds it.
    #[must_use]
    pub fn hunt(&self, hunt: Hunt) -> Option<Catch> {
        let runs = match hunt {
            Hunt::Plain => {
                let way = Way::default();
                return self.run(way).err().map(|wrong| Catch { way, wrong });
            }
            Hunt::Races => {
                let way = Way {
                    races: true,
                    ..Way::default()
                };
                return self.run(way).err().map(|wrong| Catch { way, wrong });
            }
            Hunt::Seeds => Runs {
                seeds: 0..500,
                ..Runs::default()
            },
            Hunt::Boundaries(cause) => Runs {
                causes: vec![cause],
                every_boundary: true,
                ..Runs::default()
            },
            Hunt::FailingCalls => Runs {
                fail_calls: true,
                ..Runs::default()
            },
        };
        self.explore(&runs)
            .findings
            .into_iter()
            .next()
            .map(|finding| Catch {
                way: finding.way,
                wrong: finding.wrong,
            })
    }

    /// Explores.
    #[must_use]
    pub fn explore(&self, runs: &Runs) -> Explored {
        let scenarios = std::slice::from_ref(&self.scenario);
        explore(&self.target, scenarios, runs, &mut |_, _, _, _| {})
    }

    /// The command that makes a run again, with its events.
    #[must_use]
    pub fn replay_command(&self, way: Way) -> String {
        let command = format!(
            "cargo run -p kmdf-teeth -- replay --driver {} --inf {} --processors {PROCESSORS} \
             --registry Bug={} --scenario {} {way}",
            found::IMAGE,
            found::INF,
            self.number,
            self.scenario.name(),
        );
        command.trim_end().to_owned()
    }
}

/// The report of a run that stopped with one.
#[must_use]
pub fn report(wrong: &Wrong) -> Option<&Report> {
    match wrong {
        Wrong::Stopped(Stop::BugCheck(report))
        | Wrong::Boot(BootError::Stopped(Stop::BugCheck(report))) => Some(report),
        _ => None,
    }
}

impl Bug {
    /// Whether a run that ended so has found it. Where exploration decides which of two uses comes
    /// first, one after the completion is found by whichever came second.
    #[must_use]
    pub fn is_found_as(&self, verdict: Verdict) -> bool {
        const LATE: [Verdict; 5] = [
            Verdict::Rule("CompleteCanceledReq"),
            Verdict::Rule("DoubleCompletion"),
            Verdict::Rule("RequestCompleted"),
            Verdict::Rule("BufAfterReqCompleted"),
            Verdict::Rule("MemAfterReqCompleted"),
        ];
        verdict == self.verdict
            || self.hunt != Hunt::Plain && LATE.contains(&verdict) && LATE.contains(&self.verdict)
    }
}

/// What a run that went wrong comes to.
#[must_use]
pub fn verdict(wrong: &Wrong) -> Verdict {
    match wrong {
        Wrong::Lost { .. } | Wrong::Stopped(Stop::Stuck(_)) => Verdict::Lost,
        other => match report(other) {
            // One name for each rule, for as long as the program runs.
            Some(report) => kmdf_host::rules()
                .find(|rule| rule.name == report.rule)
                .map_or(Verdict::Other, |rule| Verdict::Rule(rule.name)),
            None => Verdict::Other,
        },
    }
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("the simplest order"),
            Self::Seeds => f.write_str("a schedule of a seed"),
            Self::Boundaries(Cause::Cancel) => f.write_str("a cancellation at a boundary"),
            Self::Boundaries(Cause::Raise) => f.write_str("an interrupt at a boundary"),
            Self::Boundaries(Cause::Device) => f.write_str("the device's interrupt at a boundary"),
            Self::Boundaries(_) => f.write_str("another processor at a boundary"),
            Self::FailingCalls => f.write_str("a call that fails"),
            Self::Races => f.write_str("the simplest order with `--races`"),
        }
    }
}
