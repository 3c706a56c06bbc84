//! Handles closed, devices stopped and removed, programs killed, while requests are pending.

use edu_model::{Config, Faults};
use edu_tests::{
    Bench, Lab, bench::factorial, for_each_seed, lab::READ_WRITE, program::Run, timeline,
};
use kmdf_host::{
    Irp,
    ntstatus::{
        STATUS_CANCELLED, STATUS_DELETE_PENDING, STATUS_DEVICE_DOES_NOT_EXIST,
        STATUS_INVALID_DEVICE_STATE, STATUS_OBJECT_NAME_NOT_FOUND,
    },
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
        let allowed = [
            STATUS_CANCELLED,
            STATUS_DELETE_PENDING,
            // It came to a queue that takes no more.
            STATUS_INVALID_DEVICE_STATE,
            // It was forwarded to one.
            STATUS_DEVICE_DOES_NOT_EXIST,
        ];
        assert!(
            allowed.contains(&outcome.status),
            "{n}!: {:?}",
            outcome.status
        );
    }
}

#[test]
fn the_end_of_an_app_cancels_what_is_pending_whatever_has_become_of_it() {
    for_each_seed(20, |seed| {
        let lab = Bench::model(hanging()).seed(seed).boot();
        let (app, other) = (lab.open(), lab.open());
        let mut irps: Vec<_> = (0..5).map(|n| lab.submit_factorial(&app, n)).collect();
        irps.extend((0..3).map(|_| lab.submit_wait(&app, 0)));
        // From "not sent yet" to "in the engine". The virtual clock stands still meanwhile, because
        // there is always something that can run.
        for _ in 0..seed * 2 {
            lab.turn();
        }
        lab.session().host().abandon(&app);
        lab.wait_for(&irps);
        for irp in &irps {
            assert_eq!(
                irp.outcome().map(|outcome| outcome.status),
                Some(STATUS_CANCELLED)
            );
        }
        assert_eq!(app.pending().len(), 0);
        assert_eq!(lab.liveness(&other, 1), Ok(!1), "the driver works on");
        lab.shut_down();
    });
}

#[test]
fn closing_a_handle_cancels_what_waits_and_lets_the_engine_finish() {
    for_each_seed(10, |seed| {
        let lab = Bench::model(Config {
            // So long that all requests are where they belong when the handle is closed, and less than the
            // watchdog takes to look at an engine.
            factorial_start_ns: 700_000_000,
            ..Config::default()
        })
        .seed(seed)
        .boot();
        let (first, second) = (lab.open(), lab.open());
        let engine = lab.submit_factorial(&first, 12);
        lab.run_until(|| presented(&lab) == 2);
        let mut doomed: Vec<_> = (0..4).map(|n| lab.submit_factorial(&first, n)).collect();
        doomed.push(lab.submit_wait(&first, 0));
        let kept = lab.submit_factorial(&second, 5);
        // Each was presented by the default queue, and the first to the engine, too.
        lab.run_until(|| presented(&lab) == 8);
        lab.session().host().close(&first);
        lab.wait_for(&doomed);
        for irp in &doomed {
            let status = irp.outcome().map(|outcome| outcome.status);
            assert_eq!(status, Some(STATUS_CANCELLED));
        }
        // CloseHandle is no CancelIo: what the driver has goes on.
        lab.wait_for(&[engine.clone(), kept.clone()]);
        ended(&engine, 12);
        assert!(
            engine
                .outcome()
                .is_some_and(|outcome| outcome.status.is_success())
        );
        ended(&kept, 5);
        assert!(
            kept.outcome()
                .is_some_and(|outcome| outcome.status.is_success())
        );
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
                let now = lab.records().last().map(|record| record.time.as_nanos());
                assert!(now < Some(1_000_000_000), "nothing waits for the watchdog");
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
fn a_program_that_ends_leaves_nothing_pending() {
    // Nothing raises an event: eductl gives up, cancels and goes.
    let code = format!("{:#x}", edu_spec::ioctl::WAIT_EVENT);
    let bytes = size_of::<edu_spec::wire::Event>().to_string();
    Run::on("model")
        .eductl([
            "--timeout",
            "0.2",
            "control",
            &code,
            "--input",
            "0000000000000000",
            "--output",
            &bytes,
        ])
        .end()
        .exits(1)
        .complains("did not complete the request within")
        .complains("it was canceled")
        .says("nothing left behind");
}

#[test]
fn a_program_that_is_killed_leaves_nothing_pending_and_others_are_served() {
    for device in ["model", "qemu:edu"] {
        // It waits for an event that nobody raises.
        Run::on(device)
            .shell(
                r#""$0" wait & waiting=$!; sleep 0.2; kill -9 $waiting; wait $waiting
                   echo "exit code $?"; "$0" liveness && "$0" factorial 12"#,
            )
            .end()
            .exits(0)
            .says("exit code 137\n")
            .says("factorial 12 = 479001600\n")
            .says("nothing left behind");
    }
}

/// How many calls of EvtIoDeviceControl have returned.
fn presented(lab: &Lab) -> usize {
    timeline::calls_of(&lab.records(), "EvtIoDeviceControl")
        .iter()
        .filter(|call| call.value.is_some())
        .count()
}
