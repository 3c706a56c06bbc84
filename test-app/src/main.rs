//! The program; see the library.

use std::process::ExitCode;

use clap::Parser;
use eductl::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run().into()
}
