//! Requests that scenarios send, and how they end.

use std::rc::Rc;

use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    wire::{Event, EventCursor, Information, Statistics, Word},
};
use kmdf_host::{
    File, Irp, NtStatus, Operation,
    explore::{Stage, Wrong},
};
use zerocopy::{FromBytes, IntoBytes};

use crate::model::SOFTWARE_CAUSE;

/// `FILE_READ_DATA | FILE_WRITE_DATA`
pub(crate) const READ_WRITE: u32 = 3;

/// Opens the device that is number `instance`.
pub(super) fn open(stage: &Stage<'_>, instance: u32) -> Result<Rc<File>, Wrong> {
    stage.open(DEVICE_INTERFACE.to_bytes(), instance, READ_WRITE)
}

pub(crate) const fn control(code: u32, input: Vec<u8>, output_length: usize) -> Operation {
    Operation::Control {
        code,
        input,
        output_length,
    }
}

pub(crate) fn factorial_of(n: u32) -> Operation {
    control(
        ioctl::FACTORIAL,
        Word(n).as_bytes().to_vec(),
        size_of::<Word>(),
    )
}

pub(crate) fn raise() -> Operation {
    control(ioctl::RAISE, Word(SOFTWARE_CAUSE).as_bytes().to_vec(), 0)
}

/// The first event after a cursor.
pub(crate) fn event_after(cursor: u64) -> Operation {
    control(
        ioctl::WAIT_EVENT,
        EventCursor(cursor).as_bytes().to_vec(),
        size_of::<Event>(),
    )
}

pub(crate) const fn read(offset: u64, length: usize) -> Operation {
    Operation::Read { offset, length }
}

pub(crate) fn write(offset: u64, data: &[u8]) -> Operation {
    Operation::Write {
        offset,
        data: data.to_vec(),
    }
}

/// n! modulo 2^32, as the device multiplies.
fn product(n: u32) -> [u8; 4] {
    (1..=n).fold(1_u32, u32::wrapping_mul).to_le_bytes()
}

/// Waits for n!, which may end with one of these errors instead.
pub(super) fn finish(
    stage: &Stage<'_>,
    n: u32,
    irp: &Irp,
    errors: &[NtStatus],
) -> Result<(), Wrong> {
    finish_as(
        stage,
        &format!("the factorial of {n}"),
        irp,
        &product(n),
        errors,
    )
}

/// Raises an event for a request that waits for one. Whether it was raised: then the wait ends.
pub(super) fn raise_event(stage: &Stage<'_>, file: &File, wait: &Irp) -> Result<bool, Wrong> {
    loop {
        let irp = stage.submit(file, raise());
        let outcome = stage.wait(&irp)?;
        stage.expect("raising a cause", &outcome, &[], &[])?;
        if !outcome.status.is_success() {
            return Ok(false);
        }
        if stage.is_undisturbed() || stage.settle(wait)? {
            return Ok(true);
        }
        // What is raised while the device leaves D0 is acknowledged there, and no event. That
        // happens once at most in a run.
    }
}

/// Waits for a request that gives this output, or ends with one of these errors.
pub(super) fn finish_as(
    stage: &Stage<'_>,
    what: &str,
    irp: &Irp,
    output: &[u8],
    errors: &[NtStatus],
) -> Result<(), Wrong> {
    let outcome = stage.wait(irp)?;
    stage.expect(what, &outcome, output, errors)
}

/// Waits for an event that has this number or a later one. Its number.
pub(super) fn finish_event(
    stage: &Stage<'_>,
    irp: &Irp,
    at_least: u64,
    errors: &[NtStatus],
) -> Result<Option<u64>, Wrong> {
    let outcome = stage.wait(irp)?;
    if !outcome.status.is_success() {
        stage.expect("an event", &outcome, &[], errors)?;
        return Ok(None);
    }
    match Event::read_from_bytes(&outcome.output) {
        Ok(event) if event.number >= at_least => Ok(Some(event.number)),
        other => Err(Wrong::Unexpected(format!(
            "an event after {at_least} was waited for, and {other:?} came"
        ))),
    }
}

/// Asks for these factorials at once.
pub(super) fn factorials(stage: &Stage<'_>, instance: u32, numbers: &[u32]) -> Result<(), Wrong> {
    let file = open(stage, instance)?;
    let irps: Vec<_> = numbers
        .iter()
        .map(|&n| stage.submit(&file, factorial_of(n)))
        .collect();
    for (irp, &n) in irps.iter().zip(numbers) {
        finish(stage, n, irp, &[])?;
    }
    Ok(())
}

/// Asks for the statistics.
pub(super) fn read_statistics() -> Operation {
    control(ioctl::STATISTICS, Vec::new(), size_of::<Statistics>())
}

/// Reads the statistics, if nothing keeps the driver from giving them.
pub(super) fn statistics(stage: &Stage<'_>, file: &File) -> Result<Option<Statistics>, Wrong> {
    told(stage, file, read_statistics(), "the statistics")
}

/// Reads what the device is, if nothing keeps the driver from saying it.
pub(super) fn information(stage: &Stage<'_>, file: &File) -> Result<Option<Information>, Wrong> {
    let operation = control(ioctl::INFORMATION, Vec::new(), size_of::<Information>());
    told(stage, file, operation, "the information")
}

fn told<T: FromBytes>(
    stage: &Stage<'_>,
    file: &File,
    operation: Operation,
    what: &str,
) -> Result<Option<T>, Wrong> {
    let irp = stage.submit(file, operation);
    let outcome = stage.wait(&irp)?;
    if !outcome.status.is_success() {
        stage.expect(what, &outcome, &[], &[])?;
        return Ok(None);
    }
    T::read_from_bytes(&outcome.output)
        .map(Some)
        .map_err(|_| Wrong::Unexpected(format!("{what} came with {} bytes", outcome.output.len())))
}
