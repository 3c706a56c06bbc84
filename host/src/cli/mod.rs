//! The command line, as a library: `kmdf-host` itself and programs that add devices of their own
//! share it.

/// Prints a line on standard output. A reader such as a pager may close the pipe early. Then the line is lost, and the
/// command still runs to its end.
macro_rules! say {
    ($($line:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($line)*);
    }};
}

mod check;
mod exit;
mod explore;
mod machine;
mod number;
mod pictures;
mod registry;
mod rules;
mod run;
mod talk;
mod transcript;

use std::{process::ExitCode, sync::Arc};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
pub use exit::Exit;
use kmdf_bus::{DeviceError, PciFunction};
use kmdf_devices::trace::RegisterNames;
use kmdf_explore::Scenario;
pub use number::number;

/// The kinds of device a program offers beside QEMU's.
pub trait Devices: Sync {
    /// Makes the device that `spec` describes, or `None` when it is no kind of this program's.
    ///
    /// # Errors
    /// The kind is known, but not what follows it, or the device cannot be had.
    fn make(&self, spec: &str) -> Option<Result<Box<dyn PciFunction>, DeviceError>>;

    /// Lines for `--help`: each kind with what it is.
    fn help(&self) -> &'static str;

    /// Names of registers, for traces.
    fn register_names(&self) -> RegisterNames;

    /// What `explore` can do with a driver of these devices.
    fn scenarios(&self) -> Vec<Arc<dyn Scenario>> {
        Vec::new()
    }
}

/// No devices but QEMU's.
#[derive(Clone, Copy, Debug, Default)]
pub struct QemuOnly;

impl Devices for QemuOnly {
    fn make(&self, _: &str) -> Option<Result<Box<dyn PciFunction>, DeviceError>> {
        None
    }

    fn help(&self) -> &'static str {
        ""
    }

    fn register_names(&self) -> RegisterNames {
        |_, _| None
    }
}

/// Runs an x64 KMDF driver in user mode, unmodified, and checks the KMDF contract.
#[derive(Debug, Parser)]
#[command(version, after_help = exit::HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Installs a driver from its INF, starts its device and runs a program against it
    Run(run::Run),
    /// Sends requests to a driver that `run` serves: from a script, or line by line
    Talk(talk::Talk),
    /// Lists the functions of the framework and the kernel that a driver uses, and whether this host plays them
    Check(check::Check),
    /// Runs scenarios in many ways: schedules, events at every instruction, failing calls
    Explore(explore::Explore),
    /// Runs a list of drivers, and prints a table of what came of each
    Gallery(explore::Gallery),
    /// Repeats one run of an exploration and prints its events
    Replay(explore::Replay),
    /// Prints the rules that every run checks
    Rules(rules::Rules),
}

/// Runs the program `name` with its arguments.
#[must_use]
pub fn main(name: &'static str, devices: &'static dyn Devices) -> ExitCode {
    let command = Arguments::command()
        .name(name)
        .mut_subcommand("run", |run| {
            run.after_help(format!("Devices:\n{}{}", machine::OWN_HELP, devices.help()))
        })
        .mut_subcommand("explore", |explore| {
            explore.after_help(scenario_help(devices))
        })
        .mut_subcommand("replay", |replay| replay.after_help(scenario_help(devices)));
    let matches = command.get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let exit = match arguments.command {
        Command::Run(run) => run.run(devices),
        Command::Talk(talk) => talk.run(),
        Command::Check(check) => check.run(),
        Command::Explore(explore) => {
            // As it was called, so that the commands that it prints work in the same place.
            let program = std::env::args().next();
            explore.run(program.as_deref().unwrap_or(name), devices)
        }
        Command::Gallery(gallery) => {
            let program = std::env::args().next();
            gallery.run(program.as_deref().unwrap_or(name), devices)
        }
        Command::Replay(replay) => replay.run(devices),
        Command::Rules(rules) => rules.run(),
    };
    exit.into()
}

/// Says what is wrong.
fn complain(json: bool, text: &str) {
    if json {
        say!("{}", serde_json::json!({ "error": text }));
    } else {
        eprintln!("error: {text}");
    }
}

/// A command line, ready for a shell.
fn command_line(arguments: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = arguments.map(|argument| quoted(&argument)).collect();
    words.join(" ")
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn scenario_help(devices: &dyn Devices) -> String {
    use std::fmt::Write;
    let mut help = "Scenarios:\n".to_owned();
    for scenario in devices.scenarios() {
        // Writing to a string cannot fail.
        let _ = writeln!(help, "  {:<24} {}", scenario.name(), scenario.about());
    }
    help
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_word_with_blanks_or_quotes_is_one_word_for_a_shell() {
        assert_eq!(quoted("target/edu_kmdf.sys"), "target/edu_kmdf.sys");
        assert_eq!(quoted("my driver.sys"), "'my driver.sys'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_command_line_can_be_given_to_a_shell_as_it_is() {
        let arguments = ["edu-lab", "run", "--device", "model,mute", "it's", ""];
        let line = super::command_line(arguments.map(str::to_owned).into_iter());
        assert_eq!(line, r"edu-lab run --device model,mute 'it'\''s' ''");
    }
}
