//! What `explore` and `replay` share.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use kmdf_explore::{Finding, Scenario, Target, Wrong};
use kmdf_machine::Stop;
use kmdf_session::{BootError, Driver};

use super::{
    super::{Devices, Exit, complain, quoted, registry::Registry},
    scripts::Scripts,
};

/// What `explore` and `replay` share.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The driver's image, a .sys file for x64
    #[arg(long, value_name = "FILE.sys")]
    pub(super) driver: PathBuf,
    /// The INF or INX to install it from; without it the driver is started as a service that creates
    /// its own devices
    #[arg(long, value_name = "FILE.inx")]
    pub(super) inf: Option<PathBuf>,
    /// The PDB of the image [default: the one beside the image, if there is one]
    #[arg(long, value_name = "FILE.pdb")]
    pub(super) pdb: Option<PathBuf>,
    /// Number of processors
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(super) processors: u32,
    #[command(flatten)]
    pub(super) registry: Registry,
    #[command(flatten)]
    pub(super) scripts: Scripts,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl Common {
    pub(super) fn target(&self) -> Result<Target, BootError> {
        let (image, symbols) = (self.driver.clone(), self.pdb.clone());
        let registry = self.registry.values();
        match self.inf.clone() {
            Some(inf) => {
                let driver = Driver {
                    image,
                    symbols,
                    inf,
                };
                Target::read(driver, self.processors, registry)
            }
            None => Target::without_inf(image, symbols, self.processors, registry),
        }
    }

    /// The scenarios with these names; without names the scripts, or else all.
    pub(super) fn select(
        &self,
        devices: &'static dyn Devices,
        names: &[String],
    ) -> Result<Vec<Arc<dyn Scenario>>, String> {
        let mut all = self.scripts.scenarios(devices)?;
        if names.is_empty() && self.scripts.are_given() {
            return Ok(all);
        }
        all.extend(devices.scenarios());
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

    /// The command that makes the run of a finding again, as a shell takes it.
    pub(super) fn replay_command(&self, program: &str, finding: &Finding) -> String {
        let pdb = self.pdb.as_ref().map_or_else(String::new, |pdb| {
            format!(" --pdb {}", quoted(&pdb.to_string_lossy()))
        });
        let inf = self.inf.as_ref().map_or_else(String::new, |inf| {
            format!(" --inf {}", quoted(&inf.to_string_lossy()))
        });
        format!(
            "{} replay --driver {}{inf}{pdb} --processors {}{}{} --scenario {} {}",
            quoted(program),
            quoted(&self.driver.to_string_lossy()),
            self.processors,
            self.registry,
            self.scripts,
            quoted(finding.scenario),
            finding.way
        )
        .trim_end()
        .to_owned()
    }

    pub(super) fn refused(&self, error: &BootError) -> Exit {
        complain(self.json, error.to_string().trim_end());
        Exit::of_boot(error)
    }
}

impl Exit {
    /// How a run that did not come up ends.
    pub(in super::super) fn of_boot(error: &BootError) -> Self {
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

    pub(super) fn of_wrong(wrong: &Wrong) -> Self {
        match wrong {
            Wrong::Boot(error) => Self::of_boot(error),
            Wrong::Stopped(stop) => Self::of_stop(stop),
            Wrong::Unexpected(_) => Self::CommandFailed,
            Wrong::Lost { .. } => Self::Stuck,
            Wrong::Differs(..) => Self::Differs,
            Wrong::Removed => Self::Success,
        }
    }
}
