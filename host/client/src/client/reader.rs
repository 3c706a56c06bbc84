//! The receiving end of a connection.

use std::{
    io::{self, Read},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::Weak,
    time::{Duration, Instant},
};

use super::line::Line;
use crate::{framing::FrameReader, protocol::Reply};

/// How much is read from the socket at once.
const READ_BYTES: usize = 16 * 1024;

/// The receiving end of a connection.
pub(super) struct Reader {
    stream: UnixStream,
    frames: FrameReader<Reply>,
}

impl Reader {
    pub(super) const fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            frames: FrameReader::new(),
        }
    }

    /// Hands each reply to who waits for it, until there is none any more or nobody waits.
    pub(super) fn run(mut self, line: &Weak<Line>) {
        loop {
            let reply = self.next();
            let Some(line) = line.upgrade() else { return };
            let over = match reply {
                Ok(reply) => line.dispatch(reply),
                Err(reason) => Some(reason),
            };
            if let Some(reason) = over {
                line.end(&reason);
                break;
            }
        }
        // After a broken rule the host is still there, and is to see that we are not. An end that
        // is closed already needs no shutting down.
        drop(self.stream.shutdown(Shutdown::Both));
    }

    /// The first reply, or `None` when it does not come within `limit`. `Err` says why none can
    /// come any more.
    pub(super) fn greeting(&mut self, limit: Duration) -> Result<Option<Reply>, String> {
        let deadline = Instant::now() + limit;
        let reply = loop {
            if let Some(reply) = self.frames.next() {
                break Some(reply.map_err(|error| error.to_string())?);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break None;
            }
            self.set_timeout(Some(left))?;
            match self.fill() {
                Ok(()) => {}
                Err(error) if is_timeout(&error) => break None,
                Err(error) => return Err(error.to_string()),
            }
        };
        self.set_timeout(None)?;
        Ok(reply)
    }

    /// The next reply, or why there is none any more.
    fn next(&mut self) -> Result<Reply, String> {
        loop {
            if let Some(reply) = self.frames.next() {
                return reply.map_err(|error| error.to_string());
            }
            self.fill().map_err(|error| error.to_string())?;
        }
    }

    /// Reads what there is, at least one byte.
    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = [0; READ_BYTES];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) if self.frames.is_between_frames() => {
                    return Err(io::Error::other(
                        "it closed the connection without a goodbye",
                    ));
                }
                Ok(0) => {
                    return Err(io::Error::other(
                        "it closed the connection within a message",
                    ));
                }
                Ok(length) => {
                    self.frames.push(bytes.get(..length).unwrap_or_default());
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn set_timeout(&self, timeout: Option<Duration>) -> Result<(), String> {
        self.stream
            .set_read_timeout(timeout)
            .map_err(|error| error.to_string())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
