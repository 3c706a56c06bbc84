//! `talk`: speaks to a driver that `run` serves, in a script or line by line.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{BufRead, BufReader, IsTerminal},
    path::{Path, PathBuf},
    thread,
};

use clap::Args;
use kmdf_abi::ntstatus::NtStatus as Named;
use kmdf_host_client::{
    Completion, Connection, Handle, Pending,
    protocol::Share,
    script::{Action, NtStatus, Operation, Parser, Script, Step},
    socket_path,
};

use super::Exit;

/// What a script may say, for `--help`.
pub(super) const HELP: &str = "Steps, one a line; # begins a comment:
  open FILE {GUID} [INSTANCE] [read|write|read-write|none]
  close FILE
  control FILE CODE [in BYTES] [out LENGTH]    a control request, waited for
  read FILE LENGTH [at OFFSET]
  write FILE BYTES [at OFFSET]
  start NAME control|read|write ...            sends a request and goes on
  wait NAME
  cancel NAME
  expect STATUS[|STATUS...] [BYTES]            how the last request ended; `success` is 0
  sleep 10us|5ms|1s
BYTES are hexadecimal pairs (01020304), \"text\" or zero:16, joined by +";

/// The arguments of `talk`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct Talk {
    /// The script; `-` is standard input, whose lines are done as they come
    #[arg(value_name = "FILE", default_value = "-")]
    script: PathBuf,
    /// The host's socket; without it what the environment says, as `run` sets it for its program
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Why it failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Script(String),
    #[error("line {line}: {text}")]
    Step { line: usize, text: String },
    #[error(transparent)]
    Host(#[from] kmdf_host_client::Error),
}

impl Talk {
    pub(super) fn run(&self) -> Exit {
        match self.talk() {
            Ok(()) => Exit::Success,
            Err(failure) => {
                eprintln!("error: {failure}");
                match failure {
                    Failure::Script(_) => Exit::BadInput,
                    Failure::Step { .. } | Failure::Host(_) => Exit::CommandFailed,
                }
            }
        }
    }

    fn talk(&self) -> Result<(), Failure> {
        // A script with a mistake does nothing at all.
        let script = (self.script != Path::new("-"))
            .then(|| read_script(&self.script).map_err(Failure::Script))
            .transpose()?;
        let connection = Connection::open(&self.socket.clone().unwrap_or_else(socket_path))?;
        let mut player = Player {
            connection,
            files: BTreeMap::new(),
            requests: BTreeMap::new(),
            last: None,
        };
        match script {
            Some(script) => script.steps.iter().try_for_each(|step| player.play(step)),
            None => player.converse(),
        }
    }
}

/// Reads a script. What is wrong with it is said with its path.
pub(super) fn read_script(path: &Path) -> Result<Script, String> {
    let wrong = |error: &dyn Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    Script::parse(&text).map_err(|error| wrong(&error))
}

/// What a script has made so far.
struct Player {
    connection: Connection,
    files: BTreeMap<String, Handle>,
    requests: BTreeMap<String, Pending>,
    last: Option<Completion>,
}

impl Player {
    /// Does the lines of standard input as they come. A person's mistake ends nothing.
    fn converse(&mut self) -> Result<(), Failure> {
        let person = std::io::stdin().is_terminal();
        let mut parser = Parser::default();
        for line in BufReader::new(std::io::stdin()).lines() {
            let wrong = |error: &dyn Display| Failure::Script(format!("standard input: {error}"));
            let done = match parser.line(&line.map_err(|error| wrong(&error))?) {
                Ok(None) => Ok(()),
                Ok(Some(step)) => self.play(&step),
                Err(error) => Err(wrong(&error)),
            };
            match done {
                Err(failure @ (Failure::Script(_) | Failure::Step { .. })) if person => {
                    eprintln!("error: {failure}");
                }
                other => other?,
            }
        }
        Ok(())
    }

    fn play(&mut self, step: &Step) -> Result<(), Failure> {
        let wrong = |text: String| Failure::Step {
            line: step.line,
            text,
        };
        let not_there = |name: &str| wrong(format!("`{name}` is not there any more"));
        match &step.action {
            Action::Open {
                file,
                interface,
                instance,
                access,
            } => {
                let opened = self
                    .connection
                    .open_interface(*interface, *instance, *access, Share::READ)
                    .map_err(|error| wrong(error.to_string()))?;
                say!("{file}: opened");
                self.files.insert(file.clone(), opened);
            }
            Action::Close { file } => {
                self.files
                    .remove(file)
                    .ok_or_else(|| not_there(file))?
                    .close()?;
                say!("{file}: closed");
            }
            Action::Send {
                name,
                file,
                operation,
            } => {
                let file = self.files.get(file).ok_or_else(|| not_there(file))?;
                let pending = match operation {
                    Operation::Control {
                        code,
                        input,
                        output_length,
                    } => file.submit_control(*code, input, *output_length),
                    Operation::Read { length, offset } => file.submit_read(*offset, *length),
                    Operation::Write { data, offset } => file.submit_write(*offset, data),
                }?;
                match name {
                    Some(name) => {
                        self.requests.insert(name.clone(), pending);
                    }
                    None => self.end(what(operation), pending)?,
                }
            }
            Action::Wait { name } => {
                let pending = self.requests.remove(name);
                self.end(name, pending.ok_or_else(|| not_there(name))?)?;
            }
            Action::Cancel { name } => {
                let pending = self.requests.get(name);
                pending.ok_or_else(|| not_there(name))?.cancel()?;
            }
            Action::Expect { statuses, output } => {
                let last = self.last.as_ref();
                let last = last.ok_or_else(|| wrong("no request has ended yet".to_owned()))?;
                if !statuses.contains(&last.status) {
                    return Err(wrong(format!(
                        "the last request ended with {}, and not with {}",
                        named(last.status),
                        named(statuses[0])
                    )));
                }
                if let Some(output) = output
                    && *output != last.output
                {
                    return Err(wrong(format!(
                        "the last request gave {:02x?}, and not {output:02x?}",
                        last.output
                    )));
                }
            }
            Action::Sleep(time) => thread::sleep(*time),
            Action::Device { .. } => {
                return Err(wrong(
                    "an app does nothing to a device: `explore --script` does".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// Waits for a request and says how it ended.
    fn end(&mut self, what: &str, pending: Pending) -> Result<(), Failure> {
        let completion = pending.wait()?;
        say!(
            "{what}: {}, information {}{}",
            named(completion.status),
            completion.information,
            dump(&completion.output)
        );
        self.last = Some(completion);
        Ok(())
    }
}

/// A status by its name.
fn named(status: NtStatus) -> Named {
    Named(status.0.cast_signed())
}

fn what(operation: &Operation) -> &'static str {
    match operation {
        Operation::Control { .. } => "control",
        Operation::Read { .. } => "read",
        Operation::Write { .. } => "write",
    }
}

/// Bytes, 16 a line.
fn dump(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let before = if index % 16 == 0 { "\n  " } else { " " };
        // Writing to a String does not fail.
        let _ = write!(text, "{before}{byte:02x}");
    }
    text
}
