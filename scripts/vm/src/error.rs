//! What goes wrong, and the exit code that says so.

use std::{io, path::PathBuf, time::Duration};

use crate::line::{Damage, Place};

/// What the exit codes mean, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0    every check passed
  1    a check failed in Windows, or the driver could not be tested further
  2    the command line or a file it names is wrong
  3    this machine lacks something
  4    a time limit ran out
  5    what came over the serial port is not what the guest's scripts send
  6    QEMU failed
  130  interrupted

Everything stays in the working directory. The same command goes on with the first stage that is not
finished.";

/// Why it does not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{file}: {error}", file = .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Something that the user named is not what it must be.
    #[error("{0}")]
    Input(String),
    /// The machine lacks something.
    #[error("{0}")]
    Lacking(String),
    /// The guest said nothing, or not what is waited for.
    #[error("{what}: not within {} s", .limit.as_secs())]
    TimeLimit {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// A line of the guest's arrived damaged.
    #[error("a line of the guest's is damaged: {damage}: {line}")]
    Damaged {
        /// What is wrong.
        damage: Damage,
        /// The line, or its beginning.
        line: String,
    },
    /// Lines of the guest's did not arrive.
    #[error("lines of the guest's are lost: after {last} came {came}")]
    Lost {
        /// The last one that came.
        last: Place,
        /// The next one that came.
        came: Place,
    },
    /// A line of the guest's means nothing.
    #[error("the guest says what is not in the protocol: {0}")]
    Protocol(String),
    /// The guest's part began again while it was asked for something.
    #[error("Windows restarted by itself while it was asked for: {0}")]
    Restarted(String),
    /// The guest could not do what it was asked for.
    #[error("the guest could not do what it was asked for ({asked}): {why}")]
    Guest {
        /// What it was asked for.
        asked: String,
        /// What it answered.
        why: String,
    },
    /// A check failed without which the others mean nothing.
    #[error("{0}")]
    CannotGoOn(String),
    /// QEMU did not start, refused a command, or ended.
    #[error("QEMU: {0}")]
    Qemu(String),
    /// A signal.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// A file operation failed.
    pub(crate) fn io(file: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let file = file.into();
        |error| Self::Io { file, error }
    }

    /// The exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::CannotGoOn(_) | Self::Restarted(_) | Self::Guest { .. } => 1,
            Self::Input(_) => 2,
            Self::Io { .. } | Self::Lacking(_) => 3,
            Self::TimeLimit { .. } => 4,
            Self::Damaged { .. } | Self::Lost { .. } | Self::Protocol(_) => 5,
            Self::Qemu(_) => 6,
            Self::Interrupted => 130,
        }
    }
}
