//! What the INF and the registry say: passive-level handling, late creation, policy.

use edu_model::Messages;
use kmdf_host::explore::{Stage, Wrong};

use super::{
    Edu, LATE,
    requests::{
        event_after, factorial_of, finish, finish_as, finish_event, open, raise, raise_event, write,
    },
};

/// The INF for passive-level handling, beside the other one.
const PASSIVE: Option<&str> = Some("edu_kmdf_passive.inx");

pub(super) fn all() -> impl Iterator<Item = Edu> {
    [
        Edu {
            inf: PASSIVE,
            ..Edu::new(
                "passive",
                "everything, interrupts at PASSIVE_LEVEL with a work item",
                everything,
            )
        },
        Edu {
            inf: PASSIVE,
            registry: &[("InterruptPassiveDpc", 1)],
            ..Edu::new(
                "passive-dpc",
                "everything, interrupts at PASSIVE_LEVEL with a DPC",
                everything,
            )
        },
        Edu {
            registry: &[(LATE, 1)],
            ..Edu::new(
                "late",
                "everything, interrupt objects created in EvtDevicePrepareHardware",
                everything,
            )
        },
        Edu {
            registry: &[(LATE, 1)],
            messages: Messages::Two,
            ..Edu::new(
                "late-two-messages",
                "the same with two messages",
                everything,
            )
        },
        Edu {
            registry: &[("InterruptProcessors", 2), ("InterruptPriority", 3)],
            ..Edu::new(
                "policy",
                "everything, interrupts for one processor and with high priority",
                everything,
            )
        },
    ]
    .into_iter()
}

fn everything(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = open(stage, 0)?;
    let wait = stage.submit(&file, event_after(0));
    let computed = [5, 9].map(|n| (n, stage.submit(&file, factorial_of(n))));
    let written = stage.submit(&file, write(0, b"everything"));
    let raised = stage.submit(&file, raise());
    for (n, irp) in &computed {
        finish(stage, *n, irp, &[])?;
    }
    finish_as(stage, "a write", &written, &[], &[])?;
    finish_as(stage, "raising a cause", &raised, &[], &[])?;
    if raise_event(stage, &file, &wait)? {
        finish_event(stage, &wait, 1, &[])?;
    }
    Ok(())
}
