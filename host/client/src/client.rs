//! A connection, its handles and the requests pending on them.

mod line;
mod reader;

use std::{
    os::unix::net::UnixStream,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use self::{
    line::{Line, gone},
    reader::Reader,
};
use crate::{
    error::Error,
    framing::encode,
    protocol::{
        Access, Greeting, HandleId, InterfaceId, NtStatus, Reply, Request, Share, Tag, VERSION,
    },
};

/// How long a host may take to greet.
const GREETING_LIMIT: Duration = Duration::from_secs(10);

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The status the driver completed it with.
    pub status: NtStatus,
    /// `IoStatus.Information`: for reads, writes and control requests, a number of bytes.
    pub information: u64,
    /// What came back.
    pub output: Vec<u8>,
}

/// What [`Pending::wait_timeout`] saw.
#[derive(Debug)]
pub enum Wait {
    /// The request completed.
    Completed(Completion),
    /// It is still pending.
    TimedOut(Pending),
}

/// A connection to a host. Clones share it; it ends with the last clone, handle and pending request.
#[derive(Clone, Debug)]
pub struct Connection {
    line: Arc<Line>,
}

impl Connection {
    /// Connects to the host that listens at `path` ([`crate::socket_path`] gives the usual one) and
    /// greets it.
    ///
    /// # Errors
    /// [`Error::NoHost`], [`Error::Silent`], [`Error::VersionMismatch`], [`Error::HostGone`] when it
    /// hangs up or sends something else.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let stream = UnixStream::connect(path).map_err(|source| Error::NoHost {
            path: path.to_owned(),
            source: Arc::new(source),
        })?;
        Self::over(stream, path, GREETING_LIMIT)
    }

    /// Greets the host at the other end of `stream`, which was reached by `path`.
    fn over(stream: UnixStream, path: &Path, limit: Duration) -> Result<Self, Error> {
        let mut reader = Reader::new(stream.try_clone().map_err(|error| gone(&error))?);
        let line = Arc::new(Line::new(stream));
        // A host that refuses us may hang up before it has read our greeting, with its own already
        // on its way: what it sent says more than that the line is closed.
        let greeting = encode(&Request::Hello(Greeting::OURS)).map_err(Error::NotSendable)?;
        let greeted = line.write(&greeting).map_err(|error| gone(&error));
        match reader.greeting(limit) {
            Ok(Some(Reply::Hello(greeting))) if greeting.version == VERSION => greeted?,
            Ok(Some(Reply::Hello(greeting))) => {
                return Err(Error::VersionMismatch {
                    host: greeting.version,
                });
            }
            Ok(Some(Reply::Goodbye { reason })) => {
                return Err(Error::HostGone {
                    reason: reason.into(),
                });
            }
            Ok(Some(_)) => return Err(gone(&"it did not begin with a greeting")),
            Ok(None) => {
                return Err(Error::Silent {
                    path: path.to_owned(),
                    limit,
                });
            }
            Err(reason) => return Err(gone(&reason)),
        }
        let waiting = Arc::downgrade(&line);
        thread::Builder::new()
            .name("kmdf-host-client".into())
            .spawn(move || reader.run(&waiting))
            .map_err(|error| Error::NoThread(Arc::new(error)))?;
        Ok(Self { line })
    }

    /// Opens the device interface `interface` of the device `instance` (0 is the first one), as
    /// `CreateFile` does.
    ///
    /// # Errors
    /// [`Error::OpenFailed`] with the status that the create request completed with, or
    /// `STATUS_OBJECT_NAME_NOT_FOUND` when there is no such interface; [`Error::HostGone`].
    pub fn open_interface(
        &self,
        interface: InterfaceId,
        instance: u32,
        access: Access,
        share: Share,
    ) -> Result<Handle, Error> {
        let (_, answer) = self.line.ask(|tag| Request::Open {
            tag,
            interface,
            instance,
            access,
            share,
        })?;
        match answer.recv() {
            Ok(Reply::Opened { result: Ok(id), .. }) => Ok(Handle {
                line: Arc::clone(&self.line),
                id: Some(id),
            }),
            Ok(Reply::Opened {
                result: Err(status),
                ..
            }) => Err(Error::OpenFailed(status)),
            Ok(_) => Err(self
                .line
                .broken_rule("it answered an open with something else")),
            Err(_) => Err(self.line.why_gone()),
        }
    }
}

/// An open device interface. Any number of requests may be pending on it, from any threads.
///
/// Dropping it closes it: the host then cancels what is still pending.
#[derive(Debug)]
pub struct Handle {
    line: Arc<Line>,
    /// `None` only once it was closed.
    id: Option<HandleId>,
}

