//! Several interrupts before one DPC: the DPC takes them all, and a ring that is too small forgets
//! history, never work.

use edu_lab::EduModel;
use edu_model::Config;
use edu_spec::registers::offset;
use edu_tests::{
    Bench, Lab,
    bench::{EVERYWHERE, Kind, qemu},
    for_each_seed,
    tamper::{Act, Moment, Tampered},
    timeline::calls_of,
};
use kmdf_host::{
    Event, Interrupts, Record,
    device::{PciFunction, Width},
};

/// A cause that nothing but these scenarios raises.
const CAUSE: u32 = 0x0001_0000;

/// Each time the driver acknowledges, the device interrupts again, `times` times in all: the ISR
/// runs that often more before any DPC can.
fn insistent(times: u32) -> Act {
    let mut left = times;
    Box::new(move |moment, function, bus| {
        if moment == Moment::Written(offset::INTERRUPT_ACKNOWLEDGE as u64) && left > 0 {
            left -= 1;
            let raise = offset::INTERRUPT_RAISE as u64;
            function.write(bus, 0, raise, Width::Dword, CAUSE.into())?;
        }
        Ok(())
    })
}

fn lab(kind: Kind, interrupts: Interrupts, seed: Option<u64>, times: u32) -> Lab {
    let device: Box<dyn PciFunction> = match kind {
        Kind::Model => Box::new(EduModel::new(Config::default())),
        Kind::Qemu => qemu(),
    };
    let bench = Bench::with_device(Tampered::new(device, insistent(times))).interrupts(interrupts);
    match seed {
        Some(seed) => bench.seed(seed).processors(4).boot(),
        None => bench.boot(),
    }
}

#[test]
fn interrupts_before_the_dpc_are_serviced_by_one_dpc() {
    for (kind, interrupts) in EVERYWHERE {
        let run = format!("{kind:?}, {interrupts:?}");
        let lab = lab(kind, interrupts, None, 5);
        let file = lab.open();
        assert_eq!(lab.factorial(&file, 12), Ok(479_001_600), "{run}");
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.interrupts, 6, "{run}");
        assert_eq!(statistics.dpcs_queued, 1, "{run}");
        assert_eq!(statistics.dpcs_already_queued, 5, "{run}");
        assert_eq!(statistics.dpc_calls, 1, "{run}");
        assert_eq!(statistics.snapshots_taken, 6, "{run}");
        assert_eq!(statistics.snapshots_overwritten, 0, "{run}");
        assert_eq!(statistics.factorial_causes, 1, "{run}");
        assert_eq!(statistics.software_causes, 5, "{run}");
        lab.shut_down();
    }
}

#[test]
fn a_ring_that_overflows_loses_no_cause_and_counts_what_it_forgets() {
    for (kind, interrupts) in EVERYWHERE {
        let run = format!("{kind:?}, {interrupts:?}");
        // The factorial's cause comes first and is the first snapshot to be forgotten.
        let lab = lab(kind, interrupts, None, 30);
        let file = lab.open();
        assert_eq!(lab.factorial(&file, 12), Ok(479_001_600), "{run}");
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.interrupts, 31, "{run}");
        assert_eq!(statistics.factorial_causes, 1, "{run}");
        assert!(statistics.snapshots_overwritten > 0, "{run}");
        assert_eq!(
            statistics.snapshots_taken + statistics.snapshots_overwritten,
            31,
            "{run}"
        );
        assert_eq!(statistics.stray_factorials, 0, "{run}");
        lab.shut_down();
    }
}

#[test]
fn whatever_the_schedule_the_counts_agree_and_the_result_is_right() {
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        for_each_seed(30, |seed| {
            let lab = lab(Kind::Model, interrupts, Some(seed), 20);
            let file = lab.open();
            assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
            lab.run_until_quiet();
            let statistics = lab.statistics(&file);
            assert_eq!(statistics.interrupts, 21);
            assert_eq!(statistics.software_causes, 20);
            assert_eq!(
                statistics.dpcs_queued + statistics.dpcs_already_queued,
                statistics.interrupts
            );
            assert_eq!(statistics.dpc_calls, statistics.dpcs_queued);
            assert_eq!(
                statistics.snapshots_taken + statistics.snapshots_overwritten,
                statistics.interrupts
            );
            lab.shut_down();
        });
    }
}

/// Whether two calls of a callback overlap: on two processors at once.
fn overlap(records: &[Record], name: &str) -> bool {
    let mut running = 0;
    records.iter().any(|record| {
        match record.event {
            Event::Enter { callback, .. } if callback == name => running += 1,
            Event::Leave { callback, .. } if callback == name => running -= 1,
            _ => {}
        }
        running > 1
    })
}

#[test]
fn two_dpcs_of_one_object_at_once_share_the_work() {
    // A DPC that has begun can be queued again: on another processor it begins before the first has
    // ended. Not every schedule does that; of these some do, and all come to the same end.
    let mut overlapping = 0;
    for_each_seed(60, |seed| {
        let lab = lab(Kind::Model, Interrupts::AsInstalled, Some(seed), 40);
        let file = lab.open();
        let irps: Vec<_> = (3..9).map(|n| lab.submit_factorial(&file, n)).collect();
        lab.wait_for(&irps);
        for (irp, n) in irps.iter().zip(3..) {
            let outcome = irp.outcome().expect("it has ended");
            assert_eq!(
                outcome.output,
                edu_tests::bench::factorial(n).to_le_bytes(),
                "{n}!"
            );
        }
        lab.run_until_quiet();
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.factorials_completed, 6);
        assert_eq!(statistics.dpc_calls, statistics.dpcs_queued);
        assert_eq!(
            statistics.snapshots_taken + statistics.snapshots_overwritten,
            statistics.interrupts
        );
        let records = lab.shut_down().records;
        assert!(!calls_of(&records, "EvtInterruptDpc").is_empty());
        overlapping += u32::from(overlap(&records, "EvtInterruptDpc"));
    });
    if std::env::var_os(edu_tests::seeds::VARIABLE).is_none() {
        assert!(overlapping > 0, "no schedule ran two DPCs at once");
    }
}

#[test]
fn causes_that_the_device_invents_are_acknowledged_and_counted() {
    use edu_model::Faults;
    for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
        let lab = Bench::model(Config {
            faults: Faults {
                extra_causes: 0x0040_0200,
                ..Faults::default()
            },
            ..Config::default()
        })
        .interrupts(interrupts)
        .boot();
        let file = lab.open();
        for n in 3..8 {
            assert_eq!(lab.factorial(&file, n), Ok(edu_tests::bench::factorial(n)));
        }
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.factorial_causes, 5);
        assert_eq!(statistics.software_causes, 5);
        assert_eq!(statistics.interrupts, 5);
        lab.shut_down();
    }
}
