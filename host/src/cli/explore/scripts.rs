//! `--script`: scenarios without a program of their own.

use std::{fmt, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use kmdf_explore::{Scenario, Scripted};
use kmdf_install::User;

use super::super::{
    Devices,
    machine::{Granted, make_device},
    quoted,
    talk::read_script,
};

/// Scripts, and the machine that they play on.
#[derive(Debug, Default, Args)]
pub(super) struct Scripts {
    /// A script as a scenario, named as its file (repeat for more); `talk --help` says what one may say,
    /// beside `device stop|start|sleep|wake|remove|surprise-remove [SLOT]`
    #[arg(long, value_name = "FILE")]
    pub(super) script: Vec<PathBuf>,
    /// A device of the scripts' machine (repeat for more); `run --help` lists the kinds
    #[arg(long, value_name = "DEVICE", requires = "script")]
    pub(super) device: Vec<String>,
    /// How interrupts are granted on the scripts' machine
    #[arg(long, value_enum, default_value_t)]
    pub(super) interrupts: Granted,
    /// Wire the interrupt pins of all devices of the scripts' machine together
    #[arg(long)]
    pub(super) shared_line: bool,
    /// The user whose app the scripts are; the INF's security descriptor decides what it may do
    #[arg(long, value_enum, default_value_t)]
    pub(super) user: User,
}

impl Scripts {
    /// Whether there are any.
    pub(super) fn are_given(&self) -> bool {
        !self.script.is_empty()
    }

    /// The scripts as scenarios.
    pub(super) fn scenarios(
        &self,
        devices: &'static dyn Devices,
    ) -> Result<Vec<Arc<dyn Scenario>>, String> {
        // What a run cannot have, the first one says, before there are thousands.
        for spec in &self.device {
            make_device(spec, devices).map_err(|error| error.to_string())?;
        }
        let specs = self.device.clone();
        let make = Arc::new(move || {
            let device = |spec: &String| {
                make_device(spec, devices).expect("a device that there was a moment ago")
            };
            specs.iter().map(device).collect()
        });
        let scenario = |path: &PathBuf| {
            let script = read_script(path)?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let scripted = Scripted::new(
                name.into_owned(),
                script,
                Arc::clone(&make) as _,
                self.interrupts.into(),
                self.shared_line,
            )
            .by(self.user);
            Ok(Arc::new(scripted) as Arc<dyn Scenario>)
        };
        self.script.iter().map(scenario).collect()
    }
}

impl fmt::Display for Scripts {
    /// The options of the command line that say the same, each behind a space.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for script in &self.script {
            write!(f, " --script {}", quoted(&script.to_string_lossy()))?;
        }
        for device in &self.device {
            write!(f, " --device {}", quoted(device))?;
        }
        if self.interrupts != Granted::default()
            && let Some(value) = self.interrupts.to_possible_value()
        {
            write!(f, " --interrupts {}", value.get_name())?;
        }
        if self.shared_line {
            write!(f, " --shared-line")?;
        }
        if self.user != User::default()
            && let Some(value) = self.user.to_possible_value()
        {
            write!(f, " --user {}", value.get_name())?;
        }
        Ok(())
    }
}