impl Handle {
    /// Sends a control request, as an overlapped `DeviceIoControl` does.
    ///
    /// # Errors
    /// [`Error::HostGone`]; [`Error::NotSendable`] when a buffer is above
    /// [`crate::protocol::MAX_TRANSFER_BYTES`].
    pub fn submit_control(
        &self,
        code: u32,
        input: &[u8],
        output_length: u32,
    ) -> Result<Pending, Error> {
        self.submit(|tag, handle| Request::Control {
            tag,
            handle,
            code,
            input: input.to_vec(),
            output_length,
        })
    }

    /// Sends a read request for `length` bytes at file offset `offset`, as an overlapped `ReadFile`
    /// does.
    ///
    /// # Errors
    /// As [`Handle::submit_control`].
    pub fn submit_read(&self, offset: u64, length: u32) -> Result<Pending, Error> {
        self.submit(|tag, handle| Request::Read {
            tag,
            handle,
            offset,
            length,
        })
    }

    /// Sends a write request at file offset `offset`, as an overlapped `WriteFile` does.
    ///
    /// # Errors
    /// As [`Handle::submit_control`].
    pub fn submit_write(&self, offset: u64, data: &[u8]) -> Result<Pending, Error> {
        self.submit(|tag, handle| Request::Write {
            tag,
            handle,
            offset,
            data: data.to_vec(),
        })
    }

    fn submit(&self, request: impl FnOnce(Tag, HandleId) -> Request) -> Result<Pending, Error> {
        let id = self.id.ok_or_else(|| gone(&"the handle was closed"))?;
        let (tag, answer) = self.line.ask(|tag| request(tag, id))?;
        Ok(Pending {
            line: Arc::clone(&self.line),
            tag,
            answer,
            settled: false,
        })
    }

    /// Closes the handle and waits until the driver has seen it: cleanup and close done, everything
    /// that was pending completed.
    ///
    /// # Errors
    /// [`Error::HostGone`].
    pub fn close(mut self) -> Result<(), Error> {
        let Some(handle) = self.id.take() else {
            return Ok(());
        };
        let (_, answer) = self.line.ask(|tag| Request::Close { tag, handle })?;
        match answer.recv() {
            Ok(Reply::Closed { .. }) => Ok(()),
            Ok(_) => Err(self
                .line
                .broken_rule("it answered a close with something else")),
            Err(_) => Err(self.line.why_gone()),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(handle) = self.id.take() {
            // Nobody is left to tell when the host is gone: then the handle is closed too.
            drop(self.line.ask(|tag| Request::Close { tag, handle }));
        }
    }
}

/// A request that the driver has not completed yet, or whose completion nobody has taken yet.
///
/// Dropping it cancels the request; its completion is thrown away.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Pending {
    line: Arc<Line>,
    tag: Tag,
    answer: Receiver<Reply>,
    /// Whether its end was seen, so that there is nothing to cancel.
    settled: bool,
}

impl Pending {
    /// Waits for the completion.
    ///
    /// # Errors
    /// [`Error::HostGone`].
    pub fn wait(mut self) -> Result<Completion, Error> {
        self.settled = true;
        match self.answer.recv() {
            Ok(reply) => self.completion(reply),
            Err(_) => Err(self.line.why_gone()),
        }
    }

    /// Waits for the completion, at most for `timeout`.
    ///
    /// # Errors
    /// [`Error::HostGone`].
    pub fn wait_timeout(mut self, timeout: Duration) -> Result<Wait, Error> {
        match self.answer.recv_timeout(timeout) {
            Ok(reply) => {
                self.settled = true;
                self.completion(reply).map(Wait::Completed)
            }
            Err(RecvTimeoutError::Timeout) => Ok(Wait::TimedOut(self)),
            Err(RecvTimeoutError::Disconnected) => {
                self.settled = true;
                Err(self.line.why_gone())
            }
        }
    }

    /// Asks the driver to cancel the request, as `CancelIoEx` does. The request still completes:
    /// with `STATUS_CANCELLED`, or with its result if that came first.
    ///
    /// # Errors
    /// [`Error::HostGone`].
    pub fn cancel(&self) -> Result<(), Error> {
        let frame = encode(&Request::Cancel { tag: self.tag }).map_err(Error::NotSendable)?;
        self.line.write(&frame).map_err(|error| gone(&error))
    }

    fn completion(&self, reply: Reply) -> Result<Completion, Error> {
        match reply {
            Reply::Completed {
                status,
                information,
                output,
                ..
            } => Ok(Completion {
                status,
                information,
                output,
            }),
            _ => Err(self
                .line
                .broken_rule("it answered a request with something else")),
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.settled {
            // Nobody is left to tell when the host is gone: then nothing is pending either.
            drop(self.cancel());
        }
    }
}

#[cfg(test)]
mod tests;
