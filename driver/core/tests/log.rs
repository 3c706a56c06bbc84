//! What the ISR records and the DPC takes.

use edu_driver_core::log::{Counts, Log, SNAPSHOTS, Taken};
use edu_driver_core::ring::{Ring, Snapshot};
use edu_spec::registers::Causes;
use edu_spec::wire::Statistics;
use proptest::prelude::*;

fn snapshot(sequence: u64, causes: u32) -> Snapshot {
    Snapshot {
        sequence,
        causes: Causes::from_bits_retain(causes),
        message: 0,
    }
}

/// What happened, oldest first.
fn history(taken: &Taken) -> impl Iterator<Item = Snapshot> + '_ {
    taken.forgotten().into_iter().chain(taken.remembered())
}

proptest! {
    #[test]
    fn no_cause_is_lost_however_many_interrupts_come_before_a_dpc(
        bursts in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..40), 1..20)
    ) {
        let mut log = Log::default();
        let mut statistics = Statistics::default();
        let mut sequence = 0;
        for burst in &bursts {
            for &causes in burst {
                sequence += 1;
                log.record(snapshot(sequence, causes));
            }
            let taken = log.take();
            let all = burst.iter().fold(0, |all, causes| all | causes);
            prop_assert_eq!(taken.causes().bits(), all);
            taken.counts().add_to(&mut statistics);
            statistics.snapshots_taken += taken.snapshots() as u64;
            let history = history(&taken).fold(0, |all, snapshot| all | snapshot.causes.bits());
            prop_assert_eq!(history, all);
        }
        prop_assert_eq!(statistics.interrupts, sequence);
        prop_assert_eq!(
            statistics.snapshots_taken + statistics.snapshots_overwritten,
            statistics.interrupts
        );
    }

    #[test]
    fn the_ring_keeps_the_latest_in_order(pushes in 0_u64..50) {
        let mut ring = Ring::<SNAPSHOTS>::new();
        let mut expected = std::collections::VecDeque::new();
        for sequence in 0..pushes {
            let overwritten = ring.push(snapshot(sequence, 1));
            expected.push_back(sequence);
            let oldest = (expected.len() > SNAPSHOTS).then(|| expected.pop_front()).flatten();
            prop_assert_eq!(overwritten.map(|snapshot| snapshot.sequence), oldest);
        }
        prop_assert!(ring.iter().map(|snapshot| snapshot.sequence).eq(expected.iter().copied()));
        prop_assert_eq!(ring.len(), expected.len());
        prop_assert_eq!(ring.is_empty(), expected.is_empty());
    }
}

#[test]
fn a_second_dpc_finds_nothing_left() {
    let mut log = Log::default();
    log.record(snapshot(1, 0x101));
    log.dpc_queued(true);
    assert_eq!(log.take().snapshots(), 1);
    let second = log.take();
    assert!(second.causes().is_empty());
    assert_eq!(second.snapshots(), 0);
    assert_eq!(*second.counts(), Counts::default());
}

#[test]
fn taking_the_counts_leaves_the_work_to_the_dpc() {
    let mut log = Log::default();
    log.record(snapshot(1, 0x1));
    let mut statistics = Statistics::default();
    log.take_counts().add_to(&mut statistics);
    assert_eq!(statistics.interrupts, 1);
    let taken = log.take();
    assert_eq!(taken.causes(), Causes::FACTORIAL);
    assert_eq!(taken.snapshots(), 1);
    taken.counts().add_to(&mut statistics);
    assert_eq!(statistics.interrupts, 1, "counted once");
}

#[test]
fn each_call_of_the_isr_is_counted_as_what_it_found() {
    let mut log = Log::default();
    log.record(snapshot(1, 0x1));
    log.dpc_queued(true);
    log.record(snapshot(2, 0x102));
    log.dpc_queued(false);
    log.not_ours();
    log.device_removed();
    let mut statistics = Statistics::default();
    log.take_counts().add_to(&mut statistics);
    let expected = Statistics {
        isr_calls: 4,
        interrupts: 2,
        not_ours: 1,
        device_removed: 1,
        dpcs_queued: 1,
        dpcs_already_queued: 1,
        factorial_causes: 1,
        dma_causes: 1,
        software_causes: 1,
        ..Statistics::default()
    };
    assert_eq!(statistics, expected);
}

#[test]
fn a_log_handed_over_in_parts_is_the_same_as_one_kept() {
    let mut kept = Log::default();
    let mut handed_over = Log::default();
    for sequence in 1..30 {
        kept.record(snapshot(sequence, 1 << (sequence % 20)));
        let mut part = Log::default();
        part.record(snapshot(sequence, 1 << (sequence % 20)));
        handed_over.absorb(part.take());
    }
    let (kept, handed_over) = (kept.take(), handed_over.take());
    assert_eq!(kept.causes(), handed_over.causes());
    assert_eq!(kept.counts(), handed_over.counts());
    assert!(history(&kept).eq(history(&handed_over)));
}
