//! The programs a person runs: `edu-lab run … -- eductl …`.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::found;

/// Longer than any run takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

/// `edu-lab run` with its arguments.
#[derive(Clone, Debug)]
pub struct Run {
    driver: PathBuf,
    inf: PathBuf,
    arguments: Vec<OsString>,
    program: Vec<OsString>,
    qemu: Option<PathBuf>,
}

impl Run {
    /// A run of the shipped driver on a device.
    #[must_use]
    pub fn on(device: &str) -> Self {
        Self {
            driver: found::driver(),
            inf: found::inf(),
            arguments: vec!["--device".into(), device.into()],
            program: Vec::new(),
            // A run on the model must not need QEMU.
            qemu: device.starts_with("qemu:").then(found::qemu),
        }
    }

    /// Of another image.
    #[must_use]
    pub fn driver(mut self, driver: impl Into<PathBuf>) -> Self {
        self.driver = driver.into();
        self
    }

    /// From another INF.
    #[must_use]
    pub fn inf(mut self, inf: impl Into<PathBuf>) -> Self {
        self.inf = inf.into();
        self
    }

    /// With QEMU somewhere else.
    #[must_use]
    pub fn qemu(mut self, qemu: impl Into<PathBuf>) -> Self {
        self.qemu = Some(qemu.into());
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn arguments<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().into()),
        );
        self
    }

    /// With `eductl` as the program to run.
    #[must_use]
    pub fn eductl<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.program = vec![found::eductl().into()];
        self.program.extend(
            arguments
                .into_iter()
                .map(|argument| argument.as_ref().into()),
        );
        self
    }

    /// With a script as the program to run, in which `$0` is `eductl`.
    #[must_use]
    pub fn shell(mut self, script: &str) -> Self {
        self.program = vec!["sh".into(), "-c".into(), script.into()];
        self.program.push(found::eductl().into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(found::edu_lab());
        command
            .arg("run")
            .arg("--driver")
            .arg(&self.driver)
            .arg("--inf")
            .arg(&self.inf)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(qemu) = &self.qemu {
            command.env(kmdf_host::device::qemu::VARIABLE, qemu);
        }
        if !self.program.is_empty() {
            command.arg("--").args(&self.program);
        }
        command
    }

    /// Starts it and leaves it to the caller.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(&self) -> Running {
        let command = self.command();
        Running::new(command)
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// It cannot be started, or does not end.
    #[must_use]
    pub fn end(&self) -> Ended {
        self.start().end()
    }
}

/// Runs `eductl` alone.
///
/// # Panics
/// It cannot be started, or does not end.
#[must_use]
pub fn eductl<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    let mut command = Command::new(found::eductl());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Running::new(command).end()
}

/// A program that runs.
#[derive(Debug)]
pub struct Running {
    line: String,
    child: Child,
}

impl Running {
    fn new(mut command: Command) -> Self {
        let line = shell_line(&command);
        match command.spawn() {
            Ok(child) => Self { line, child },
            Err(error) => panic!("{line}: {error}"),
        }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let start = Instant::now();
        let output = thread::scope(|scope| {
            let mut stdout = self.child.stdout.take().expect("it is a pipe");
            let mut stderr = self.child.stderr.take().expect("it is a pipe");
            let read = |stream: &mut dyn std::io::Read| {
                let mut bytes = Vec::new();
                // What cannot be read is missing in what the test looks at.
                let _ = stream.read_to_end(&mut bytes);
                bytes
            };
            let stdout = scope.spawn(move || read(&mut stdout));
            let stderr = scope.spawn(move || read(&mut stderr));
            let status = loop {
                if let Some(status) = self.child.try_wait().expect("it is our child") {
                    break status;
                }
                if start.elapsed() > LIMIT {
                    let _ = self.child.kill();
                    panic!("{} does not end within {LIMIT:?}", self.line);
                }
                thread::sleep(Duration::from_millis(5));
            };
            Output {
                status,
                stdout: stdout.join().expect("reading does not panic"),
                stderr: stderr.join().expect("reading does not panic"),
            }
        });
        Ended {
            line: self.line,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What a program came to.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The command, to be run again.
    pub line: String,
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it said.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

#[expect(
    clippy::return_self_not_must_use,
    clippy::must_use_candidate,
    reason = "a chain of demands ends with the last one"
)]
impl Ended {
    /// Demands an exit code.
    ///
    /// # Panics
    /// It is another one.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "the exit code{self}");
        self
    }

    /// Demands a text in the standard output.
    ///
    /// # Panics
    /// It is not there.
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "stdout lacks {text:?}{self}");
        self
    }

    /// Demands a text in the standard error output.
    ///
    /// # Panics
    /// It is not there.
    pub fn complains(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "stderr lacks {text:?}{self}");
        self
    }

    /// The line of the standard output that is JSON and has this field.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn json(&self, field: &str) -> serde_json::Value {
        self.stdout
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find(|value| value.get(field).is_some())
            .unwrap_or_else(|| panic!("stdout has no JSON object with {field:?}{self}"))
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "\nto replay: {}\nexit code: {:?}\nstdout:\n{}\nstderr:\n{}",
            self.line, self.code, self.stdout, self.stderr
        )
    }
}

/// The command as a shell takes it.
fn shell_line(command: &Command) -> String {
    let quoted = |word: &OsStr| {
        let word = word.to_string_lossy();
        if word.contains(|c: char| c.is_whitespace() || "&*;'\"$".contains(c)) {
            format!("'{}'", word.replace('\'', r"'\''"))
        } else {
            word.into_owned()
        }
    };
    let variables = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={}", name.to_string_lossy(), quoted(value?))));
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    variables
        .chain(words.map(quoted))
        .collect::<Vec<_>>()
        .join(" ")
}
