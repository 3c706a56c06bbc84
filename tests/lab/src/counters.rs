//! What the driver has counted, beside what was seen from outside.
//!
//! A driver that makes good what it has done wrong, by a watchdog for one, hides it: each request ends as
//! it should. Its counters show it.

use edu_spec::{ioctl, wire::Statistics};
use kmdf_host::{Counts, Irp, Major};

/// One thing that is counted: its name, what the driver counts, and the least and the most it may be.
type Row = (&'static str, u64, u64, u64);

/// Compares the counters of the driver, one set for each device, with what the host had counted before and
/// after they were read, and with the requests that were sent. Before, everything was at rest: no interrupt,
/// no DPC, no engine at work.
///
/// # Errors
/// What differs.
pub fn agree<'a>(
    statistics: &[Statistics],
    before: &Counts,
    after: &Counts,
    requests: impl IntoIterator<Item = &'a Irp>,
) -> Result<(), String> {
    let sum = |count: fn(&Statistics) -> u64| statistics.iter().map(count).sum::<u64>();
    let isr_calls = sum(|of| of.isr_calls);
    let interrupts = sum(|of| of.interrupts);
    let (mut factorials, mut transfers) = (0, 0);
    for irp in requests {
        if irp
            .outcome()
            .is_some_and(|outcome| outcome.status.is_success())
        {
            match irp.major {
                Major::DeviceControl if irp.code == ioctl::FACTORIAL => factorials += 1,
                Major::Read if irp.output_length > 0 => transfers += 1,
                Major::Write if !irp.input.is_empty() => transfers += 1,
                _ => {}
            }
        }
    }
    let dpc_calls = sum(|of| of.dpc_calls);
    // The host counts all work items; those of interrupts are among them.
    let dpcs_until = |counts: &Counts| counts.dpc_calls + counts.work_item_calls;
    // Where an interrupt came while the counters were read, its DPC may be on its way.
    let nothing_came = before.isr_calls == after.isr_calls;
    let (least_queued, most_queued) = if nothing_came {
        (dpc_calls, dpc_calls)
    } else {
        (before.dpc_calls, interrupts)
    };
    let rows: [Row; 9] = [
        ("isr_calls", isr_calls, before.isr_calls, after.isr_calls),
        (
            "interrupts",
            interrupts,
            before.isr_claims,
            after.isr_claims,
        ),
        ("dpc_calls", dpc_calls, before.dpc_calls, dpcs_until(after)),
        (
            "dpcs_queued",
            sum(|of| of.dpcs_queued),
            least_queued,
            most_queued,
        ),
        // While interrupts are connected or disconnected, an ISR queues nothing.
        (
            "dpcs_queued and dpcs_already_queued",
            sum(|of| of.dpcs_queued + of.dpcs_already_queued),
            0,
            interrupts,
        ),
        (
            "interrupts, not_ours and device_removed",
            sum(|of| of.interrupts + of.not_ours + of.device_removed),
            isr_calls,
            isr_calls,
        ),
        (
            "snapshots_taken and snapshots_overwritten",
            sum(|of| of.snapshots_taken + of.snapshots_overwritten),
            before.isr_claims,
            interrupts,
        ),
        (
            "factorials_completed",
            sum(|of| of.factorials_completed),
            factorials,
            factorials,
        ),
        (
            "transfers_completed",
            sum(|of| of.transfers_completed),
            transfers,
            transfers,
        ),
    ];
    find(&rows)
}

/// Whether the driver had to make anything good on devices that did everything right.
///
/// # Errors
/// What it had to.
pub fn nothing_made_good(statistics: &[Statistics]) -> Result<(), String> {
    let sum = |count: fn(&Statistics) -> u64| statistics.iter().map(count).sum::<u64>();
    find(&[
        ("interrupts_missed", sum(|of| of.interrupts_missed), 0, 0),
        ("timeouts", sum(|of| of.timeouts), 0, 0),
        ("device_removed", sum(|of| of.device_removed), 0, 0),
    ])
}

/// Whether the driver has allocated pool beyond what each of its devices may when it is added: nothing in
/// an ISR, a DPC or for a request.
///
/// # Errors
/// How often it has.
pub fn nothing_allocated(counts: &Counts, devices: usize) -> Result<(), String> {
    let allocations = counts.pool_allocations;
    if allocations == 0 || allocations == devices as u64 {
        return Ok(());
    }
    Err(format!(
        "{allocations} pool allocations, and {devices} devices, each of which may have one"
    ))
}

fn find(rows: &[Row]) -> Result<(), String> {
    let wrong = rows
        .iter()
        .find(|&&(_, counted, least, most)| counted < least || counted > most);
    match wrong {
        None => Ok(()),
        Some((name, counted, least, most)) if least == most => Err(format!(
            "the driver counts {counted} {name}; from outside {least} were seen"
        )),
        Some((name, counted, least, most)) => Err(format!(
            "the driver counts {counted} {name}; from outside {least} to {most} were seen"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_has_seen_and_the_driver_has_not_is_told() {
        let seen = Counts {
            isr_calls: 2,
            isr_claims: 2,
            dpc_calls: 1,
            ..Counts::default()
        };
        let mut statistics = Statistics {
            isr_calls: 2,
            interrupts: 2,
            dpcs_queued: 1,
            dpcs_already_queued: 1,
            dpc_calls: 1,
            snapshots_taken: 2,
            ..Statistics::default()
        };
        assert_eq!(agree(&[statistics], &seen, &seen, []), Ok(()));
        statistics.snapshots_taken = 1;
        let error = agree(&[statistics], &seen, &seen, []).unwrap_err();
        assert!(error.contains("1 snapshots_taken and"), "{error}");
    }

    #[test]
    fn an_allocation_for_a_request_is_told() {
        let counts = |pool_allocations| Counts {
            pool_allocations,
            ..Counts::default()
        };
        assert_eq!(nothing_allocated(&counts(2), 2), Ok(()));
        assert!(nothing_allocated(&counts(3), 2).is_err());
    }

    #[test]
    fn an_interrupt_that_the_watchdog_made_good_is_told() {
        let statistics = Statistics {
            interrupts_missed: 1,
            ..Statistics::default()
        };
        assert!(nothing_made_good(&[Statistics::default(), statistics]).is_err());
    }
}
