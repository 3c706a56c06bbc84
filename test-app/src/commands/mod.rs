//! The commands, one module each.

mod control;
mod factorial;
mod info;
mod liveness;
mod raise;
mod stats;
mod stress;

use clap::Subcommand;

use crate::{cli::Options, device::Error, edu::Edu, report::Report};

/// What eductl can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what the device is and how it interrupts
    Info,
    /// Write the liveness register and check that it reads the complement
    Liveness(liveness::Args),
    /// Compute n! on the device, completed by interrupt, and check the result
    Factorial(factorial::Args),
    /// Raise interrupt causes
    Raise(raise::Args),
    /// Show the driver's counters
    Stats,
    /// Compute many factorials at once, check each and the driver's counters
    Stress(stress::Args),
    /// Send any control request, as it is: to see how the driver answers wrong ones
    Control(control::Args),
}

impl Command {
    /// Its name, in the command line and in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Liveness(_) => "liveness",
            Self::Factorial(_) => "factorial",
            Self::Raise(_) => "raise",
            Self::Stats => "stats",
            Self::Stress(_) => "stress",
            Self::Control(_) => "control",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// Why there is nothing to report.
    pub fn run(&self, options: &Options) -> Result<Report, Error> {
        let edu = Edu::open(options)?;
        let name = self.name();
        Ok(match self {
            Self::Info => Report::new(name, &info::run(&edu)?),
            Self::Liveness(args) => Report::new(name, &liveness::run(args, &edu)?),
            Self::Factorial(args) => Report::new(name, &factorial::run(args, &edu)?),
            Self::Raise(args) => Report::new(name, &raise::run(args, &edu)?),
            Self::Stats => Report::new(name, &stats::run(&edu)?),
            Self::Stress(args) => Report::new(name, &stress::run(args, &edu)?),
            Self::Control(args) => Report::new(name, &control::run(args, &edu)?),
        })
    }
}
