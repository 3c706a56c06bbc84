//! Stop, then start with other resources: two messages, one message, the line, with the same
//! binary.

use edu_model::{Config, Messages};
use edu_tests::{
    Bench, Lab,
    bench::{Kind, factorial},
    for_each_seed,
};
use kmdf_host::{File, Grant};

/// Restarts the device with this grant and looks that it works.
fn restart(lab: &Lab, file: &File, grant: Grant, connected: &[u32]) {
    let host = lab.session().host();
    if let Err(stop) = host.stop_device(0) {
        panic!("the run stopped: {stop}");
    }
    // In low power what needs no hardware is answered.
    assert_eq!(lab.information(file).interrupt_count, 0, "{grant:?}");
    match host.start_device(0, grant) {
        Ok(status) => assert!(status.is_success(), "{grant:?}: {status:?}"),
        Err(stop) => panic!("the run stopped: {stop}"),
    }
    works(lab, file, connected);
}

/// The interrupts are connected, message-signaled (1) or not (0), and bring results.
fn works(lab: &Lab, file: &File, connected: &[u32]) {
    let information = lab.information(file);
    let found: Vec<u32> = information
        .interrupts
        .iter()
        .take(information.interrupt_count as usize)
        .map(|interrupt| interrupt.message_signaled)
        .collect();
    assert_eq!(found, connected);
    let numbers: Vec<u32> = information
        .interrupts
        .iter()
        .take(connected.len())
        .map(|interrupt| interrupt.message_number)
        .collect();
    assert_eq!(numbers, (0..).take(connected.len()).collect::<Vec<_>>());
    let before = lab.statistics(file);
    for n in [3, 12, 33] {
        assert_eq!(lab.factorial(file, n), Ok(factorial(n)));
    }
    let after = lab.statistics(file);
    assert_eq!(after.factorials_completed, before.factorials_completed + 3);
    assert_eq!(
        after.interrupts,
        before.interrupts + 3,
        "counts go on over a restart"
    );
}

#[test]
fn two_messages_one_message_and_the_line_follow_each_other() {
    for processors in [1, 2, 4] {
        for_each_seed(4, |seed| {
            let lab = Bench::model(Config {
                messages: Messages::Two,
                ..Config::default()
            })
            .processors(processors)
            .seed(seed)
            .boot();
            let file = lab.open();
            works(&lab, &file, &[1, 1]);
            restart(&lab, &file, Grant::Line, &[0]);
            restart(&lab, &file, Grant::Messages(1), &[1]);
            restart(&lab, &file, Grant::Messages(2), &[1, 1]);
            restart(&lab, &file, Grant::Line, &[0]);
            lab.shut_down();
        });
    }
}

#[test]
fn qemus_device_goes_from_its_message_to_the_line_and_back() {
    let lab = Bench::qemu().boot();
    let file = lab.open();
    works(&lab, &file, &[1]);
    restart(&lab, &file, Grant::Line, &[0]);
    restart(&lab, &file, Grant::Messages(2), &[1]);
    lab.shut_down();
}

#[test]
fn requests_sent_while_the_device_is_stopped_wait_and_are_then_computed() {
    for kind in [Kind::Model, Kind::Qemu] {
        for_each_seed(4, |seed| {
            let lab = Bench::of(kind).seed(seed).boot();
            let file = lab.open();
            let host = lab.session().host();
            // Some in the engine and its queue already, some sent later.
            let mut irps: Vec<_> = (0..4).map(|n| lab.submit_factorial(&file, n)).collect();
            for _ in 0..seed {
                lab.turn();
            }
            host.stop_device(0)
                .unwrap_or_else(|stop| panic!("the run stopped: {stop}"));
            irps.extend((4..8).map(|n| lab.submit_factorial(&file, n)));
            let _ = lab.statistics(&file);
            assert!(!irps[7].is_finished(), "nothing computes it");
            let status = host
                .start_device(0, Grant::Line)
                .unwrap_or_else(|stop| panic!("the run stopped: {stop}"));
            assert!(status.is_success(), "{status:?}");
            lab.wait_for(&irps);
            for (irp, n) in irps.iter().zip(0..) {
                let outcome = irp.outcome().expect("it has ended");
                assert!(outcome.status.is_success(), "{n}!: {:?}", outcome.status);
                assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{n}!");
            }
            lab.shut_down();
        });
    }
}
