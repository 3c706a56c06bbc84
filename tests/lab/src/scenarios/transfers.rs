//! ReadFile and WriteFile.

use kmdf_host::{
    explore::{Stage, Wrong},
    ntstatus::STATUS_CANCELLED,
};

use super::{
    Edu,
    factorials::factorial_and_transfer,
    requests::{finish_as, open, read, write},
};

pub(super) fn all() -> impl Iterator<Item = Edu> {
    [
        Edu::new("dma", "writes and reads, several queued", transfers),
        Edu::new(
            "dma-line",
            "writes and reads with a line-based interrupt",
            transfers,
        )
        .line(),
        Edu::new(
            "dma-cancel",
            "a write canceled while it runs, one that waits canceled, and one after them",
            canceled,
        ),
        Edu::new(
            "dma-two-messages",
            "a transfer beside a factorial, each with its own message",
            factorial_and_transfer,
        )
        .two_messages(),
        Edu::new(
            "dma-bounds",
            "transfers at the buffer's end, behind it, and of no length",
            bounds,
        ),
    ]
    .into_iter()
}

fn transfers(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let writes =
        [write(0, b"first"), write(100, b"second")].map(|operation| stage.submit(&file, operation));
    let early = stage.submit(&file, read(200, 16));
    for irp in &writes {
        finish_as(stage, "a write", irp, &[], &[])?;
    }
    finish_as(stage, "a read of what nobody wrote", &early, &[0; 16], &[])?;
    // A write that was disturbed may not have happened.
    if stage.is_undisturbed() {
        let reads = [
            (stage.submit(&file, read(0, 5)), &b"first"[..]),
            (stage.submit(&file, read(100, 6)), b"second"),
        ];
        for (irp, data) in &reads {
            finish_as(stage, "a read", irp, data, &[])?;
        }
    }
    Ok(())
}

fn canceled(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let running = stage.submit(&file, write(0, b"canceled while it runs"));
    let waiting = stage.submit(&file, write(0, b"canceled before"));
    let other = stage.submit(&file, write(64, b"goes on"));
    stage.run_for(2)?;
    stage.host().cancel(&running);
    stage.host().cancel(&waiting);
    for irp in [&running, &waiting] {
        finish_as(stage, "a canceled write", irp, &[], &[STATUS_CANCELLED])?;
    }
    finish_as(stage, "a write", &other, &[], &[])?;
    let back = stage.submit(&file, read(64, 7));
    let outcome = stage.wait(&back)?;
    if stage.is_undisturbed() {
        stage.expect("a read", &outcome, b"goes on", &[])?;
    }
    Ok(())
}

fn bounds(stage: &Stage<'_>) -> Result<(), Wrong> {
    /// The last byte that every QEMU survives.
    const LAST: u64 = 4094;
    let file = open(stage, 0)?;
    let irp = stage.submit(&file, write(LAST, b"!"));
    finish_as(stage, "a write of the last byte", &irp, &[], &[])?;
    for operation in [
        read(LAST, 2),
        read(LAST + 1, 1),
        read(u64::MAX, 1),
        read(0, 0),
        write(0, &[]),
        write(1, &[0; 4095]),
    ] {
        let irp = stage.submit(&file, operation);
        // Which error each is given has its own scenarios: here each only has to end.
        stage.wait(&irp)?;
    }
    Ok(())
}
