//! The same binary, installed from another INF: the ISR at PASSIVE_LEVEL, the work in
//! EvtInterruptWorkItem, or in EvtInterruptDpc.

use edu_tests::{
    Bench, Lab,
    bench::{Kind, factorial},
    doctored::{self, Doctored},
    for_each_seed, found,
    timeline::calls_of,
};
use kmdf_host::{Event, Irql, Record};

/// The INF that has the work done in EvtInterruptDpc.
fn inf_with_dpc() -> Doctored {
    doctored::inf_at(
        &found::passive_inf(),
        "InterruptPassiveDpc, 0x00010001, 0",
        "InterruptPassiveDpc, 0x00010001, 1",
    )
}

/// The IRQLs at which a callback was entered.
fn levels(records: &[Record], name: &str) -> Vec<Irql> {
    records
        .iter()
        .filter(|record| matches!(record.event, Event::Enter { callback, .. } if callback == name))
        .map(|record| record.irql)
        .collect()
}

fn works(lab: &Lab) {
    let file = lab.open();
    let information = lab.information(&file);
    assert_eq!(information.interrupt_count, 1);
    assert_eq!(information.interrupts[0].message_signaled, 0);
    assert_eq!(information.interrupts[0].irql, 0, "PASSIVE_LEVEL");
    let irps: Vec<_> = (0..10).map(|n| lab.submit_factorial(&file, n)).collect();
    lab.wait_for(&irps);
    for (irp, n) in irps.iter().zip(0..) {
        let outcome = irp.outcome().expect("it has ended");
        assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{n}!");
    }
    assert_eq!(lab.raise(&file, 0x10), Ok(()));
    assert_eq!(
        lab.wait_event(&file, 0).map(|event| event.causes.bits()),
        Ok(0x10)
    );
    assert_eq!(lab.write(&file, 0, b"abc"), Ok(3));
    assert_eq!(lab.read(&file, 0, 3).as_deref(), Ok(&b"abc"[..]));
    let statistics = lab.statistics(&file);
    assert_eq!(statistics.factorials_completed, 10);
    assert_eq!(statistics.transfers_completed, 2);
    assert_eq!(statistics.interrupts_missed, 0);
}

#[test]
fn the_work_is_done_in_the_work_item_at_passive_level() {
    for kind in [Kind::Model, Kind::Qemu] {
        for processors in [1, 2, 4] {
            let seeds = if kind == Kind::Model { 6 } else { 1 };
            for_each_seed(seeds, |seed| {
                let lab = Bench::of(kind)
                    .inf(found::passive_inf())
                    .processors(processors)
                    .seed(seed)
                    .boot();
                works(&lab);
                let records = lab.shut_down().records;
                for name in ["EvtInterruptIsr", "EvtInterruptWorkItem"] {
                    let levels = levels(&records, name);
                    assert!(levels.len() >= 10, "{name}: {}", levels.len());
                    assert!(levels.iter().all(|&level| level == Irql::PASSIVE), "{name}");
                }
                assert_eq!(calls_of(&records, "EvtInterruptDpc"), []);
            });
        }
    }
}

#[test]
fn the_work_is_done_in_the_dpc_if_the_second_value_says_so() {
    let inf = inf_with_dpc();
    for processors in [1, 2, 4] {
        for_each_seed(6, |seed| {
            let lab = Bench::of(Kind::Model)
                .inf(inf.path())
                .processors(processors)
                .seed(seed)
                .boot();
            works(&lab);
            let records = lab.shut_down().records;
            let isr = levels(&records, "EvtInterruptIsr");
            assert!(isr.len() >= 10 && isr.iter().all(|&level| level == Irql::PASSIVE));
            let dpc = levels(&records, "EvtInterruptDpc");
            assert!(dpc.len() >= 10 && dpc.iter().all(|&level| level == Irql::DISPATCH));
            assert_eq!(calls_of(&records, "EvtInterruptWorkItem"), []);
        });
    }
}
