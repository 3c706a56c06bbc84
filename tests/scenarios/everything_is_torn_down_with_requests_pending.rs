//! Handles closed, devices stopped and removed, programs killed, while requests are pending.

use edu_model::{Config, Faults};
use edu_tests::{
    Bench,
    bench::{READ_WRITE, factorial},
    for_each_seed,
    program::Run,
};
use kmdf_host::{
    Irp,
    ntstatus::{STATUS_CANCELLED, STATUS_DELETE_PENDING, STATUS_OBJECT_NAME_NOT_FOUND},
};

fn hanging() -> Config {
    Config {
        faults: Faults {
            factorial_hangs: true,
            ..Faults::default()
        },
        ..Config::default()
    }
}

/// A request ended right: computed, canceled, or too late for the device.
fn ended(irp: &Irp, n: u32) {
    let outcome = irp.outcome().expect("it has ended");
    if outcome.status.is_success() {
        assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{n}!");
    } else {
        assert!(
            [STATUS_CANCELLED, STATUS_DELETE_PENDING].contains(&outcome.status),
            "{n}!: {:?}",
            outcome.status
        );
    }
}

#[test]
fn closing_a_handle_cancels_what_is_pending_on_it() {
    for_each_seed(20, |seed| {
        let lab = Bench::model(hanging()).seed(seed).boot();
        let file = lab.open();
        let irps: Vec<_> = (0..5).map(|n| lab.submit_factorial(&file, n)).collect();
        for _ in 0..seed % 5 {
            lab.turn();
        }
        lab.session().host().close(&file);
        lab.wait_for(&irps);
        for irp in &irps {
            assert_eq!(
                irp.outcome().map(|outcome| outcome.status),
                Some(STATUS_CANCELLED)
            );
        }
        assert_eq!(file.pending().len(), 0);
        lab.shut_down();
    });
}

#[test]
fn closing_one_handle_leaves_the_requests_of_another_alone() {
    for_each_seed(10, |seed| {
        let lab = Bench::model(Config::default()).seed(seed).boot();
        let (first, second) = (lab.open(), lab.open());
        let doomed: Vec<_> = (0..6).map(|n| lab.submit_factorial(&first, n)).collect();
        let kept: Vec<_> = (0..6).map(|n| lab.submit_factorial(&second, n)).collect();
        lab.session().host().close(&first);
        lab.wait_for(&doomed);
        lab.wait_for(&kept);
        for (irp, n) in kept.iter().zip(0..) {
            let outcome = irp.outcome().expect("it has ended");
            assert!(outcome.status.is_success(), "{n}!: {:?}", outcome.status);
            assert_eq!(outcome.output, factorial(n).to_le_bytes());
        }
        for (irp, n) in doomed.iter().zip(0..) {
            ended(irp, n);
        }
        lab.shut_down();
    });
}

#[test]
fn a_device_removed_with_requests_pending_ends_them_all() {
    for config in [Config::default(), hanging()] {
        for processors in [1, 2] {
            for_each_seed(10, |seed| {
                let lab = Bench::model(config.clone())
                    .processors(processors)
                    .seed(seed)
                    .boot();
                let file = lab.open();
                let irps: Vec<_> = (0..8).map(|n| lab.submit_factorial(&file, n)).collect();
                for _ in 0..seed {
                    lab.turn();
                }
                // With the handle open, and with requests that have not reached the driver.
                lab.session()
                    .host()
                    .remove_device(0)
                    .unwrap_or_else(|stop| panic!("the run stopped: {stop}"));
                lab.wait_for(&irps);
                for (irp, n) in irps.iter().zip(0..) {
                    ended(irp, n);
                }
                assert_eq!(
                    lab.open_as(0, READ_WRITE).map(|_| ()),
                    Err(STATUS_OBJECT_NAME_NOT_FOUND),
                    "there is nothing to open any more"
                );
                lab.shut_down();
            });
        }
    }
}

#[test]
fn a_program_that_is_killed_leaves_nothing_pending() {
    // eductl gives up after a while and exits with its requests pending: the engine hangs.
    Run::on("model,factorial-hangs")
        .eductl(["--timeout", "0.2", "stress", "--count", "20"])
        .end()
        .exits(1)
        .says("nothing left behind");
    // The shell ends while its child, eductl, still waits; the host has nobody left to serve.
    Run::on("model,factorial-hangs")
        .eductl(["--timeout", "0.2", "factorial", "12"])
        .end()
        .exits(1)
        .complains("did not complete the request within")
        .complains("it was cancelled")
        .says("nothing left behind");
}
