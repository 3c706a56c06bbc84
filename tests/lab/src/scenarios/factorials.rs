//! Factorials, and the requests that are answered at once.

use edu_model::Messages;
use edu_spec::{
    ioctl,
    wire::{Statistics, Word},
};
use kmdf_host::{
    Interrupts,
    explore::{Stage, Wrong},
    ntstatus::STATUS_CANCELLED,
};

use super::{
    Edu,
    requests::{
        control, event_after, factorial_of, factorials, finish, finish_as, information, open,
        raise, statistics, write,
    },
};

pub(super) fn all() -> impl Iterator<Item = Edu> {
    [
        Edu::new(
            "factorial",
            "one factorial, completed by interrupt",
            one_factorial,
        ),
        Edu::new("factorials", "three factorials at once", three_factorials),
        Edu::new(
            "line",
            "one factorial with a line-based interrupt",
            one_factorial,
        )
        .line(),
        Edu::new(
            "two-messages",
            "three factorials on a device with two messages",
            three_factorials,
        )
        .two_messages(),
        Edu {
            interrupts: Interrupts::OneMessage,
            messages: Messages::Two,
            ..Edu::new(
                "one-message",
                "factorial and transfer on a device that is granted one message of its two",
                factorial_and_transfer,
            )
        },
        Edu {
            functions: 2,
            interrupts: Interrupts::Line,
            ..Edu::new(
                "shared-line",
                "two devices on one line, a factorial on each",
                one_on_each,
            )
        },
        Edu::new(
            "cancel",
            "a factorial canceled while it is computed, and one after it",
            canceled,
        ),
        Edu::new(
            "close",
            "a handle closed with requests of all kinds pending, beside one that goes on",
            closed,
        ),
        Edu::new(
            "raise",
            "interrupts raised by the app between two factorials",
            raised,
        ),
        Edu::new("requests", "every request, right and wrong", every_request),
        Edu::new(
            "statistics",
            "statistics and information read while everything goes on",
            watched,
        ),
    ]
    .into_iter()
}

fn one_factorial(stage: &Stage<'_>) -> Result<(), Wrong> {
    factorials(stage, 0, &[12])
}

fn three_factorials(stage: &Stage<'_>) -> Result<(), Wrong> {
    factorials(stage, 0, &[3, 12, 20])
}

/// The two engines at once.
pub(super) fn factorial_and_transfer(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let sent = stage.submit(&file, write(8, b"beside a factorial"));
    let computed = stage.submit(&file, factorial_of(12));
    finish(stage, 12, &computed, &[])?;
    finish_as(stage, "a write", &sent, &[], &[])
}

fn one_on_each(stage: &Stage<'_>) -> Result<(), Wrong> {
    let first = open(stage, 0)?;
    let second = open(stage, 1)?;
    let irps = [
        (5, stage.submit(&first, factorial_of(5))),
        (9, stage.submit(&second, factorial_of(9))),
    ];
    for (n, irp) in &irps {
        finish(stage, *n, irp, &[])?;
    }
    Ok(())
}

fn canceled(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let first = stage.submit(&file, factorial_of(12));
    let second = stage.submit(&file, factorial_of(7));
    stage.run_for(2)?;
    stage.host().cancel(&first);
    finish(stage, 12, &first, &[STATUS_CANCELLED])?;
    finish(stage, 7, &second, &[])?;
    factorials(stage, 0, &[4])
}

fn closed(stage: &Stage<'_>) -> Result<(), Wrong> {
    let stays = open(stage, 0)?;
    let goes = open(stage, 0)?;
    let kept = stage.submit(&stays, factorial_of(10));
    let lost = [
        factorial_of(11),
        factorial_of(12),
        write(0, b"nobody waits for this"),
        event_after(0),
    ]
    .map(|operation| stage.submit(&goes, operation));
    stage.run_for(3)?;
    stage.host().close(&goes);
    for irp in &lost {
        // What the driver had, it may end with success: each has to end.
        stage.wait(irp)?;
    }
    stage.host().run_until(|_| goes.is_closed())?;
    finish(stage, 10, &kept, &[])?;
    factorials(stage, 0, &[4])
}

fn raised(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let first = stage.submit(&file, factorial_of(6));
    let raises = [stage.submit(&file, raise()), stage.submit(&file, raise())];
    let second = stage.submit(&file, factorial_of(8));
    for irp in &raises {
        finish_as(stage, "raising a cause", irp, &[], &[])?;
    }
    finish(stage, 6, &first, &[])?;
    finish(stage, 8, &second, &[])
}

fn every_request(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let word = size_of::<Word>();
    let liveness = control(ioctl::LIVENESS, 5_u32.to_le_bytes().to_vec(), word);
    let irp = stage.submit(&file, liveness);
    let outcome = stage.wait(&irp)?;
    // What is asked for is what the register says, and that of a removed device says this.
    if stage.is_undisturbed() || outcome.output != u32::MAX.to_le_bytes() {
        stage.expect("liveness", &outcome, &(!5_u32).to_le_bytes(), &[])?;
    }
    let all = size_of::<Statistics>();
    for (code, input, output) in [
        (ioctl::STATISTICS, 0, all),
        (ioctl::STATISTICS, 4, 4),
        (ioctl::STATISTICS, 0, all - 1),
        (ioctl::STATISTICS, 0, all + 1),
        (ioctl::INFORMATION, 0, 1),
        (ioctl::FACTORIAL, 3, 4),
        (ioctl::FACTORIAL, 8, 4),
        (ioctl::FACTORIAL, 4, 3),
        (ioctl::LIVENESS, 4, 0),
        (ioctl::RAISE, 4, 0),
        (ioctl::RAISE, 0, 0),
        (ioctl::WAIT_EVENT, 7, 32),
        (ioctl::WAIT_EVENT, 8, 31),
        (ioctl::STATISTICS ^ 0xFFC, 0, 0),
    ] {
        let irp = stage.submit(&file, control(code, vec![0; input], output));
        // Which error each is given has its own scenarios: here each only has to end.
        stage.wait(&irp)?;
    }
    let irp = stage.submit(&file, factorial_of(10));
    finish(stage, 10, &irp, &[])
}

fn watched(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let before = statistics(stage, &file)?;
    let numbers = [3, 12];
    let irps = numbers.map(|n| stage.submit(&file, factorial_of(n)));
    let others = [raise(), write(0, b"watched")].map(|operation| stage.submit(&file, operation));
    information(stage, &file)?;
    let during = statistics(stage, &file)?;
    for (irp, n) in irps.iter().zip(numbers) {
        finish(stage, n, irp, &[])?;
    }
    for irp in &others {
        finish_as(stage, "raising a cause, or writing", irp, &[], &[])?;
    }
    let after = statistics(stage, &file)?;
    if let (true, Some(before), Some(during), Some(after)) =
        (stage.is_undisturbed(), before, during, after)
    {
        let rises = before.interrupts <= during.interrupts && during.interrupts <= after.interrupts;
        if !rises || after.factorials_completed != 2 || after.transfers_completed != 1 {
            return Err(Wrong::Unexpected(format!(
                "two factorials and a transfer made of {before:?} first {during:?}, then {after:?}"
            )));
        }
    }
    Ok(())
}
