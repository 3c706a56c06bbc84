//! What a command found: a text for people, one line of JSON for scripts, and an exit code.

use std::{
    fmt::{self, Display},
    io::{self, Write},
};

use serde::Serialize;

use crate::{device::Error, exit::Exit};

/// What a command found.
#[derive(Clone, Debug)]
pub struct Report {
    text: String,
    json: String,
    exit: Exit,
}

/// A command's fields, behind its name.
#[derive(Serialize)]
struct Tagged<'a, T> {
    command: &'a str,
    #[serde(flatten)]
    found: &'a T,
}

/// What stands in a report's place when there is none.
#[derive(Serialize)]
struct Failure<'a> {
    error: &'a Error,
}

impl Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Finding for Failure<'_> {
    fn exit(&self) -> Exit {
        self.error.exit()
    }
}

/// What a command found: shown to people by [`Display`], to scripts by [`Serialize`].
pub trait Finding: Serialize + Display {
    /// The exit code that says whether it is as it must be.
    fn exit(&self) -> Exit;
}

impl Report {
    /// A report of `command`, which found `found`.
    pub fn new(command: &str, found: &impl Finding) -> Self {
        let json = serde_json::to_string(&Tagged { command, found });
        Self {
            text: found.to_string(),
            // Reports are structures of numbers and strings, which always have a JSON form.
            json: json.unwrap_or_else(|error| format!(r#"{{"internal_error":"{error}"}}"#)),
            exit: found.exit(),
        }
    }
}

/// Writes what `command` found or why it found nothing, and gives the exit code.
///
/// With `json`, exactly one line goes to standard output, whatever happened. Without it, the report
/// goes to standard output and an error to standard error.
#[must_use]
pub fn show(command: &str, outcome: &Result<Report, Error>, json: bool) -> Exit {
    let (text, exit) = match outcome {
        Ok(report) if json => (report.json.clone(), report.exit),
        Ok(report) => (report.text.clone(), report.exit),
        Err(error) if json => {
            let failure = Report::new(command, &Failure { error });
            (failure.json, failure.exit)
        }
        Err(error) => {
            show_error(error);
            return error.exit();
        }
    };
    let mut output = io::stdout().lock();
    match writeln!(output, "{}", text.trim_end()).and_then(|()| output.flush()) {
        Ok(()) => exit,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
        Err(error) => {
            eprintln!("eductl: the results could not be written: {error}");
            Exit::OutputLost
        }
    }
}

/// Writes an error and what to do about it to standard error.
fn show_error(error: &Error) {
    eprintln!("eductl: {error}");
    if let Some(hint) = error.hint() {
        eprintln!("  hint: {hint}");
    }
}
