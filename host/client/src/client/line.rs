//! What all users of a connection share: the sending end, and who waits for an answer.

use std::{
    collections::HashMap,
    fmt::Display,
    io::{self, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    time::Duration,
};

use crate::{
    error::Error,
    framing::encode,
    protocol::{Reply, Request, Tag},
};

/// How long to wait, once nothing can be sent any more, for the reader to see why.
const LAST_WORDS_LIMIT: Duration = Duration::from_secs(1);

/// What all users of a connection share.
#[derive(Debug)]
pub(super) struct Line {
    /// Locked for as long as a frame is written, so that frames stay whole.
    stream: Mutex<UnixStream>,
    waiting: Mutex<Waiting>,
}

/// Who waits for an answer.
#[derive(Debug, Default)]
struct Waiting {
    last_tag: u64,
    answers: HashMap<Tag, SyncSender<Reply>>,
    /// Why nothing will be answered any more.
    ended: Option<Arc<str>>,
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self {
            stream: Mutex::new(stream),
            waiting: Mutex::default(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Every section under this lock leaves the state whole, so a panic elsewhere in the thread
        // that held it spoils nothing.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request and gives where its answer will arrive.
    pub(super) fn ask(
        &self,
        request: impl FnOnce(Tag) -> Request,
    ) -> Result<(Tag, Receiver<Reply>), Error> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let tag = {
            let mut waiting = self.waiting();
            if waiting.ended.is_some() {
                drop(waiting);
                return Err(self.why_gone());
            }
            waiting.last_tag += 1;
            let tag = Tag(waiting.last_tag);
            waiting.answers.insert(tag, sender);
            tag
        };
        let frame = encode(&request(tag)).map_err(|error| {
            self.waiting().answers.remove(&tag);
            Error::NotSendable(error)
        })?;
        match self.write(&frame) {
            Ok(()) => Ok((tag, receiver)),
            Err(error) => match receiver.recv_timeout(LAST_WORDS_LIMIT) {
                // The reader has seen the end too, and knows why.
                Err(RecvTimeoutError::Disconnected) => Err(self.why_gone()),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {
                    self.waiting().answers.remove(&tag);
                    Err(gone(&error))
                }
            },
        }
    }

    pub(super) fn write(&self, frame: &[u8]) -> io::Result<()> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(frame)
    }

    /// Hands a reply to who waits for it; gives the reason when it was the last one.
    pub(super) fn dispatch(&self, reply: Reply) -> Option<String> {
        let tag = match &reply {
            Reply::Opened { tag, .. } | Reply::Completed { tag, .. } | Reply::Closed { tag } => {
                *tag
            }
            Reply::Goodbye { reason } => return Some(reason.clone()),
            Reply::Hello(_) => return Some("it greeted a second time".into()),
        };
        let Some(answer) = self.waiting().answers.remove(&tag) else {
            return Some(format!(
                "it answered request {}, which is not pending",
                tag.0
            ));
        };
        // Who asked may have given up waiting; then nobody misses the answer.
        let _ = answer.try_send(reply);
        None
    }

    /// Takes note that nothing will be answered any more. The first reason stays.
    pub(super) fn end(&self, reason: &str) {
        let mut waiting = self.waiting();
        waiting.ended.get_or_insert_with(|| reason.into());
        // Without senders, everybody who waits wakes up.
        waiting.answers.clear();
    }

    /// Ends the connection because the host broke a rule of the protocol.
    pub(super) fn broken_rule(&self, reason: &str) -> Error {
        self.end(reason);
        gone(&reason)
    }

    pub(super) fn why_gone(&self) -> Error {
        let reason = self.waiting().ended.clone();
        Error::HostGone {
            reason: reason.unwrap_or_else(|| "it no longer answers".into()),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Wakes the reader thread, which holds a second descriptor of the same socket. A socket
        // that is closed already needs no shutting down.
        let stream = self
            .stream
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        drop(stream.shutdown(Shutdown::Both));
    }
}

pub(super) fn gone(reason: &dyn Display) -> Error {
    Error::HostGone {
        reason: reason.to_string().into(),
    }
}
