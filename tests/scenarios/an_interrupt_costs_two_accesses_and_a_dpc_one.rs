//! What a serviced interrupt costs in register accesses, each of which leaves the processor.

use edu_model::{Config, Faults, Messages};
use edu_spec::registers::offset;
use edu_tests::{
    Bench, Lab,
    bench::{EVERYWHERE, Kind, factorial},
    doctored, for_each_seed, found,
    timeline::{Call, calls_of},
};
use kmdf_host::Interrupts;

const STATUS: u64 = offset::INTERRUPT_STATUS as u64;
const ACKNOWLEDGE: u64 = offset::INTERRUPT_ACKNOWLEDGE as u64;
const FACTORIAL: u64 = offset::FACTORIAL as u64;
const DMA_COMMAND: u64 = offset::DMA_COMMAND as u64;

/// Has the device interrupt for each of its causes, one interrupt at a time, and counts what servicing
/// them takes: in the ISR, in what the ISR queues, and in the DMA queue's own DPC.
fn count(lab: Lab, deferred: &str, run: &str) {
    let file = lab.open();
    for n in 3..8 {
        assert_eq!(lab.factorial(&file, n), Ok(factorial(n)), "{run}");
    }
    for cursor in 0..3 {
        assert_eq!(lab.raise(&file, 0x10), Ok(()), "{run}");
        assert!(lab.wait_event(&file, cursor).is_ok(), "{run}");
    }
    assert_eq!(lab.write(&file, 0, b"abc"), Ok(3), "{run}");
    assert_eq!(lab.read(&file, 0, 3).as_deref(), Ok(&b"abc"[..]), "{run}");
    let records = lab.shut_down().records;

    let mut claimed = calls_of(&records, "EvtInterruptIsr");
    claimed.retain(|call| call.claimed() == Some(true));
    assert_eq!(claimed.len(), 10, "{run}");
    for call in claimed {
        assert_eq!(call.reads, [STATUS], "{run}");
        assert_eq!(call.writes, [ACKNOWLEDGE], "{run}");
    }
    let read_by = |callback| -> Vec<Vec<u64>> {
        let calls = calls_of(&records, callback);
        assert!(
            calls.iter().all(|call: &Call| call.writes.is_empty()),
            "{run}"
        );
        calls.into_iter().map(|call| call.reads).collect()
    };
    // The result of each factorial, and nothing for events and transfers.
    let mut expected = vec![vec![FACTORIAL]; 5];
    expected.resize(10, Vec::new());
    assert_eq!(read_by(deferred), expected, "{run}");
    assert_eq!(
        read_by("EvtDpcFunc"),
        [[DMA_COMMAND], [DMA_COMMAND]],
        "{run}"
    );
}

#[test]
fn the_isr_reads_once_and_writes_once_and_the_dpc_reads_the_result_once() {
    for (kind, interrupts) in EVERYWHERE {
        for_each_seed(3, |seed| {
            let lab = Bench::of(kind).interrupts(interrupts).seed(seed).boot();
            count(lab, "EvtInterruptDpc", &format!("{kind:?}, {interrupts:?}"));
        });
    }
}

#[test]
fn with_two_messages_it_is_the_same() {
    for interrupts in [Interrupts::AsInstalled, Interrupts::OneMessage] {
        for_each_seed(5, |seed| {
            let lab = Bench::model(Config {
                messages: Messages::Two,
                ..Config::default()
            })
            .interrupts(interrupts)
            .seed(seed)
            .boot();
            count(lab, "EvtInterruptDpc", &format!("{interrupts:?}"));
        });
    }
}

#[test]
fn at_passive_level_it_is_the_same_in_the_work_item_and_in_the_dpc() {
    let with_dpc = doctored::inf_at(
        &found::passive_inf(),
        "InterruptPassiveDpc, 0x00010001, 0",
        "InterruptPassiveDpc, 0x00010001, 1",
    );
    for kind in [Kind::Model, Kind::Qemu] {
        for_each_seed(3, |seed| {
            let work_item = Bench::of(kind).inf(found::passive_inf()).seed(seed);
            count(
                work_item.boot(),
                "EvtInterruptWorkItem",
                &format!("{kind:?}"),
            );
            let dpc = Bench::of(kind).inf(with_dpc.path()).seed(seed);
            count(dpc.boot(), "EvtInterruptDpc", &format!("{kind:?}"));
        });
    }
}

#[test]
fn an_interrupt_of_somebody_else_costs_one_read() {
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
        assert_eq!(call.claimed(), Some(false));
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
