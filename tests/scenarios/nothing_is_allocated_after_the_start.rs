//! The ISR, DPC and request paths run on what EvtDriverDeviceAdd made.

use edu_tests::{Bench, bench::EVERYWHERE, for_each_seed, timeline::calls};

/// What makes something that must be given back.
fn makes_something(service: &str) -> bool {
    service.starts_with("ExAllocate")
        || service.starts_with("MmAllocate")
        || service.starts_with("MmMapIoSpace")
        || (service.starts_with("Wdf") && service.contains("Create"))
}

#[test]
fn requests_interrupts_and_dpcs_allocate_nothing_and_create_no_object() {
    for (kind, interrupts) in EVERYWHERE {
        for_each_seed(2, |seed| {
            let lab = Bench::of(kind).interrupts(interrupts).seed(seed).boot();
            let started = lab.session().host().counts();
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
            lab.session().host().cancel(&irps[10]);
            lab.wait_for(&irps);
            assert_eq!(lab.raise(&file, 0x10), Ok(()));
            let _ = lab.liveness(&file, 1);
            let _ = lab.information(&file);
            let _ = lab.statistics(&file);

            let counts = lab.session().host().counts();
            assert_eq!(
                counts.pool_allocations, started.pool_allocations,
                "{kind:?}"
            );
            let since = calls(&lab.records_since(from));
            for name in ["EvtInterruptIsr", "EvtInterruptDpc", "EvtIoDeviceControl"] {
                assert!(since.iter().any(|call| call.callback == name), "{name} ran");
            }
            for call in &since {
                for service in &call.services {
                    assert!(
                        !makes_something(service),
                        "{} calls {service}",
                        call.callback
                    );
                }
            }
            lab.shut_down();
        });
    }
}
