//! Power and PnP with requests pending.

use std::{collections::BTreeMap, process::Command};

use edu_model::{Config, Faults};
use edu_tests::{
    Bench, Lab,
    bench::{Kind, factorial},
    for_each_seed, found,
    lab::event_of,
};
use kmdf_host::{
    Event, Grant, NtStatus, Operation,
    ntstatus::{
        STATUS_CANCELLED, STATUS_DELETE_PENDING, STATUS_DEVICE_DOES_NOT_EXIST,
        STATUS_INVALID_DEVICE_STATE, STATUS_NO_SUCH_DEVICE,
    },
};

fn went<T>(result: Result<T, kmdf_host::Stop>) -> T {
    match result {
        Ok(value) => value,
        Err(stop) => panic!("the run stopped: {stop}"),
    }
}

#[test]
fn requests_pending_when_the_device_goes_to_sleep_are_computed_when_it_wakes() {
    for kind in [Kind::Model, Kind::Qemu] {
        for_each_seed(if kind == Kind::Model { 20 } else { 3 }, |seed| {
            let lab = Bench::of(kind).seed(seed).boot();
            let file = lab.open();
            let host = lab.session().host();
            let mut irps: Vec<_> = (0..4).map(|n| lab.submit_factorial(&file, n)).collect();
            let write = lab.submit(
                &file,
                Operation::Write {
                    offset: 0,
                    data: b"before".to_vec(),
                },
            );
            let wait = lab.submit_wait(&file, 0);
            for _ in 0..seed * 4 {
                lab.turn();
            }
            went(host.sleep(0));
            irps.extend((4..8).map(|n| lab.submit_factorial(&file, n)));
            // What needs no hardware is answered while it sleeps.
            let _ = lab.information(&file);
            assert!(!irps[7].is_finished());
            assert!(went(host.resume(0)).is_success());
            lab.wait_for(&irps);
            for (irp, n) in irps.iter().zip(0..) {
                let outcome = irp.outcome().expect("it has ended");
                assert!(outcome.status.is_success(), "{n}!: {:?}", outcome.status);
                assert_eq!(outcome.output, factorial(n).to_le_bytes(), "{n}!");
            }
            lab.wait_for(std::slice::from_ref(&write));
            assert_eq!(lab.read(&file, 0, 6).as_deref(), Ok(&b"before"[..]));
            assert!(!wait.is_finished(), "nothing was raised");
            assert_eq!(lab.raise(&file, 0x10), Ok(()));
            lab.wait_for(std::slice::from_ref(&wait));
            assert_eq!(event_of(&wait).map(|event| event.number), Ok(1));
            lab.shut_down();
        });
    }
}

/// Ended right, whatever became of the device.
fn ended(status: NtStatus) -> bool {
    status.is_success()
        || [
            STATUS_CANCELLED,
            STATUS_DELETE_PENDING,
            STATUS_DEVICE_DOES_NOT_EXIST,
            STATUS_INVALID_DEVICE_STATE,
            STATUS_NO_SUCH_DEVICE,
        ]
        .contains(&status)
}

fn pending_work(lab: &Lab, seed: u64) -> Vec<std::rc::Rc<kmdf_host::Irp>> {
    let file = lab.open();
    let mut irps: Vec<_> = (0..4).map(|n| lab.submit_factorial(&file, n)).collect();
    irps.push(lab.submit(
        &file,
        Operation::Write {
            offset: 0,
            data: vec![7; 100],
        },
    ));
    irps.push(lab.submit_wait(&file, 0));
    irps.push(lab.submit(
        &file,
        Operation::Read {
            offset: 0,
            length: 100,
        },
    ));
    for _ in 0..seed * 5 {
        lab.turn();
    }
    irps
}

/// Has a device do something to requests that it has, at any moment from before they are presented to
/// after they are done, and judges how each of them ended.
fn at_any_moment(processors: u32, act: impl Fn(&Lab), ended: impl Fn(NtStatus) -> bool) {
    for_each_seed(30, |seed| {
        let lab = Bench::model(Config::default())
            .processors(processors)
            .seed(seed)
            .boot();
        let irps = pending_work(&lab, seed);
        act(&lab);
        lab.wait_for(&irps);
        for irp in &irps {
            let outcome = irp.outcome().expect("it has ended");
            assert!(ended(outcome.status), "{irp:?}");
        }
        lab.shut_down();
    });
}

#[test]
fn a_surprise_removal_at_any_moment_ends_every_request() {
    for processors in [1, 2, 4] {
        let act = |lab: &Lab| went(lab.session().host().surprise_remove(0));
        at_any_moment(processors, act, ended);
    }
}

/// What a request to a removed device ends with.
const REMOVED: NtStatus = STATUS_DEVICE_DOES_NOT_EXIST;

/// What each request answers while a handle keeps a lost device: docs/driver.md has the same as a table.
fn answers_as_a_lost_device(lab: &Lab, file: &kmdf_host::File) {
    let information = lab.information(file);
    assert!(information.identification.is_edu());
    assert_eq!(information.interrupt_count, 0, "none is connected");
    let _ = lab.statistics(file);
    assert_eq!(lab.wait_event(file, 0), Err(REMOVED), "wait");
    assert_eq!(lab.liveness(file, 1), Err(REMOVED), "liveness");
    assert_eq!(lab.raise(file, 0x10), Err(REMOVED), "raise");
    assert_eq!(lab.factorial(file, 5), Err(REMOVED), "factorial");
    assert_eq!(lab.read(file, 0, 4), Err(REMOVED), "read");
    assert_eq!(lab.write(file, 0, b"data"), Err(REMOVED), "write");
}

