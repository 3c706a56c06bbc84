//! The ISR, DPC and request paths run on what EvtDriverDeviceAdd made.

use edu_model::{Config, Messages};
use edu_tests::{
    Bench, Lab,
    bench::{EVERYWHERE, Kind},
    for_each_seed, found,
    timeline::{calls, calls_of},
};

/// What makes something that must be given back.
fn makes_something(service: &str) -> bool {
    service.starts_with("ExAllocate")
        || service.starts_with("MmAllocate")
        || service.starts_with("MmMapIoSpace")
        || (service.starts_with("Wdf") && service.contains("Create"))
}

/// Asks for everything the driver can do, cancels some of it, and looks at what it called meanwhile.
fn allocates_nothing(lab: Lab, deferred: &str, run: &str) {
    let host = lab.session().host();
    let started = host.counts();
    let from = lab.records().len();
    assert!(
        calls(&lab.records())
            .iter()
            .flat_map(|call| &call.services)
            .any(|service| makes_something(service)),
        "the start makes objects, so this test can see them"
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
    for call in &since {
        for service in &call.services {
            assert!(
                !makes_something(service),
                "{run}: {} calls {service}",
                call.callback
            );
        }
    }
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
