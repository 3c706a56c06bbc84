//! The conversation with the guest's scripts: the host asks, the guest answers.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Error,
    line::{self, Place},
};

/// The protocol's version; both ends name it.
pub const PROTOCOL: u32 = 1;

/// No line of the guest's comes near this length.
const LONGEST_LINE: usize = 1 << 20;

/// How often a wait looks whether it was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Set by a signal: what waits for the guest ends.
pub static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// What the guest is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Run a program to its end: a path that begins with a backslash is on the medium.
    Run {
        /// The program or PowerShell script.
        file: String,
        /// Its arguments.
        arguments: Vec<String>,
        /// How long it may take.
        seconds: u64,
    },
    /// Start a program, and answer at once.
    Start {
        /// The program.
        file: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// Wait for the program that was started.
    Finish {
        /// How long.
        seconds: u64,
    },
    /// Which edu devices there are, and how they are.
    Devices,
    /// Which bug checks there were.
    Crashes,
    /// Restart Windows.
    Restart,
    /// Shut Windows down.
    Shutdown,
}

impl Request {
    /// What it is called in messages.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Run {
                file, arguments, ..
            }
            | Self::Start { file, arguments } => {
                let name = file.rsplit('\\').next().unwrap_or(file);
                format!("{name} {}", arguments.join(" ")).trim().to_owned()
            }
            Self::Finish { .. } => "the end of the load".into(),
            Self::Devices => "its devices".into(),
            Self::Crashes => "bug checks".into(),
            Self::Restart => "a restart".into(),
            Self::Shutdown => "shutting down".into(),
        }
    }
}

/// The guest's part began.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Hello {
    /// The version of the protocol.
    pub protocol: u32,
    /// The version of Windows.
    pub windows: String,
    /// Whether Windows is in test mode.
    pub test_mode: bool,
}

#[derive(Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum Message {
    Hello(Hello),
    Answer {
        to: u32,
        #[serde(default)]
        error: Option<String>,
        #[serde(default)]
        value: Value,
    },
}

/// The guest, through its serial port.
pub struct Guest {
    port: UnixStream,
    /// What came, but is no whole line yet.
    rest: Vec<u8>,
    lines: VecDeque<String>,
    last: Option<Place>,
    asked: u32,
    /// Lines that are none of the protocol.
    foreign: usize,
}

impl Guest {
    /// A guest behind this connection.
    #[must_use]
    pub fn new(port: UnixStream) -> Self {
        Self {
            port,
            rest: Vec::new(),
            lines: VecDeque::new(),
            last: None,
            asked: 0,
            foreign: 0,
        }
    }

    /// How many lines were none of the protocol: firmware's, or noise.
    #[must_use]
    pub fn foreign(&self) -> usize {
        self.foreign
    }

    /// Waits until the guest's part begins.
    ///
    /// # Errors
    /// Nothing came in time, or nothing that makes sense.
    pub fn hello(&mut self, limit: Duration) -> Result<Hello, Error> {
        match self.next("the guest's first line", limit)? {
            Message::Hello(hello) if hello.protocol == PROTOCOL => Ok(hello),
            Message::Hello(hello) => Err(Error::Protocol(format!(
                "the guest's scripts speak version {}, this is version {PROTOCOL}",
                hello.protocol
            ))),
            Message::Answer { to, .. } => Err(Error::Protocol(format!(
                "an answer to request {to} instead of a first line"
            ))),
        }
    }

    /// Asks for something, and waits for the answer.
    ///
    /// # Errors
    /// The guest could not do it, restarted, said nothing in time or nothing that makes sense.
    pub fn ask(&mut self, request: &Request, limit: Duration) -> Result<Value, Error> {
        self.asked += 1;
        let json = serde_json::to_string(request).map_err(|error| {
            Error::Protocol(format!("a request that cannot be written: {error}"))
        })?;
        let line = line::of_host(self.asked, &json) + "\n";
        self.port
            .write_all(line.as_bytes())
            .map_err(|error| Error::Qemu(format!("the serial port does not take it: {error}")))?;
        match self.next(&request.name(), limit)? {
            Message::Hello(_) => Err(Error::Restarted(request.name())),
            Message::Answer { to, .. } if to != self.asked => Err(Error::Protocol(format!(
                "an answer to request {to} instead of {}",
                self.asked
            ))),
            Message::Answer {
                error: Some(why), ..
            } => Err(Error::Guest {
                asked: request.name(),
                why,
            }),
            Message::Answer { value, .. } => Ok(value),
        }
    }

    fn next(&mut self, what: &str, limit: Duration) -> Result<Message, Error> {
        let deadline = Instant::now() + limit;
        loop {
            while let Some(line) = self.lines.pop_front() {
                if let Some(message) = self.read(&line)? {
                    return Ok(message);
                }
            }
            if INTERRUPTED.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
            if Instant::now() >= deadline {
                let what = what.to_owned();
                return Err(Error::TimeLimit { what, limit });
            }
            self.receive(deadline)?;
        }
    }

    /// Takes what there is, and what comes in a moment.
    fn receive(&mut self, deadline: Instant) -> Result<(), Error> {
        let wait = deadline.saturating_duration_since(Instant::now());
        let wait = wait.clamp(Duration::from_millis(1), LOOK_EVERY);
        let failed = |error| Error::Qemu(format!("the serial port: {error}"));
        self.port.set_read_timeout(Some(wait)).map_err(failed)?;
        let mut buffer = [0; 4096];
        let count = match self.port.read(&mut buffer) {
            Ok(0) => {
                // Ctrl-C ends QEMU, too, and may do so first.
                thread::sleep(LOOK_EVERY);
                return Err(if INTERRUPTED.load(Ordering::Relaxed) {
                    Error::Interrupted
                } else {
                    Error::Qemu("the serial port was closed".into())
                });
            }
            Ok(count) => count,
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                return Ok(());
            }
            Err(error) => return Err(failed(error)),
        };
        for byte in &buffer[..count] {
            if *byte == b'\n' {
                let line = String::from_utf8_lossy(&self.rest);
                self.lines.push_back(line.trim_end_matches('\r').to_owned());
                self.rest.clear();
            } else if self.rest.len() < LONGEST_LINE {
                self.rest.push(*byte);
            }
        }
        Ok(())
    }

    /// What a line says; nothing where it is none of the protocol.
    fn read(&mut self, text: &str) -> Result<Option<Message>, Error> {
        if !text.starts_with(line::GUEST) {
            self.foreign += usize::from(!text.is_empty());
            return Ok(None);
        }
        let (place, json) = line::read_guest(text).map_err(|damage| Error::Damaged {
            damage,
            line: text.chars().take(200).collect(),
        })?;
        let message = serde_json::from_str(json)
            .map_err(|error| Error::Protocol(format!("{error}: {json:.200}")))?;
        self.follow(place, &message)?;
        Ok(Some(message))
    }

    /// Whether a line follows those before it.
    fn follow(&mut self, place: Place, message: &Message) -> Result<(), Error> {
        let begins = matches!(message, Message::Hello(_));
        if begins != (place.line == 1) {
            return Err(Error::Protocol(format!(
                "the first line of a boot is the guest's greeting, and no other is; line {place} is not so"
            )));
        }
        if let Some(last) = self.last {
            let follows = if begins {
                place.boot > last.boot
            } else {
                place.boot == last.boot && place.line == last.line + 1
            };
            if !follows {
                return Err(Error::Lost { last, came: place });
            }
        } else if !begins {
            return Err(Error::Protocol(format!("the first line is {place}")));
        }
        self.last = Some(place);
        Ok(())
    }
}
