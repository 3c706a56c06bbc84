//! What the driver tells ETW: self-describing events, recorded by the host as a listener decodes them.

use std::{collections::BTreeSet, fs};

use edu_model::{Config, Faults};
use edu_spec::registers::offset;
use edu_tests::{
    Bench, Lab,
    bench::{EVERYWHERE, Kind},
    for_each_seed, found,
    program::Run,
    timeline::calls,
};
use kmdf_host::{Event, Irql, Operation, Record, ntstatus::STATUS_CANCELLED};

/// The events among these records, in order, with their fields.
fn traced(records: &[Record]) -> Vec<&str> {
    let said = records.iter().filter_map(|record| match &record.event {
        Event::DebugPrint { text } => Some(text),
        _ => None,
    });
    said.filter_map(|text| text.strip_prefix("traces "))
        .collect()
}

fn broken(faults: Faults) -> Lab {
    Bench::model(Config {
        faults,
        ..Config::default()
    })
    .boot()
}

/// Sends a factorial and a transfer, and cancels both before they are done.
fn cancel_both(lab: &Lab) {
    let file = lab.open();
    let factorial = lab.submit_factorial(&file, 12);
    let length = 5;
    let host = lab.session().host();
    let transfer = lab.submit(&file, Operation::Read { offset: 0, length });
    let started = |lab: &Lab| {
        let records = lab.records();
        let traced = traced(&records);
        [
            "FactorialStarted Operand=12",
            "TransferStarted Offset=0 Bytes=5",
        ]
        .iter()
        .all(|event| traced.contains(event))
    };
    lab.run_until(|| started(lab));
    let irps = [factorial, transfer];
    for irp in &irps {
        host.cancel(irp);
    }
    lab.wait_for(&irps);
    for irp in &irps {
        let status = irp.outcome().map(|outcome| outcome.status);
        assert_eq!(status, Some(STATUS_CANCELLED));
    }
}

/// Engines that never end.
fn hanging() -> Faults {
    Faults {
        factorial_hangs: true,
        dma_hangs: true,
        ..Faults::default()
    }
}

#[test]
fn the_life_of_a_device_is_told_from_its_first_event_to_its_last() {
    for (kind, interrupts) in EVERYWHERE {
        let lab = Bench::of(kind).interrupts(interrupts).boot();
        let file = lab.open();
        assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
        assert_eq!(lab.write(&file, 7, b"hello"), Ok(5));
        assert_eq!(
            traced(&lab.shut_down().records),
            [
                "DeviceAdded",
                "DeviceFound Identification=16777453",
                "DeviceStarted",
                "FactorialStarted Operand=12",
                "FactorialCompleted Result=479001600",
                "TransferStarted Offset=7 Bytes=5",
                "TransferCompleted Bytes=5",
                "DeviceStopped Interrupts=2",
                "DeviceReleased",
            ],
            "{kind:?}, {interrupts:?}"
        );
    }
}

#[test]
fn a_request_that_fails_is_told_with_its_status() {
    let lab = broken(hanging());
    cancel_both(&lab);
    let records = lab.shut_down().records;
    let traced = traced(&records);
    let status = STATUS_CANCELLED.0.cast_unsigned();
    for event in ["FactorialFailed", "TransferFailed"] {
        let event = format!("{event} Status={status}");
        assert!(traced.contains(&event.as_str()), "{event}: {traced:?}");
    }
}

/// The names of all events in the driver's source.
fn names() -> BTreeSet<String> {
    let path = found::root().join("driver/src/trace.rs");
    let source = fs::read_to_string(path).expect("the driver has its source");
    let definitions = source.lines().filter(|line| line.contains("= PROVIDER, "));
    definitions
        .map(|line| {
            let name = line.split('"').nth(1).expect("the name is a literal");
            name.to_owned()
        })
        .collect()
}

