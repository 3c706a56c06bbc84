//! The ISR, DPC and request paths run on what was made when the device was added and started.

use edu_model::{Config, Messages};
use edu_tests::{
    Bench, Lab,
    bench::{EVERYWHERE, Kind},
    for_each_seed, found,
    timeline::{calls, calls_of},
};
use kmdf_host::{Event, Grant, Record};

/// What makes something that must be given back.
fn makes_something(service: &str) -> bool {
    service.starts_with("ExAllocate")
        || service.starts_with("MmAllocate")
        || service.starts_with("MmMapIoSpace")
        || (service.starts_with("Wdf") && service.contains("Create"))
}

/// Which callbacks made something, and what.
fn makers(records: &[Record]) -> Vec<(&'static str, &'static str)> {
    let calls = calls(records);
    let made = calls.iter().flat_map(|call| {
        let services = call.services.iter();
        services.map(|&service| (call.callback, service))
    });
    made.filter(|(_, service)| makes_something(service))
        .collect()
}

/// Asks for everything the driver can do, cancels some of it, and looks at what it called meanwhile.
fn allocates_nothing(lab: Lab, deferred: &str, run: &str) {
    let host = lab.session().host();
    let started = host.counts();
    let from = lab.records().len();
    let at_the_start = makers(&lab.records());
    // So this test can see both: pool, and objects of the framework's.
    for made in ["ExAllocatePool2", "WdfInterruptCreate"] {
        assert!(
            at_the_start.contains(&("EvtDriverDeviceAdd", made)),
            "{run}: {made}: {at_the_start:?}"
        );
    }
    assert_eq!(
        started.pool_allocations, 1,
        "{run}: the list of the interrupt objects"
    );
    let file = lab.open();
    let irps: Vec<_> = (0..20).map(|n| lab.submit_factorial(&file, n)).collect();
    lab.run_until(|| !calls_of(&lab.records_since(from), "EvtInterruptIsr").is_empty());
    for irp in irps.iter().skip(10) {
        host.cancel(irp);
    }
    let wait = lab.submit_wait(&file, 0);
    assert_eq!(lab.raise(&file, 0x10), Ok(()), "{run}");
    lab.wait_for(&[wait]);
    let canceled = lab.submit_wait(&file, 1);
    host.cancel(&canceled);
    lab.wait_for(&[canceled]);
    lab.wait_for(&irps);
    assert_eq!(lab.write(&file, 0, b"abc"), Ok(3), "{run}");
    assert_eq!(lab.read(&file, 0, 3).as_deref(), Ok(&b"abc"[..]), "{run}");
    let _ = lab.liveness(&file, 1);
    let _ = lab.information(&file);
    let _ = lab.statistics(&file);

    let allocations = host.counts().pool_allocations;
    assert_eq!(allocations, started.pool_allocations, "{run}");
    let since = calls(&lab.records_since(from));
    let callbacks = [
        "EvtInterruptIsr",
        "EvtDpcFunc",
        "EvtIoDeviceControl",
        "EvtIoRead",
        "EvtIoWrite",
    ];
    for name in callbacks.into_iter().chain([deferred]) {
        assert!(
            since.iter().any(|call| call.callback == name),
            "{run}: {name} ran"
        );
    }
    assert_eq!(makers(&lab.records_since(from)), [], "{run}");
    lab.shut_down();
}

#[test]
fn requests_interrupts_and_dpcs_allocate_nothing_and_create_no_object() {
    for (kind, interrupts) in EVERYWHERE {
        for_each_seed(2, |seed| {
            let lab = Bench::of(kind).interrupts(interrupts).seed(seed).boot();
            allocates_nothing(lab, "EvtInterruptDpc", &format!("{kind:?}, {interrupts:?}"));
        });
    }
}

#[test]
fn nor_do_they_with_two_messages_or_at_passive_level() {
    for_each_seed(2, |seed| {
        let config = Config {
            messages: Messages::Two,
            ..Config::default()
        };
        let lab = Bench::model(config).seed(seed).boot();
        allocates_nothing(lab, "EvtInterruptDpc", "two messages");
        let lab = Bench::of(Kind::Model)
            .inf(found::passive_inf())
            .seed(seed)
            .boot();
        allocates_nothing(lab, "EvtInterruptWorkItem", "PASSIVE_LEVEL");
    });
}

/// A list as long as what PnP grants is made at each start, so who makes it is seen, and where.
#[test]
fn what_a_start_allocates_is_counted_and_given_back_at_the_stop() {
    let lab = Bench::model(Config {
        messages: Messages::Two,
        ..Config::default()
    })
    .registry("InterruptLate", 1)
    .boot();
    let host = lab.session().host();
    for start in 1..4 {
        assert_eq!(host.counts().pool_allocations, start);
        let from = lab.records().len();
        host.stop_device(0).expect("it stops");
        let freed = calls_of(&lab.records_since(from), "EvtDeviceReleaseHardware")
            .iter()
            .flat_map(|call| &call.services)
            .filter(|&&service| service == "ExFreePool")
            .count();
        assert_eq!(freed, 1);
        let from = lab.records().len();
        let status = host.start_device(0, Grant::Messages(2));
        assert!(status.expect("it starts").is_success());
        assert_eq!(
            makers(&lab.records_since(from))[..4],
            [
                ("EvtDevicePrepareHardware", "MmMapIoSpaceEx"),
                ("EvtDevicePrepareHardware", "MmMapIoSpaceEx"),
                ("EvtDevicePrepareHardware", "ExAllocatePool2"),
                ("EvtDevicePrepareHardware", "WdfInterruptCreate"),
            ]
        );
    }
    lab.shut_down();
}

#[test]
fn a_dpc_that_allocates_would_be_found() {
    let lab = Bench::model(Config::default()).boot();
    let from = lab.records().len();
    let file = lab.open();
    assert_eq!(lab.factorial(&file, 5), Ok(120));
    let mut records = lab.records_since(from);
    assert_eq!(makers(&records), []);
    let dpc = |record: &Record| {
        let Event::Enter { callback, .. } = record.event else {
            return false;
        };
        callback == "EvtInterruptDpc"
    };
    let at = records.iter().position(dpc).expect("it ran");
    let allocation = Record {
        event: Event::Service {
            name: "ExAllocatePool2",
        },
        ..records[at].clone()
    };
    records.insert(at + 1, allocation);
    assert_eq!(makers(&records), [("EvtInterruptDpc", "ExAllocatePool2")]);
    lab.shut_down();
}
