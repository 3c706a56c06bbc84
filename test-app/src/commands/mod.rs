//! The commands, one module each.

mod cancel;
mod control;
mod factorial;
mod info;
mod liveness;
mod raise;
mod read;
mod stats;
mod stress;
mod wait;
mod watch;
mod write;

use clap::Subcommand;
use serde::Serializer;

use crate::{
    cli::Options,
    device::Error,
    edu::Edu,
    number::{parse_bytes, parse_u32, show_bytes},
    report::{Lines, Report},
};

/// What eductl can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what the device is and how it interrupts
    Info,
    /// Write the liveness register and check that it reads the complement
    Liveness(liveness::Args),
    /// Compute n! on the device, which interrupts when it is done, and check the result
    Factorial(factorial::Args),
    /// Raise interrupt causes
    Raise(raise::Args),
    /// Wait for events (interrupts with causes that software raised) and lose none
    Wait(wait::Args),
    /// Read the device's buffer by DMA
    Read(read::Args),
    /// Write the device's buffer by DMA
    Write(write::Args),
    /// Cancel a factorial, a wait and a read, and check that the device still works
    Cancel(cancel::Args),
    /// Show the driver's counters
    Stats,
    /// Show the driver's counters live, with their rates
    Watch(watch::Args),
    /// Compute many factorials at once; check the results and the driver's counters
    Stress(stress::Args),
    /// Send any control request unchanged, to see how the driver handles a malformed one
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
            Self::Wait(_) => "wait",
            Self::Read(_) => "read",
            Self::Write(_) => "write",
            Self::Cancel(_) => "cancel",
            Self::Stats => "stats",
            Self::Watch(_) => "watch",
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
        let lines = Lines {
            command: name,
            json: options.json,
        };
        Ok(match self {
            Self::Info => Report::new(name, &info::run(&edu)?),
            Self::Liveness(args) => Report::new(name, &liveness::run(args, &edu)?),
            Self::Factorial(args) => Report::new(name, &factorial::run(args, &edu)?),
            Self::Raise(args) => Report::new(name, &raise::run(args, &edu)?),
            Self::Wait(args) => wait::run(args, &edu, options.timeout, lines)?,
            Self::Read(args) => Report::new(name, &read::run(args, &edu)?),
            Self::Write(args) => Report::new(name, &write::run(args, &edu)?),
            Self::Cancel(args) => Report::new(name, &cancel::run(args, &edu)?),
            Self::Watch(args) => watch::run(args, &edu, lines)?,
            Self::Stats => Report::new(name, &stats::run(&edu)?),
            Self::Stress(args) => Report::new(name, &stress::run(args, &edu)?),
            Self::Control(args) => Report::new(name, &control::run(args, &edu)?),
        })
    }
}

/// The most bytes that one request takes or gives.
const MAX_BYTES: u32 = 1 << 20;

/// The length of a transfer, as it is written in the command line.
fn parse_length(text: &str) -> Result<u32, String> {
    match parse_u32(text)? {
        length @ 1..=MAX_BYTES => Ok(length),
        _ => Err(format!("a length from 1 to {MAX_BYTES} is wanted")),
    }
}

/// Bytes of one argument (a `Vec` would be a list of arguments).
#[derive(Clone, Debug)]
struct Buffer(Vec<u8>);

impl Buffer {
    fn parse(text: &str) -> Result<Self, String> {
        parse_bytes(text).map(Self)
    }
}

/// Bytes in JSON.
fn as_digits<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&show_bytes(bytes))
}