#[test]
fn every_event_that_the_driver_has_is_seen() {
    let mut seen = BTreeSet::new();
    let mut see = |lab: Lab| {
        let records = lab.shut_down().records;
        let names = traced(&records).into_iter().map(|text| {
            let name = text.split(' ').next();
            name.unwrap_or_default().to_owned()
        });
        seen.extend(names);
    };
    let lab = Bench::model(Config::default()).boot();
    let file = lab.open();
    assert_eq!(lab.factorial(&file, 5), Ok(120));
    assert_eq!(lab.write(&file, 0, b"abc"), Ok(3));
    see(lab);

    let lab = broken(hanging());
    cancel_both(&lab);
    // The canceled ones still run: these wait for them until the watchdog has had enough.
    let file = lab.open();
    assert!(lab.factorial(&file, 5).is_err());
    see(lab);

    let lab = broken(Faults {
        mute: true,
        ..Faults::default()
    });
    let file = lab.open();
    assert_eq!(lab.factorial(&file, 5), Ok(120));
    see(lab);

    let lab = broken(Faults {
        extra_causes: 1 << 31,
        ..Faults::default()
    });
    let file = lab.open();
    assert_eq!(lab.factorial(&file, 5), Ok(120));
    lab.run_until_quiet();
    see(lab);

    let lab = broken(Faults {
        removed_at_ns: Some(50_000_000),
        ..Faults::default()
    });
    let file = lab.open();
    assert!(lab.write(&file, 0, b"abc").is_err());
    lab.run_until_quiet();
    see(lab);

    // A device that does not start has no records left to look at here.
    let spec = format!("model,stuck={:#x}:0:0xff", offset::IDENTIFICATION);
    Run::on(&spec)
        .arguments(["--events"])
        .end()
        .complains("traces DeviceRefused Status=3221225486");
    seen.insert("DeviceRefused".to_owned());
    Run::on("model")
        .arguments(["--free-memory-from", "0x10000000", "--events"])
        .end()
        .complains("traces NoReachableMemory AddressBits=28 Status=3221225626");
    seen.insert("NoReachableMemory".to_owned());

    assert_eq!(seen, names());
}

/// What begins in the middle of something else.
const DEFERRED: [&str; 3] = ["EvtInterruptDpc", "EvtDpcFunc", "EvtTimerFunc"];

/// Where something may be traced: at DISPATCH_LEVEL at most, outside of what runs with the interrupt
/// lock held, and under no lock.
fn keeps_the_rules(records: &[Record]) {
    let mut flows = std::collections::BTreeMap::<u32, Vec<u32>>::new();
    let mut events = 0;
    for record in records {
        let Some(flow) = record.flow else { continue };
        // How many locks are held, in each callback that runs on the flow.
        let callbacks = flows.entry(flow).or_insert_with(|| vec![0]);
        let held = callbacks
            .last_mut()
            .expect("there is one for the flow itself");
        match record.event {
            Event::Enter { callback, .. } => {
                // It interrupts a flow that calls for a lock and has not got it: with one, the IRQL keeps it away.
                let interrupts = DEFERRED.contains(&callback);
                let held = if interrupts { 0 } else { *held };
                callbacks.push(held);
            }
            Event::Leave { .. } => {
                callbacks.pop();
            }
            Event::Service {
                name: "WdfSpinLockAcquire" | "WdfInterruptAcquireLock",
            } => *held += 1,
            Event::Service {
                name: "WdfSpinLockRelease" | "WdfInterruptReleaseLock",
            } => *held -= 1,
            Event::Service {
                name: "EtwWriteTransfer",
            } => {
                assert_eq!(*held, 0, "an event is traced under a lock");
                assert!(record.irql <= Irql::DISPATCH, "at {:?}", record.irql);
                events += 1;
            }
            _ => {}
        }
    }
    assert!(events >= 8, "{events} events");
    for call in calls(records) {
        if [
            "EvtInterruptIsr",
            "EvtInterruptEnable",
            "EvtInterruptDisable",
        ]
        .contains(&call.callback)
        {
            assert_eq!(call.said, [""; 0], "{}", call.callback);
        }
    }
}

#[test]
fn nothing_is_traced_in_an_isr_above_dispatch_level_or_under_a_lock() {
    for (kind, interrupts) in EVERYWHERE {
        for inf in [found::inf(), found::passive_inf()] {
            for_each_seed(if kind == Kind::Model { 5 } else { 1 }, |seed| {
                let lab = Bench::of(kind)
                    .interrupts(interrupts)
                    .inf(&inf)
                    .seed(seed)
                    .boot();
                let file = lab.open();
                let irps: Vec<_> = (0..6).map(|n| lab.submit_factorial(&file, n)).collect();
                assert_eq!(lab.write(&file, 7, b"hello"), Ok(5));
                lab.wait_for(&irps);
                keeps_the_rules(&lab.shut_down().records);
            });
        }
    }
}
