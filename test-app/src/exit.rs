//! Exit codes, the same for every command.

use std::process::ExitCode;

/// How a command ended. The numbers are part of the interface: scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything is right.
    Success = 0,
    /// The device or the driver answered, and the answer is wrong.
    WrongResult = 1,
    /// The command line is wrong. (clap uses this number.)
    Usage = 2,
    /// There is no device or no host, it could not be opened, or it was removed during the command.
    NoDevice = 3,
    /// The driver failed a request.
    RequestFailed = 4,
    /// A request was not completed in time.
    NoAnswer = 5,
    /// A reply does not have the size or form that the interface promises.
    MalformedReply = 6,
    /// The results could not be written to standard output.
    OutputLost = 7,
}

impl Exit {
    /// How a command ended that found what it looked at right, or wrong.
    #[must_use]
    pub const fn of_result(right: bool) -> Self {
        if right {
            Self::Success
        } else {
            Self::WrongResult
        }
    }
}

/// The exit codes, as `--help` shows them.
pub const HELP: &str = "\
Exit codes:
  0  success
  1  the device or the driver gave a wrong result
  2  the command line is wrong
  3  no device or no host, or it was removed during the command
  4  the driver failed a request (the status is shown)
  5  a request was not completed in time
  6  a reply of the wrong size or form
  7  the results could not be written to standard output";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_code() {
        let listed: Vec<_> = HELP
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next())
            .map(str::parse)
            .collect();
        let all: Vec<_> = (0..=Exit::OutputLost as u8).map(Ok).collect();
        assert_eq!(listed, all);
    }
}
