//! The program; see the library.

use std::process::ExitCode;

use eductl::cli::Cli;

fn main() -> ExitCode {
    Cli::main().into()
}
