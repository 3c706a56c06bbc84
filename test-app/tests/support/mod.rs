//! A host for tests: it serves one interface, and a closure answers the control requests.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    thread,
};

use edu_spec::{
    ioctl,
    registers::{Identification, dma::USABLE_BYTES},
    wire::{Information, InterruptInformation, Statistics, Word},
};
use kmdf_host_client::{
    framing::{FrameReader, Message, encode},
    protocol::{Greeting, HandleId, NtStatus, Reply, Request, Tag},
};
use snapbox::cmd::Command;
use tempfile::TempDir;
use zerocopy::{FromBytes, IntoBytes};

pub const CANCELLED: u32 = 0xC000_0120;
pub const INVALID_DEVICE_REQUEST: u32 = 0xC000_0010;
pub const INVALID_BUFFER_SIZE: u32 = 0xC000_0206;
pub const INVALID_PARAMETER: u32 = 0xC000_000D;

/// Stands for `ReadFile` where a closure is given a control code; the input is the file offset
/// (64 bits) and the length (32 bits).
pub const READ: u32 = 0xFFFF_0003;
/// Stands for `WriteFile`; the input is the file offset (64 bits) and the data.
pub const WRITE: u32 = 0xFFFF_0004;

/// What the host does with a request.
pub enum Answer {
    /// Completes it with success and this output.
    Output(Vec<u8>),
    /// Completes it with exactly this.
    Complete {
        status: u32,
        information: u64,
        output: Vec<u8>,
    },
    /// Completes it with success and this output, once so many requests wait: the last one first.
    Held(usize, Vec<u8>),
    /// Completes it only when it is canceled.
    UntilCanceled,
    /// Never completes it.
    Never,
    /// Says why it goes, and goes.
    Goodbye(&'static str),
    /// Goes.
    HangUp,
}

impl Answer {
    pub fn status(status: u32) -> Self {
        Self::Complete {
            status,
            information: 0,
            output: vec![],
        }
    }
}

/// What a good driver with a good device does.
pub fn good(statistics: &mut Statistics, code: u32, input: &[u8]) -> Answer {
    let word = Word::read_from_bytes(input).unwrap_or_default().0;
    let interrupt = |statistics: &mut Statistics| {
        statistics.isr_calls += 1;
        statistics.interrupts += 1;
        statistics.dpcs_queued += 1;
        statistics.dpc_calls += 1;
        statistics.snapshots_taken += 1;
    };
    match code {
        ioctl::INFORMATION => Answer::Output(information().as_bytes().to_vec()),
        ioctl::LIVENESS => Answer::Output((!word).as_bytes().to_vec()),
        ioctl::FACTORIAL => {
            interrupt(statistics);
            statistics.factorial_causes += 1;
            statistics.factorials_completed += 1;
            Answer::Output(factorial(word).as_bytes().to_vec())
        }
        ioctl::RAISE => {
            interrupt(statistics);
            statistics.software_causes += 1;
            statistics.events += 1;
            Answer::Output(vec![])
        }
        READ => {
            let (offset, length) = input.split_at(8);
            let offset = u64::from_le_bytes(offset.try_into().unwrap());
            let length = u32::from_le_bytes(length.try_into().unwrap());
            match in_bounds(offset, length.into()) {
                // Each byte of the buffer is the lowest byte of its offset.
                Ok(()) => Answer::Output(
                    (offset..offset + u64::from(length))
                        .map(|offset| offset.to_le_bytes()[0])
                        .collect(),
                ),
                Err(status) => Answer::status(status),
            }
        }
        WRITE => {
            let (offset, data) = input.split_at(8);
            let offset = u64::from_le_bytes(offset.try_into().unwrap());
            match in_bounds(offset, data.len() as u64) {
                Ok(()) => Answer::Complete {
                    status: 0,
                    information: data.len() as u64,
                    output: vec![],
                },
                Err(status) => Answer::status(status),
            }
        }
        ioctl::STATISTICS => Answer::Output(statistics.as_bytes().to_vec()),
        _ => Answer::status(INVALID_DEVICE_REQUEST),
    }
}

fn in_bounds(offset: u64, length: u64) -> Result<(), u32> {
    let usable = USABLE_BYTES as u64;
    if offset >= usable {
        Err(INVALID_PARAMETER)
    } else if length > usable - offset {
        Err(INVALID_BUFFER_SIZE)
    } else {
        Ok(())
    }
}

/// n! as a device computes it: by n multiplications.
pub fn factorial(n: u32) -> u32 {
    (1..=n).fold(1, u32::wrapping_mul)
}

/// What a device with one message reports.
pub fn information() -> Information {
    let mut information = Information {
        identification: Identification::EDU_1_0,
        driver_version: 0x0001_0200,
        interrupt_count: 1,
        ..Information::default()
    };
    information.interrupts[0] = InterruptInformation {
        vector: 0x81,
        irql: 8,
        message_number: 0,
        message_signaled: 1,
        target_processors: 3,
        group: 0,
        mode: 1,
    };
    information
}

/// A host that listens until the test ends.
pub struct Host {
    directory: TempDir,
}

impl Host {
    /// A host whose driver answers as `answer` does.
    pub fn start(
        answer: impl FnMut(&mut Statistics, u32, &[u8]) -> Answer + Send + 'static,
    ) -> Self {
        Self::listen(move |stream| {
            Connection {
                stream,
                statistics: Statistics::default(),
                answer,
                held: Vec::new(),
            }
            .serve();
        })
    }