#[test]
fn who_waits_for_an_event_is_told_of_a_surprise_removal_while_its_handle_is_open() {
    for_each_seed(20, |seed| {
        let lab = Bench::model(Config::default()).seed(seed).boot();
        let (file, other) = (lab.open(), lab.open());
        let waits = [(&file, 0), (&other, 0), (&file, 0)];
        let waits = waits.map(|(file, cursor)| lab.submit_wait(file, cursor));
        for _ in 0..seed * 3 {
            lab.turn();
        }
        went(lab.session().host().surprise_remove(0));
        lab.wait_for(&waits);
        for wait in &waits {
            assert_eq!(event_of(wait), Err(REMOVED));
        }
        answers_as_a_lost_device(&lab, &file);
        lab.shut_down();
    });
}

#[test]
fn an_event_that_came_before_a_surprise_removal_is_not_withheld() {
    let lab = Bench::model(Config::default()).boot();
    let file = lab.open();
    assert_eq!(lab.raise(&file, 0x10), Ok(()));
    lab.run_until_quiet();
    went(lab.session().host().surprise_remove(0));
    assert_eq!(lab.wait_event(&file, 0).map(|event| event.number), Ok(1));
    assert_eq!(lab.wait_event(&file, 1), Err(REMOVED));
    lab.shut_down();
}

#[test]
fn who_waits_for_an_event_is_told_when_its_device_does_not_start_again() {
    let config = Config {
        faults: Faults {
            removed_at_ns: Some(1_000_000),
            ..Faults::default()
        },
        ..Config::default()
    };
    let lab = Bench::model(config).boot();
    let file = lab.open();
    let wait = lab.submit_wait(&file, 0);
    lab.run_until_quiet();
    assert!(
        !wait.is_finished(),
        "nobody knows that the device was removed"
    );
    let status = went(lab.session().host().rebalance(0, Grant::Messages(1)));
    assert!(!status.is_success());
    lab.wait_for(std::slice::from_ref(&wait));
    assert_eq!(event_of(&wait), Err(REMOVED));
    answers_as_a_lost_device(&lab, &file);
    lab.shut_down();
}

/// The framework flushes the DPC of an interrupt and then disconnects it. Something raises a cause in
/// between, and another processor takes the interrupt.
#[test]
fn an_interrupt_between_the_flush_and_the_disconnection_queues_no_dpc() {
    let scenarios = [
        "sleep",
        "sleep-line",
        "restart",
        "remove",
        "surprise-removal",
        "passive",
        "passive-dpc",
        "late-two-messages",
    ];
    for scenario in scenarios {
        for index in 0..3 {
            let output = Command::new(found::edu_lab())
                .args(["replay", "--scenario", scenario, "--cause", "raise"])
                .args(["--boundary", &format!("0:{index}:0x0"), "--driver"])
                .arg(found::driver())
                .arg("--inf")
                .arg(found::inf())
                .output()
                .expect("edu-lab can be started");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{scenario}, {index}: {said}");
        }
    }
}

#[test]
fn an_orderly_removal_at_any_moment_ends_every_request() {
    for processors in [1, 2, 4] {
        let act = |lab: &Lab| went(lab.session().host().remove_device(0));
        at_any_moment(processors, act, ended);
    }
}

#[test]
fn a_rebalance_at_any_moment_loses_no_request() {
    for grant in [Grant::Line, Grant::Messages(1)] {
        let act = |lab: &Lab| {
            assert!(went(lab.session().host().rebalance(0, grant)).is_success());
            // For the one that waits for an event.
            assert_eq!(lab.raise(&lab.open(), 0x10), Ok(()));
        };
        at_any_moment(2, act, NtStatus::is_success);
    }
}

#[test]
fn evt_io_stop_comes_when_the_callback_that_got_the_request_has_returned() {
    let mut stopped = 0;
    for processors in [1, 2, 4] {
        for_each_seed(30, |seed| {
            let lab = Bench::model(Config::default())
                .processors(processors)
                .seed(seed)
                .boot();
            let irps = pending_work(&lab, seed);
            let host = lab.session().host();
            went(host.sleep(0));
            assert!(went(host.resume(0)).is_success());
            assert_eq!(lab.raise(&lab.open(), 0x10), Ok(()));
            lab.wait_for(&irps);
            let records = lab.shut_down().records;
            // The callbacks that run, by flow; of each request the one that got it last: the default queue may
            // still be forwarding it when its engine's queue has presented it.
            let mut running = Vec::new();
            let mut latest = BTreeMap::new();
            for (at, record) in records.iter().enumerate() {
                match record.event {
                    Event::Enter {
                        callback: "EvtIoStop",
                        object,
                    } => {
                        let got = latest[&object];
                        assert!(running.iter().all(|&(_, other)| other != got), "{record}");
                        stopped += 1;
                    }
                    Event::Enter { callback, object } if callback.starts_with("EvtIo") => {
                        latest.insert(object, at);
                        running.push((record.flow, at));
                    }
                    Event::Leave { callback, .. }
                        if callback.starts_with("EvtIo") && callback != "EvtIoStop" =>
                    {
                        let innermost = running.iter().rposition(|&(flow, _)| flow == record.flow);
                        running.remove(innermost.expect("it was entered"));
                    }
                    _ => {}
                }
            }
        });
    }
    assert!(stopped > 0, "no request was stopped");
}
