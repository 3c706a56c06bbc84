//! Whether the driver's counters agree with what became of the requests.

use edu_spec::wire::Statistics;
use zerocopy::transmute;

use super::tally::Tally;
use crate::commands::stats::{COUNTERS, counts};

/// How far each counter rose, or which one fell.
pub type Rise = Result<Statistics, String>;

/// How far each counter rose between two readings.
///
/// # Errors
/// Which counter fell.
pub fn rise(before: &Statistics, after: &Statistics) -> Rise {
    for counter in &COUNTERS {
        let (before, after) = ((counter.value)(before), (counter.value)(after));
        if after < before {
            return Err(format!(
                "{} fell from {before} to {after}: the device was started anew meanwhile",
                counter.name
            ));
        }
    }
    let mut difference = counts(after);
    for (after, before) in difference.iter_mut().zip(counts(before)) {
        *after = after.saturating_sub(before);
    }
    Ok(transmute!(difference))
}

/// What does not agree, for people; nothing if all does. To be asked only when nobody else used
/// the device.
#[must_use]
pub fn disagreements(rise: &Rise, tally: &Tally) -> Vec<String> {
    let rise = match rise {
        Ok(rise) => rise,
        Err(fell) => return vec![fell.clone()],
    };
    let with_result = tally.right + tally.wrong;
    let rules = [
        (
            ("factorials_completed", rise.factorials_completed),
            ("requests completed with a result", with_result),
        ),
        (
            (
                "factorial_causes + interrupts_missed",
                rise.factorial_causes.saturating_add(rise.interrupts_missed),
            ),
            (
                "factorials_completed + stray_factorials",
                rise.factorials_completed
                    .saturating_add(rise.stray_factorials),
            ),
        ),
        (
            ("interrupts", rise.interrupts),
            (
                "factorial_causes, as this program raises no other",
                rise.factorial_causes,
            ),
        ),
        (
            ("isr_calls", rise.isr_calls),
            (
                "interrupts + not_ours + device_removed",
                rise.interrupts
                    .saturating_add(rise.not_ours)
                    .saturating_add(rise.device_removed),
            ),
        ),
        (
            (
                "dpcs_queued + dpcs_already_queued",
                rise.dpcs_queued.saturating_add(rise.dpcs_already_queued),
            ),
            ("interrupts", rise.interrupts),
        ),
        (
            (
                "snapshots_taken + snapshots_overwritten",
                rise.snapshots_taken
                    .saturating_add(rise.snapshots_overwritten),
            ),
            ("interrupts", rise.interrupts),
        ),
        (
            ("dpc_calls", rise.dpc_calls),
            ("dpcs_queued", rise.dpcs_queued),
        ),
        (
            ("events", rise.events),
            ("software_causes", rise.software_causes),
        ),
        (
            ("dma_causes", rise.dma_causes),
            (
                "transfers_completed + stray_transfers",
                rise.transfers_completed
                    .saturating_add(rise.stray_transfers),
            ),
        ),
    ];
    rules
        .into_iter()
        .filter(|((_, left), (_, right))| left != right)
        .map(|((left_name, left), (right_name, right))| {
            format!("{left_name} rose by {left}, but {right_name}: {right}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thousand() -> (Statistics, Tally) {
        let statistics = Statistics {
            isr_calls: 1010,
            interrupts: 1000,
            not_ours: 10,
            dpcs_queued: 990,
            dpcs_already_queued: 10,
            dpc_calls: 990,
            factorial_causes: 1000,
            factorials_completed: 1000,
            snapshots_taken: 998,
            snapshots_overwritten: 2,
            ..Statistics::default()
        };
        let tally = Tally {
            submitted: 1000,
            completed: 1000,
            right: 999,
            wrong: 1,
            ..Tally::default()
        };
        (statistics, tally)
    }

    #[test]
    fn counters_that_agree_give_no_disagreement() {
        let (statistics, tally) = thousand();
        assert_eq!(disagreements(&Ok(statistics), &tally), [""; 0]);
    }

    #[test]
    fn each_counter_that_is_off_by_one_is_noticed() {
        let (statistics, tally) = thousand();
        let changes: [fn(&mut Statistics); 18] = [
            |s| s.isr_calls += 1,
            |s| s.interrupts += 1,
            |s| s.not_ours += 1,
            |s| s.device_removed += 1,
            |s| s.dpcs_queued += 1,
            |s| s.dpcs_already_queued += 1,
            |s| s.dpc_calls += 1,
            |s| s.factorial_causes += 1,
            |s| s.factorials_completed += 1,
            |s| s.snapshots_taken += 1,
            |s| s.snapshots_overwritten += 1,
            |s| s.stray_factorials += 1,
            |s| s.interrupts_missed += 1,
            |s| s.events += 1,
            |s| s.software_causes += 1,
            |s| s.dma_causes += 1,
            |s| s.transfers_completed += 1,
            |s| s.stray_transfers += 1,
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut off = statistics;
            change(&mut off);
            assert!(!disagreements(&Ok(off), &tally).is_empty(), "{index}");
        }
    }

    #[test]
    fn a_factorial_that_the_watchdog_completed_has_no_cause() {
        let (mut statistics, mut tally) = thousand();
        statistics.interrupts_missed += 1;
        statistics.factorials_completed += 1;
        tally.right += 1;
        assert_eq!(disagreements(&Ok(statistics), &tally), [""; 0]);
    }

    #[test]
    fn a_counter_that_fell_means_a_restart() {
        let (statistics, tally) = thousand();
        let rise = rise(&statistics, &Statistics::default());
        let found = disagreements(&rise, &tally);
        assert_eq!(
            found,
            ["isr_calls fell from 1010 to 0: the device was started anew meanwhile"]
        );
    }

    #[test]
    fn the_rise_is_the_difference() {
        let (statistics, _) = thousand();
        assert_eq!(rise(&Statistics::default(), &statistics), Ok(statistics));
        assert_eq!(rise(&statistics, &statistics), Ok(Statistics::default()));
    }
}
