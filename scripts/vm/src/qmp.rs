//! A client of QEMU's monitor protocol, and of its qtest protocol for the one register that is needed.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::Error;

/// How long QEMU may take for a command.
const LIMIT: Duration = Duration::from_secs(30);

/// QEMU's monitor.
pub struct Qmp {
    connection: BufReader<UnixStream>,
    /// Part of a line that came before a time limit.
    line: String,
    events: VecDeque<Value>,
}

impl Qmp {
    /// Connects, and says that commands will come.
    ///
    /// # Errors
    /// There is no QEMU behind the socket.
    pub fn connect(socket: &Path) -> Result<Self, Error> {
        let connection = UnixStream::connect(socket).map_err(lost)?;
        let mut qmp = Self {
            connection: BufReader::new(connection),
            line: String::new(),
            events: VecDeque::new(),
        };
        qmp.receive(Instant::now() + LIMIT)?;
        qmp.command("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// QEMU refuses it or has ended.
    pub fn command(&mut self, name: &str, arguments: &Value) -> Result<Value, Error> {
        let command = json!({ "execute": name, "arguments": arguments });
        let line = format!("{command}\n");
        self.connection
            .get_mut()
            .write_all(line.as_bytes())
            .map_err(lost)?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let Some(mut message) = self.receive(deadline)? else {
                return Err(Error::Qemu(format!("no answer to {name}")));
            };
            if let Some(error) = message.get("error") {
                let why = error["desc"].as_str().unwrap_or("no reason given");
                return Err(Error::Qemu(format!("{name}: {why}")));
            }
            if let Some(answer) = message.get_mut("return") {
                return Ok(answer.take());
            }
            self.events.push_back(message);
        }
    }

    /// Waits for an event about a device, and says whether it came in time. Events before it are dropped.
    ///
    /// # Errors
    /// QEMU has ended.
    pub fn wait_for(&mut self, event: &str, device: &str, limit: Duration) -> Result<bool, Error> {
        let deadline = Instant::now() + limit;
        loop {
            while let Some(message) = self.events.pop_front() {
                if message["event"] == event && message["data"]["device"] == device {
                    return Ok(true);
                }
            }
            match self.receive(deadline)? {
                Some(message) => self.events.push_back(message),
                None => return Ok(false),
            }
        }
    }

    /// The next message; nothing where none came in time.
    fn receive(&mut self, deadline: Instant) -> Result<Option<Value>, Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        let connection = self.connection.get_ref();
        connection.set_read_timeout(Some(left)).map_err(lost)?;
        match self.connection.read_line(&mut self.line) {
            Ok(0) => Err(Error::Qemu("it ended".into())),
            Ok(_) => {
                let message = serde_json::from_str(&self.line);
                self.line.clear();
                message
                    .map(Some)
                    .map_err(|error| Error::Qemu(format!("its monitor speaks no JSON: {error}")))
            }
            Err(error) if is_timeout(&error) => Ok(None),
            Err(error) => Err(lost(error)),
        }
    }
}

/// Writes an I/O port through qtest, which works beside any accelerator.
///
/// # Errors
/// QEMU has ended, or does not do it.
pub fn write_ports(socket: &Path, writes: &[(u16, u32)]) -> Result<(), Error> {
    let connection = UnixStream::connect(socket).map_err(lost)?;
    connection.set_read_timeout(Some(LIMIT)).map_err(lost)?;
    let mut connection = BufReader::new(connection);
    for (port, value) in writes {
        let line = format!("outl {port:#x} {value:#x}\n");
        connection
            .get_mut()
            .write_all(line.as_bytes())
            .map_err(lost)?;
        let mut answer = String::new();
        connection.read_line(&mut answer).map_err(lost)?;
        if answer.trim() != "OK" {
            let answer = answer.trim();
            return Err(Error::Qemu(format!("{}: {answer}", line.trim())));
        }
    }
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn lost(error: io::Error) -> Error {
    Error::Qemu(format!("the connection to it: {error}"))
}
