//! Apps that send what they like.

use std::{cell::RefCell, rc::Rc, time::Duration};

use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    wire::{Event, Information, Statistics},
};
use kmdf_host::{
    File, Irp, Operation,
    explore::{AppThread, Cause, Stage, Wrong},
};

use super::bytes::Bytes;
use crate::scenarios::requests::{
    READ_WRITE, control, event_after, factorial_of, raise, read, write,
};

/// How many things a thread of an app does at most.
const MOST: u32 = 60;
/// How many handles it has at most.
const HANDLES: usize = 4;
/// How many requests it leaves pending at most.
const PENDING: usize = 40;

const CODES: [u32; 6] = [
    ioctl::INFORMATION,
    ioctl::LIVENESS,
    ioctl::FACTORIAL,
    ioctl::RAISE,
    ioctl::STATISTICS,
    ioctl::WAIT_EVENT,
];
const LENGTHS: [usize; 10] = [
    0,
    1,
    3,
    4,
    5,
    8,
    size_of::<Event>(),
    size_of::<Information>(),
    size_of::<Statistics>(),
    4096,
];
const OFFSETS: [u64; 6] = [0, 1, 4094, 4095, 4096, u64::MAX];

/// How many threads it has.
const THREADS: usize = 3;
/// How long a thread sleeps at a time, at most.
const NAP_NS: usize = 100_000;

/// Sends a bit of everything to a device that may do anything.
pub(super) fn decent(stage: &Stage<'_>) -> Result<(), Wrong> {
    let Some(file) = stage.try_open(DEVICE_INTERFACE.to_bytes(), 0, READ_WRITE)? else {
        return Ok(());
    };
    let irps = [
        factorial_of(12),
        factorial_of(5),
        write(0, b"to a device that lies"),
        read(0, 8),
        event_after(0),
        raise(),
        control(ioctl::STATISTICS, Vec::new(), size_of::<Statistics>()),
        control(ioctl::LIVENESS, vec![1, 2, 3, 4], 4),
        factorial_of(9),
    ]
    .map(|operation| stage.submit(&file, operation));
    stage
        .host()
        .run_until(|_| irps.iter().all(|irp| irp.is_finished() || waits(irp)))?;
    Ok(())
}

/// Does what the bytes say, in several threads that share what they have open; `disturbed`, to the device
/// as well.
pub(super) fn hostile(stage: &Stage<'_>, bytes: &Bytes, disturbed: bool) -> Result<(), Wrong> {
    let process = Rc::new(Process::default());
    let threads = bytes.deal::<THREADS>().map(|mut bytes| {
        let process = Rc::clone(&process);
        stage.start_thread("app thread", move |thread| {
            process.run(thread, &mut bytes, disturbed);
        })
    });
    stage
        .host()
        .run_until(|_| threads.iter().all(|over| over.get()))?;
    Ok(())
}

/// Whether it may wait for ever.
fn waits(irp: &Irp) -> bool {
    irp.code == ioctl::WAIT_EVENT
}

/// What the threads of an app share.
#[derive(Default)]
struct Process {
    /// Its handles; some may be closed, as where a program uses one too long.
    files: RefCell<Vec<Rc<File>>>,
    /// What was sent and has not ended.
    irps: RefCell<Vec<Rc<Irp>>>,
}

/// What a thread has sent.
struct Sent {
    file: Rc<File>,
    irp: Rc<Irp>,
}

/// Whether a thread goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoesOn,
    Ends,
}

impl Process {
    /// A thread, from its first call to its end.
    fn run(&self, thread: &AppThread<'_>, bytes: &mut Bytes, disturbed: bool) {
        let mut mine = Vec::new();
        for _ in 0..MOST {
            if bytes.is_empty() {
                break;
            }
            if self.step(thread, bytes, &mut mine, disturbed) == Next::Ends {
                return;
            }
        }
        // Every request ends by itself, but for one that waits for an event: that ends when its handle is
        // closed, and with its thread.
        for Sent { file, irp } in &mine {
            if !waits(irp) || file.is_closing() {
                thread.wait(irp);
            }
        }
    }

    /// The handle that a number says, if there are any.
    fn file(&self, number: usize) -> Option<Rc<File>> {
        let files = self.files.borrow();
        files.get(number % files.len().max(1)).cloned()
    }

