//! Causes that come together: what one DPC has to do for more than one of them.

use edu_spec::registers::{Causes, offset};
use kmdf_host::{
    device::{
        Bus, DeviceError, PciFunction, Width,
        wrapper::{Request, Wrapper},
    },
    explore::{Stage, Wrong},
};

use super::{
    Edu,
    requests::{event_after, factorial_of, finish, finish_as, finish_event, open, read, write},
};
use crate::{EduModel, model::SOFTWARE_CAUSE};

/// How long a device takes for the factorial of 12, and here for a transfer as well.
const DURATION_NS: u64 = 10_012;

pub(super) fn all() -> impl Iterator<Item = Edu> {
    let same_instant = |name, about| Edu {
        dma_ns: Some(DURATION_NS),
        ..Edu::new(name, about, same_instant)
    };
    let same_dpc = |name, about| Edu {
        raises_behind: true,
        ..Edu::new(name, about, same_dpc)
    };
    [
        same_instant(
            "same-instant",
            "factorials and transfers that are done at the same instant",
        ),
        same_instant("same-instant-line", "the same with a line-based interrupt").line(),
        same_dpc(
            "same-dpc",
            "factorials, and a wait for an event that comes with each before its DPC",
        ),
        same_dpc("same-dpc-line", "the same with a line-based interrupt").line(),
    ]
    .into_iter()
}

fn same_instant(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    for operation in [write(0, b"together"), read(64, 4)] {
        let output = if matches!(operation, kmdf_host::Operation::Read { .. }) {
            &[0; 4][..]
        } else {
            &[]
        };
        let moved = stage.submit(&file, operation);
        let computed = stage.submit(&file, factorial_of(12));
        finish(stage, 12, &computed, &[])?;
        finish_as(stage, "a transfer", &moved, output, &[])?;
    }
    Ok(())
}

fn same_dpc(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let mut seen = 0;
    for n in [5, 12] {
        let wait = stage.submit(&file, event_after(seen));
        let computed = stage.submit(&file, factorial_of(n));
        finish(stage, n, &computed, &[])?;
        // Where something else happened to the factorial, its interrupt may not have been acknowledged by
        // an ISR: then there is no event.
        if !stage.is_undisturbed() {
            return Ok(());
        }
        match finish_event(stage, &wait, seen + 1, &[])? {
            Some(number) => seen = number,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// The model, and somebody who raises a cause as soon as that of a factorial is acknowledged: the ISR runs
/// twice before its DPC.
pub(super) struct RaisesBehind(pub(super) EduModel);

impl Wrapper for RaisesBehind {
    fn look<R>(&self, body: impl FnOnce(&dyn PciFunction) -> R) -> R {
        body(&self.0)
    }

    fn perform(&mut self, bus: &mut dyn Bus, request: Request<'_>) -> Result<u64, DeviceError> {
        let value = request.perform(&mut self.0, bus)?;
        if acknowledges_factorial(request) {
            self.0.write(
                bus,
                0,
                offset::INTERRUPT_RAISE as u64,
                Width::Dword,
                SOFTWARE_CAUSE.into(),
            )?;
        }
        Ok(value)
    }
}

fn acknowledges_factorial(request: Request<'_>) -> bool {
    const FACTORIAL: u64 = Causes::FACTORIAL.bits() as u64;
    matches!(
        request,
        Request::Write { bar: 0, offset: offset_in_bar, value, .. }
            if offset_in_bar == offset::INTERRUPT_ACKNOWLEDGE as u64 && value & FACTORIAL != 0
    )
}
