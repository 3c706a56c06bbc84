//! One app's connection: its handles, its requests, and what is still to be said to it.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    rc::Rc,
};

use kmdf_abi::ntstatus::STATUS_INVALID_HANDLE;
use kmdf_framework::{File, Host, Irp, Operation};
use kmdf_host_client::{
    framing::{self, FrameReader},
    protocol::{self, Greeting, HandleId, NtStatus, Reply, Request, Tag},
};
use rustix::event::PollFlags;

/// How much is read from a client at once.
const CHUNK: usize = 64 * 1024;
/// How often a client is read from in one turn, so that none keeps the others waiting.
const CHUNKS: u32 = 4;
/// How much may wait to be sent to a client that does not read before no more is read from it.
const UNSENT_LIMIT: usize = 4 << 20;
/// How many requests of a client may be pending before no more is read from it.
const PENDING_LIMIT: usize = 4096;

#[derive(Debug)]
pub(super) struct Client {
    pub(super) stream: UnixStream,
    reader: FrameReader<Request>,
    unsent: Vec<u8>,
    greeted: bool,
    /// Whether the connection is over: nothing more is read from it or written to it.
    pub(super) over: bool,
    files: BTreeMap<HandleId, Rc<File>>,
    next_handle: u32,
    pending: Vec<(Tag, Rc<Irp>)>,
    opening: Vec<(Tag, Rc<File>)>,
    closing: Vec<(Tag, Rc<File>)>,
}