    fn open(&self, thread: &AppThread<'_>, number: usize, access: u32) {
        let Some(file) = thread.open(DEVICE_INTERFACE.to_bytes(), 0, access) else {
            return;
        };
        let replaced = {
            let mut files = self.files.borrow_mut();
            if files.len() < HANDLES {
                files.push(file);
                None
            } else {
                Some(std::mem::replace(&mut files[number], file))
            }
        };
        if let Some(file) = replaced {
            thread.close(&file);
        }
    }

    fn send(
        &self,
        thread: &AppThread<'_>,
        number: usize,
        operation: Operation,
        mine: &mut Vec<Sent>,
    ) {
        self.irps.borrow_mut().retain(|irp| !irp.is_finished());
        if self.irps.borrow().len() >= PENDING {
            return;
        }
        if let Some(file) = self.file(number) {
            let irp = thread.send(&file, operation);
            self.irps.borrow_mut().push(Rc::clone(&irp));
            mine.push(Sent { file, irp });
        }
    }

    fn close(&self, thread: &AppThread<'_>, number: usize, forget: bool) {
        let Some(file) = self.file(number) else {
            return;
        };
        if forget {
            let mut files = self.files.borrow_mut();
            files.retain(|other| !Rc::ptr_eq(other, &file));
        }
        thread.close(&file);
    }

    fn step(
        &self,
        thread: &AppThread<'_>,
        bytes: &mut Bytes,
        mine: &mut Vec<Sent>,
        disturbed: bool,
    ) -> Next {
        let what = bytes.below(16);
        let number = bytes.below(HANDLES);
        match what {
            0 => {
                let usual = bytes.below(4) != 0;
                let access = if usual { READ_WRITE } else { bytes.word() };
                self.open(thread, number, access);
            }
            // There is little to do without one.
            _ if self.files.borrow().is_empty() => self.open(thread, number, READ_WRITE),
            1..=5 => {
                let code = match bytes.below(8) {
                    7 => bytes.word(),
                    known => CODES[known % CODES.len()],
                };
                let (input, output) = lengths(code, bytes);
                let input = (0..input).map(|_| bytes.byte()).collect();
                self.send(thread, number, control(code, input, output), mine);
            }
            6 => {
                let (offset, length) = place(bytes);
                self.send(thread, number, read(offset, length), mine);
            }
            7 => {
                let (offset, length) = place(bytes);
                let data: Vec<_> = (0..length).map(|_| bytes.byte()).collect();
                self.send(thread, number, write(offset, &data), mine);
            }
            8 | 9 => {
                // Anybody's.
                let irps = self.irps.borrow().clone();
                if let Some(irp) = irps.get(bytes.below(irps.len().max(1))) {
                    thread.cancel(irp);
                }
            }
            10 => self.close(thread, number, bytes.below(4) != 0),
            11 if disturbed => {
                // What takes the device away for good comes less often than what does not.
                let causes = if bytes.below(8) == 0 {
                    [Cause::Remove, Cause::SurpriseRemove]
                } else {
                    [Cause::Sleep, Cause::Stop]
                };
                thread.begin(causes[bytes.below(causes.len())]);
            }
            12 => thread.begin(Cause::Raise),
            13 => match bytes.below(8) {
                0 => return Next::Ends,
                _ => {
                    if let Some(sent) = mine.iter().rfind(|sent| !waits(&sent.irp)) {
                        thread.wait(&sent.irp);
                    }
                }
            },
            _ => {
                let nap = (1 + bytes.below(256)) * NAP_NS / 256;
                thread.sleep(Duration::from_nanos(nap as u64));
            }
        }
        Next::GoesOn
    }
}

/// Lengths of input and output: mostly what the code asks for.
fn lengths(code: u32, bytes: &mut Bytes) -> (usize, usize) {
    if bytes.below(4) == 0 {
        let any = |bytes: &mut Bytes| LENGTHS[bytes.below(LENGTHS.len())];
        return (any(bytes), any(bytes));
    }
    match code {
        ioctl::INFORMATION => (0, size_of::<Information>()),
        ioctl::STATISTICS => (0, size_of::<Statistics>()),
        ioctl::RAISE => (4, 0),
        ioctl::WAIT_EVENT => (8, size_of::<Event>()),
        _ => (4, 4),
    }
}

/// Offset and length of a transfer: mostly inside of the buffer.
fn place(bytes: &mut Bytes) -> (u64, usize) {
    if bytes.below(4) == 0 {
        let offset = OFFSETS[bytes.below(OFFSETS.len())];
        return (offset, LENGTHS[bytes.below(LENGTHS.len())]);
    }
    (u64::from(bytes.byte()) * 8, 1 + bytes.below(64))
}
