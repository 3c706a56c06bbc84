//! The command line.

use std::time::Duration;

use clap::{Args, Parser};

use crate::{commands::Command, device, exit, number::parse_u32, report};

/// Uses the edu driver through its device interface.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::HELP)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Print one line of JSON (errors too, as an object with the field "error")
    #[arg(long, global = true)]
    pub json: bool,

    /// Which edu device to use if there are several; 0 is the first
    #[arg(long, global = true, value_name = "INDEX", default_value = "0", value_parser = parse_u32)]
    pub device: u32,

    /// Limit in seconds for the completion of a request; for `wait`, for the time until the next event
    /// [default: 10; `wait`: no limit]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = parse_seconds)]
    pub timeout: Option<Duration>,

    /// The socket of kmdf-host [default: $KMDF_HOST_SOCKET, then $XDG_RUNTIME_DIR/kmdf-host.sock,
    /// then /tmp/kmdf-host-UID.sock]
    #[cfg(unix)]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<std::path::PathBuf>,
}

impl Options {
    /// How long a request may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(USUAL_TIMEOUT)
    }

    /// How the device is found.
    #[must_use]
    pub fn device(&self) -> device::Options {
        device::Options {
            index: self.device,
            #[cfg(unix)]
            socket: self.socket.clone(),
        }
    }
}

impl Cli {
    /// Reads the command line and does what it says.
    #[must_use]
    pub fn main() -> exit::Exit {
        match Self::try_parse() {
            Ok(cli) => cli.run(),
            // Help and version are results; what is wrong with a command line goes to standard error.
            Err(text) if text.use_stderr() => {
                drop(text.print());
                exit::Exit::Usage
            }
            Err(text) => report::ended(text.print(), exit::Exit::Success),
        }
    }

    /// Runs the command and shows what it found.
    #[must_use]
    pub fn run(&self) -> exit::Exit {
        let outcome = self.command.run(&self.options);
        report::show(self.command.name(), &outcome, self.options.json)
    }
}

/// How long a request may take unless the command line says otherwise.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest timeout: a day.
const LONGEST_TIMEOUT_SECONDS: f64 = 86_400.0;

fn parse_seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds > 0.0 && seconds <= LONGEST_TIMEOUT_SECONDS => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("a number of seconds above 0, at most 86400, is wanted".into()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn timeouts_are_positive_and_finite() {
        assert_eq!(parse_seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["0", "-1", "inf", "NaN", "86401", "soon", ""] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
