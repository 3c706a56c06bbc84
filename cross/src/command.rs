//! Running other programs: their failure names the program, its output and the step.

use std::{
    ffi::OsStr,
    process::{Command, Output, Stdio},
};

use crate::error::{Error, Kind, Result};

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

fn start_error(command: &Command, error: &std::io::Error) -> Error {
    Error::new(
        if error.kind() == std::io::ErrorKind::NotFound {
            Kind::Missing
        } else {
            Kind::Io
        },
        format!("cannot start {}: {error}", name(command)),
        "install it or put it on PATH",
    )
}

/// Runs a command that talks to the user itself (cargo, rustup).
///
/// `step` says in the error what was being done; `next` what to try.
pub fn run(command: &mut Command, step: &str, next: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| start_error(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Error::build(
        format!("{step}: {} ended with {status}", name(command)),
        next,
    ))
}

/// Runs a command silently; its output is shown only when it fails.
pub fn capture(command: &mut Command, step: &str, next: &str) -> Result<Output> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| start_error(command, &error))?;
    if output.status.success() {
        return Ok(output);
    }
    let mut said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if said.is_empty() {
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .clone_into(&mut said);
    }
    Err(Error::build(
        format!(
            "{step}: {} ended with {}\n  {}",
            name(command),
            output.status,
            said.replace('\n', "\n  ")
        ),
        next,
    ))
}

/// What a command prints, without surrounding white space; `None` if it fails or is not there.
pub fn answer<S: AsRef<OsStr>>(program: S, args: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