    /// A host that does as `serve` says with the first connection.
    pub fn listen(serve: impl FnOnce(UnixStream) + Send + 'static) -> Self {
        let host = Self {
            directory: TempDir::new().unwrap(),
        };
        let listener = UnixListener::bind(host.socket()).unwrap();
        thread::spawn(move || serve(listener.accept().unwrap().0));
        host
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("host.sock")
    }

    /// eductl, with this host.
    pub fn eductl<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        eductl(args).env("KMDF_HOST_SOCKET", self.socket())
    }
}

/// eductl, with a host only if the variable is set.
pub fn eductl<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new(snapbox::cmd::cargo_bin!("eductl"))
        .env_remove("KMDF_HOST_SOCKET")
        .env_remove("COLUMNS")
        .args(args)
}

struct Connection<F> {
    stream: UnixStream,
    statistics: Statistics,
    answer: F,
    held: Vec<(Tag, Vec<u8>)>,
}

impl<F: FnMut(&mut Statistics, u32, &[u8]) -> Answer> Connection<F> {
    fn serve(mut self) {
        let mut frames = FrameReader::new();
        let mut until_canceled = Vec::new();
        loop {
            for request in frames.by_ref() {
                if self.handle(request.unwrap(), &mut until_canceled).is_none() {
                    return;
                }
            }
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) | Err(_) => return,
                Ok(length) => frames.push(&bytes[..length]),
            }
        }
    }

    /// `None` when the connection is over.
    fn handle(&mut self, request: Request, until_canceled: &mut Vec<Tag>) -> Option<()> {
        match request {
            Request::Hello(_) => self.say(&Reply::Hello(Greeting::OURS)),
            Request::Open { tag, instance, .. } => self.say(&Reply::Opened {
                tag,
                result: match instance {
                    0 => Ok(HandleId(1)),
                    1 => Err(NtStatus(0xC000_0022)),
                    _ => Err(NtStatus(0xC000_0034)),
                },
            }),
            Request::Read {
                tag,
                offset,
                length,
                ..
            } => {
                let input = [&offset.to_le_bytes()[..], &length.to_le_bytes()].concat();
                self.answer(tag, READ, &input, until_canceled)
            }
            Request::Write {
                tag, offset, data, ..
            } => {
                let input = [&offset.to_le_bytes()[..], &data].concat();
                self.answer(tag, WRITE, &input, until_canceled)
            }
            Request::Control {
                tag, code, input, ..
            } => self.answer(tag, code, &input, until_canceled),
            Request::Cancel { tag } => {
                if until_canceled.contains(&tag) {
                    until_canceled.retain(|pending| *pending != tag);
                    self.say(&Reply::Completed {
                        tag,
                        status: NtStatus(CANCELLED),
                        information: 0,
                        output: vec![],
                    })
                } else {
                    Some(())
                }
            }
            Request::Close { tag, .. } => self.say(&Reply::Closed { tag }),
        }
    }

    /// `None` when the connection is over.
    fn answer(
        &mut self,
        tag: Tag,
        code: u32,
        input: &[u8],
        until_canceled: &mut Vec<Tag>,
    ) -> Option<()> {
        let completed = match (self.answer)(&mut self.statistics, code, input) {
            Answer::Output(output) => Some((0, output.len() as u64, output)),
            Answer::Complete {
                status,
                information,
                output,
            } => Some((status, information, output)),
            Answer::Held(count, output) => {
                self.held.push((tag, output));
                if self.held.len() == count {
                    for (tag, output) in std::mem::take(&mut self.held).into_iter().rev() {
                        self.say(&Reply::Completed {
                            tag,
                            status: NtStatus::SUCCESS,
                            information: output.len() as u64,
                            output,
                        })?;
                    }
                }
                None
            }
            Answer::UntilCanceled => {
                until_canceled.push(tag);
                None
            }
            Answer::Never => None,
            Answer::Goodbye(reason) => {
                self.say(&Reply::Goodbye {
                    reason: reason.into(),
                })?;
                return None;
            }
            Answer::HangUp => return None,
        };
        match completed {
            Some((status, information, output)) => self.say(&Reply::Completed {
                tag,
                status: NtStatus(status),
                information,
                output,
            }),
            None => Some(()),
        }
    }

    /// `None` when eductl has ended already.
    fn say(&mut self, reply: &impl Message) -> Option<()> {
        self.stream.write_all(&encode(reply).unwrap()).ok()
    }
}
