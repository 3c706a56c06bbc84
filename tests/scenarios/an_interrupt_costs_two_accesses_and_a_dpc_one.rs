//! What a serviced interrupt costs in register accesses, each of which leaves the processor.

use edu_spec::registers::offset;
use edu_tests::{Bench, bench::EVERYWHERE, for_each_seed, timeline::calls_of};

const STATUS: u64 = offset::INTERRUPT_STATUS as u64;
const ACKNOWLEDGE: u64 = offset::INTERRUPT_ACKNOWLEDGE as u64;
const FACTORIAL: u64 = offset::FACTORIAL as u64;

#[test]
fn the_isr_reads_once_and_writes_once_and_the_dpc_reads_the_result_once() {
    for (kind, interrupts) in EVERYWHERE {
        for_each_seed(3, |seed| {
            let lab = Bench::of(kind).interrupts(interrupts).seed(seed).boot();
            let file = lab.open();
            // One at a time: the DPC of the last one presents no other.
            for n in 3..13 {
                assert_eq!(lab.factorial(&file, n), Ok(edu_tests::bench::factorial(n)));
            }
            let records = lab.shut_down().records;
            let claimed: Vec<_> = calls_of(&records, "EvtInterruptIsr")
                .into_iter()
                .filter(|call| call.value == Some(1))
                .collect();
            assert_eq!(claimed.len(), 10, "{kind:?}, {interrupts:?}");
            for call in claimed {
                assert_eq!(call.reads, [STATUS], "{kind:?}, {interrupts:?}");
                assert_eq!(call.writes, [ACKNOWLEDGE], "{kind:?}, {interrupts:?}");
            }
            let dpcs = calls_of(&records, "EvtInterruptDpc");
            assert_eq!(dpcs.len(), 10, "{kind:?}, {interrupts:?}");
            for call in dpcs {
                assert_eq!(call.reads, [FACTORIAL], "{kind:?}, {interrupts:?}");
                assert!(call.writes.is_empty(), "{kind:?}, {interrupts:?}");
            }
        });
    }
}

#[test]
fn an_interrupt_of_somebody_else_costs_one_read() {
    use edu_model::{Config, Faults};
    let config = Config {
        faults: Faults {
            spurious_every_ns: std::num::NonZeroU64::new(1_000_000),
            ..Faults::default()
        },
        ..Config::default()
    };
    let lab = Bench::model(config).boot();
    let file = lab.open();
    let from = lab.records().len();
    lab.run_until(|| calls_of(&lab.records_since(from), "EvtInterruptIsr").len() > 20);
    assert!(lab.statistics(&file).not_ours >= 20);
    let foreign = calls_of(&lab.records_since(from), "EvtInterruptIsr");
    for call in foreign.iter().filter(|call| call.value.is_some()) {
        assert_eq!(call.value, Some(0), "FALSE");
        assert_eq!(call.reads, [STATUS]);
        assert!(call.writes.is_empty());
    }
    let records = lab.shut_down().records;
    assert_eq!(
        calls_of(&records, "EvtInterruptDpc"),
        [],
        "no DPC for nothing"
    );
}
