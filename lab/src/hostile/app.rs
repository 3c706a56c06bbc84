//! Apps that send what they like.

use std::rc::Rc;

use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    wire::{Event, Information, Statistics},
};
use kmdf_host::{
    File, Irp, Operation,
    explore::{Cause, Stage, Wrong},
};

use super::bytes::Bytes;
use crate::scenarios::requests::{control, event_after, factorial_of, raise, read, write};

/// How many things an app does at most.
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

/// What an app holds.
#[derive(Default)]
struct App {
    files: Vec<Rc<File>>,
    irps: Vec<Rc<Irp>>,
}

/// Sends a bit of everything to a device that may do anything.
pub(super) fn decent(stage: &Stage<'_>) -> Result<(), Wrong> {
    let mut app = App::default();
    if !app.open(stage, 3)? {
        return Ok(());
    }
    for operation in [
        factorial_of(12),
        factorial_of(5),
        write(0, b"to a device that lies"),
        read(0, 8),
        event_after(0),
        raise(),
        control(ioctl::STATISTICS, Vec::new(), size_of::<Statistics>()),
        control(ioctl::LIVENESS, vec![1, 2, 3, 4], 4),
        factorial_of(9),
    ] {
        app.send(stage, 0, operation);
    }
    app.finish(stage)
}

/// Does what the bytes say; `disturbed`, to the device as well.
pub(super) fn hostile(stage: &Stage<'_>, bytes: &mut Bytes, disturbed: bool) -> Result<(), Wrong> {
    let mut app = App::default();
    for _ in 0..MOST {
        if bytes.is_empty() {
            break;
        }
        app.step(stage, bytes, disturbed)?;
    }
    app.finish(stage)
}

impl App {
    /// Opens the device, if it can be opened. Whether it was.
    fn open(&mut self, stage: &Stage<'_>, access: u32) -> Result<bool, Wrong> {
        match stage.try_open(DEVICE_INTERFACE.to_bytes(), 0, access)? {
            Some(file) if self.files.len() < HANDLES => self.files.push(file),
            Some(file) => stage.host().close(&file),
            None => return Ok(false),
        }
        Ok(true)
    }

    fn send(&mut self, stage: &Stage<'_>, handle: usize, operation: Operation) {
        self.irps.retain(|irp| !irp.is_finished());
        if let Some(file) = self.files.get(handle % self.files.len().max(1))
            && self.irps.len() < PENDING
        {
            self.irps.push(stage.submit(file, operation));
        }
    }

    fn step(&mut self, stage: &Stage<'_>, bytes: &mut Bytes, disturbed: bool) -> Result<(), Wrong> {
        let what = bytes.below(16);
        let handle = bytes.below(HANDLES);
        match what {
            0 => {
                let access = if bytes.below(4) == 0 { bytes.word() } else { 3 };
                self.open(stage, access)?;
            }
            1..=5 => {
                let code = match bytes.below(8) {
                    7 => bytes.word(),
                    known => CODES[known % CODES.len()],
                };
                let (input, output) = lengths(code, bytes);
                let input = (0..input).map(|_| bytes.byte()).collect();
                self.send(stage, handle, control(code, input, output));
            }
            6 => {
                let (offset, length) = place(bytes);
                self.send(stage, handle, read(offset, length));
            }
            7 => {
                let (offset, length) = place(bytes);
                let data: Vec<_> = (0..length).map(|_| bytes.byte()).collect();
                self.send(stage, handle, write(offset, &data));
            }
            8 | 9 => {
                let index = bytes.below(self.irps.len().max(1));
                if let Some(irp) = self.irps.get(index) {
                    stage.host().cancel(irp);
                }
            }
            10 if handle < self.files.len() => {
                let file = self.files.swap_remove(handle);
                if bytes.below(2) == 0 {
                    stage.host().close(&file);
                } else {
                    stage.host().abandon(&file);
                }
            }
            11 if disturbed => {
                // What takes the device away for good comes less often than what does not.
                let causes = [
                    Cause::Sleep,
                    Cause::Stop,
                    Cause::Sleep,
                    Cause::Stop,
                    Cause::Remove,
                    Cause::SurpriseRemove,
                ];
                stage.begin(causes[bytes.below(causes.len())]);
            }
            12 => stage.begin(Cause::Raise),
            _ => {
                let turns = bytes.below(32);
                stage.run_for(u32::try_from(turns).unwrap_or(0))?;
            }
        }
        Ok(())
    }

    /// Every request ends by itself, but for those that wait for an event.
    fn finish(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let waits = |irp: &Irp| irp.code == ioctl::WAIT_EVENT;
        stage
            .host()
            .run_until(|_| self.irps.iter().all(|irp| irp.is_finished() || waits(irp)))?;
        Ok(())
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