impl Client {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream,
            reader: FrameReader::new(),
            unsent: Vec::new(),
            greeted: false,
            over: false,
            files: BTreeMap::new(),
            next_handle: 1,
            pending: Vec::new(),
            opening: Vec::new(),
            closing: Vec::new(),
        }
    }

    pub(super) fn has_pending(&self) -> bool {
        !self.pending.is_empty() || !self.opening.is_empty() || !self.closing.is_empty()
    }

    /// Whether so much of it waits that it gets no more until some of that is done.
    fn is_full(&self) -> bool {
        self.unsent.len() >= UNSENT_LIMIT || self.pending.len() >= PENDING_LIMIT
    }

    /// What its connection is waited for.
    pub(super) fn wants(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, !self.is_full());
        flags.set(PollFlags::OUT, !self.unsent.is_empty());
        flags
    }

    pub(super) fn receive(&mut self, host: &Host) -> bool {
        let mut active = false;
        let mut chunk = vec![0; CHUNK];
        let mut chunks = 0;
        while !self.over && !self.is_full() && chunks < CHUNKS {
            chunks += 1;
            match self.stream.read(&mut chunk) {
                Ok(0) => self.over = true,
                Ok(bytes) => {
                    active = true;
                    self.reader.push(&chunk[..bytes]);
                    while !self.over {
                        match self.reader.next() {
                            Some(Ok(request)) => self.take(host, request),
                            Some(Err(error)) => {
                                self.end(&format!("this is not the protocol: {error}"));
                            }
                            None => break,
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.over = true,
            }
        }
        active
    }

    fn end(&mut self, reason: &str) {
        self.say(&Reply::Goodbye {
            reason: reason.to_owned(),
        });
        self.send();
        self.over = true;
    }

    fn take(&mut self, host: &Host, request: Request) {
        if !self.greeted {
            match request {
                Request::Hello(greeting) => {
                    self.say(&Reply::Hello(Greeting::OURS));
                    self.greeted = true;
                    if greeting.version != protocol::VERSION {
                        self.send();
                        self.over = true;
                    }
                }
                _ => self.end("a connection begins with Hello"),
            }
            return;
        }
        match request {
            Request::Hello(_) => self.end("Hello was said before"),
            Request::Open {
                tag,
                interface,
                instance,
                access,
                share: _,
            } => match host.begin_open(interface.0, instance, access.0) {
                Ok(file) => self.opening.push((tag, file)),
                Err(status) => self.say(&Reply::Opened {
                    tag,
                    result: Err(NtStatus(status.bits())),
                }),
            },
            Request::Control {
                tag,
                handle,
                code,
                input,
                output_length,
            } => {
                let output_length = output_length as usize;
                self.submit(
                    host,
                    tag,
                    handle,
                    Operation::Control {
                        code,
                        input,
                        output_length,
                    },
                );
            }
            Request::Read {
                tag,
                handle,
                offset,
                length,
            } => {
                self.submit(
                    host,
                    tag,
                    handle,
                    Operation::Read {
                        offset,
                        length: length as usize,
                    },
                );
            }
            Request::Write {
                tag,
                handle,
                offset,
                data,
            } => {
                self.submit(host, tag, handle, Operation::Write { offset, data });
            }
            Request::Cancel { tag } => {
                if let Some((_, irp)) = self.pending.iter().find(|(pending, _)| *pending == tag) {
                    host.cancel(irp);
                }
            }
            Request::Close { tag, handle } => match self.files.remove(&handle) {
                Some(file) => {
                    host.close(&file);
                    self.closing.push((tag, file));
                }
                None => self.say(&Reply::Closed { tag }),
            },
        }
    }

    fn submit(&mut self, host: &Host, tag: Tag, handle: HandleId, operation: Operation) {
        match self.files.get(&handle) {
            Some(file) => self.pending.push((tag, host.submit(file, operation))),
            None => self.say(&Reply::Completed {
                tag,
                status: NtStatus(STATUS_INVALID_HANDLE.bits()),
                information: 0,
                output: Vec::new(),
            }),
        }
    }

    /// Says what has completed.
    pub(super) fn answer(&mut self) -> bool {
        let (finished, pending): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(_, irp)| irp.is_finished());
        self.pending = pending;
        let (closed, closing): (Vec<_>, Vec<_>) = std::mem::take(&mut self.closing)
            .into_iter()
            .partition(|(_, file)| file.is_closed());
        self.closing = closing;
        let active = !finished.is_empty() || !closed.is_empty() || self.answer_opens();
        for (tag, irp) in finished {
            if let Some(outcome) = irp.outcome() {
                self.say(&Reply::Completed {
                    tag,
                    status: NtStatus(outcome.status.bits()),
                    information: outcome.information,
                    output: outcome.output,
                });
            }
        }
        for (tag, _) in closed {
            self.say(&Reply::Closed { tag });
        }
        active
    }

    /// Says which files have been opened, or why not.
    fn answer_opens(&mut self) -> bool {
        let before = self.opening.len();
        for (tag, file) in std::mem::take(&mut self.opening) {
            match file.opened() {
                None => self.opening.push((tag, file)),
                Some(status) if status.is_success() => {
                    let handle = HandleId(self.next_handle);
                    self.next_handle += 1;
                    self.files.insert(handle, file);
                    self.say(&Reply::Opened {
                        tag,
                        result: Ok(handle),
                    });
                }
                Some(status) => self.say(&Reply::Opened {
                    tag,
                    result: Err(NtStatus(status.bits())),
                }),
            }
        }
        self.opening.len() < before
    }

    pub(super) fn say(&mut self, reply: &Reply) {
        match framing::encode(reply) {
            Ok(frame) => self.unsent.extend(frame),
            Err(_) => self.over = true,
        }
    }

    pub(super) fn send(&mut self) {
        while !self.over && !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(bytes) => drop(self.unsent.drain(..bytes)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => self.over = true,
            }
        }
    }

    /// Ends what an app that is gone had open, and forgets what has ended.
    pub(super) fn abandon(&mut self, host: &Host) {
        self.answer_opens();
        for file in std::mem::take(&mut self.files).into_values() {
            host.abandon(&file);
        }
        for (_, file) in &self.closing {
            host.abandon(file);
        }
        self.pending.retain(|(_, irp)| !irp.is_finished());
        self.closing.retain(|(_, file)| !file.is_closed());
    }
}
