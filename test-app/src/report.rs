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
    /// Without an end of line; empty when everything was shown already.
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

    /// Of a command that has shown line by line what it found.
    #[must_use]
    pub const fn shown(exit: Exit) -> Self {
        Self {
            text: String::new(),
            json: String::new(),
            exit,
        }
    }
}

/// Shows what a command finds as it finds it: one line at a time.
#[derive(Clone, Copy, Debug)]
pub struct Lines {
    /// Of the command.
    pub command: &'static str,
    /// Each line is an object.
    pub json: bool,
}

impl Lines {
    /// Shows one line.
    ///
    /// # Errors
    /// The report to end with, when nobody reads on or the line could not be written.
    pub fn show(self, found: &impl Finding) -> Result<(), Report> {
        let report = Report::new(self.command, found);
        let line = if self.json { report.json } else { report.text };
        let written = write_line(&line);
        if written.is_ok() {
            return Ok(());
        }
        Err(Report::shown(ended(written, report.exit)))
    }
}

/// Writes to standard output.
fn write_line(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{}", text.trim_end())?;
    output.flush()
}

/// The exit code of a command that would end with `exit`, and whose results were written, or not. Whoever
/// closes the pipe has seen enough, as `head` has.
#[must_use]
pub fn ended(written: io::Result<()>, exit: Exit) -> Exit {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!(
                "eductl: the results could not be written: {error}"
            ));
            Exit::OutputLost
        }
        _ => exit,
    }
}

/// Writes a line to standard error. That nobody reads it is no reason to end in another way, let alone
/// with the panic of `eprintln!`.
fn complain(line: &str) {
    drop(writeln!(io::stderr(), "{line}"));
}

/// Writes what `command` found or why it found nothing, and gives the exit code.
///
/// With `json`, exactly one line goes to standard output, whatever happened, unless the command has
/// shown its own. Without it, the report
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
    if text.is_empty() {
        return exit;
    }
    ended(write_line(&text), exit)
}

/// Writes an error and what to do about it to standard error.
fn show_error(error: &Error) {
    complain(&format!("eductl: {error}"));
    if let Some(hint) = error.hint() {
        complain(&format!("  hint: {hint}"));
    }
}
