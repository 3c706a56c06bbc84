//! Exit codes.

use std::process::ExitCode;

/// How a command ended. The number is the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything went as it should.
    Success = 0,
    /// The program that was run against the driver failed.
    CommandFailed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A file cannot be used: no PE image, for another machine, an INF that does not fit.
    BadInput = 3,
    /// A device is missing or died.
    DeviceFailed = 4,
    /// The driver refused to load, or its device to start.
    DriverFailed = 5,
    /// The driver broke a rule.
    BugCheck = 6,
    /// The driver needs what the host does not play.
    NotPlayed = 7,
    /// Nothing can go on: something that was waited for never came.
    Stuck = 8,
    /// The same run went another way the second time.
    Differs = 10,
}

/// The codes, for `--help`.
pub(super) const HELP: &str = "Exit codes:
  0  success
  1  the program that was run against the driver failed
  2  wrong command line
  3  a file cannot be used
  4  a device is missing or has failed
  5  the driver did not load, or its device did not start
  6  the driver broke a rule of the KMDF contract
  7  the driver needs a function that this host does not play
  8  the run is stuck: a request or callback never ends
  10 the same run differed the second time (a fault of the host or of a device)";

impl Exit {
    /// Whether it is what became of a run, which the same command shows again.
    pub(super) const fn is_of_the_run(self) -> bool {
        matches!(self, Self::BugCheck | Self::NotPlayed | Self::Stuck)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
