//! Devices that do not answer.

use edu_model::Faults;
use kmdf_host::{
    explore::{Stage, Wrong},
    ntstatus::STATUS_IO_TIMEOUT,
};

use super::{
    Edu,
    requests::{factorial_of, finish, finish_as, open, write},
};

pub(super) fn all() -> impl Iterator<Item = Edu> {
    let broken = |faults: fn(&mut Faults), scenario: Edu| {
        let mut scenario = scenario;
        faults(&mut scenario.faults);
        scenario
    };
    [
        broken(
            |faults| faults.factorial_hangs = true,
            Edu::new(
                "factorial-hangs",
                "a factorial that never ends, and one behind it",
                hanging_factorial,
            ),
        ),
        broken(
            |faults| faults.dma_hangs = true,
            Edu::new(
                "dma-hangs",
                "a transfer that never ends, and a factorial beside it",
                hanging_transfer,
            ),
        ),
        broken(
            |faults| faults.mute = true,
            Edu::new(
                "mute",
                "a device whose interrupts never come",
                without_interrupts,
            ),
        ),
    ]
    .into_iter()
}

fn hanging_factorial(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let irps = [5, 12].map(|n| stage.submit(&file, factorial_of(n)));
    for irp in &irps {
        let outcome = stage.wait(irp)?;
        if outcome.status.is_success() {
            let text = "a factorial that never ends, ended".to_owned();
            return Err(Wrong::Unexpected(text));
        }
        stage.expect("the factorial", &outcome, &[], &[STATUS_IO_TIMEOUT])?;
    }
    Ok(())
}

fn hanging_transfer(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let written = stage.submit(&file, write(0, b"never"));
    let computed = stage.submit(&file, factorial_of(6));
    finish(stage, 6, &computed, &[])?;
    finish_as(stage, "a write", &written, &[], &[STATUS_IO_TIMEOUT])
}

fn without_interrupts(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let computed = stage.submit(&file, factorial_of(6));
    let written = stage.submit(&file, write(0, b"quietly"));
    finish(stage, 6, &computed, &[])?;
    finish_as(stage, "a write", &written, &[], &[])
}
