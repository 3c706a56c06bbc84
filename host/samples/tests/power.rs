//! What comes of a callback of PnP or power that fails, and what becomes of interrupts in Dx.

use std::{cell::RefCell, pin::Pin, rc::Rc, time::Duration};

use kmdf_host::{
    Event, Grant, Host, Machine, NtStatus, Record, Turn,
    device::{PciFunction, Width},
    image::{Image, Symbols},
    install::RegistryValue,
    ntstatus::{
        STATUS_DEVICE_POWER_FAILURE, STATUS_INVALID_DEVICE_STATE, STATUS_NO_SUCH_DEVICE,
        STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
    },
};
use kmdf_samples::{ToasterDevice, driver};

/// The numbers of the callbacks in power.c.
const STEPS: [&str; 13] = [
    "PrepareHardware",
    "D0Entry",
    "InterruptEnable",
    "D0EntryPostInterruptsEnabled",
    "SelfManagedIoInit",
    "SelfManagedIoRestart",
    "SelfManagedIoSuspend",
    "D0ExitPreInterruptsDisabled",
    "InterruptDisable",
    "D0Exit",
    "ReleaseHardware",
    "QueryStop",
    "QueryRemove",
];

/// A machine with two functions on one line, the driver loaded, and what happened since it was looked at.
struct Bench {
    host: Pin<Box<Host>>,
    events: Rc<RefCell<Vec<Event>>>,
}

fn went<R>(step: Result<R, kmdf_host::Stop>) -> R {
    step.unwrap_or_else(|stop| panic!("the run stopped: {stop}"))
}

impl Bench {
    fn new(values: &[(&str, u32)]) -> Self {
        let events = Rc::new(RefCell::new(Vec::new()));
        let recorder = Rc::clone(&events);
        let functions: Vec<Box<dyn PciFunction>> = vec![
            Box::new(ToasterDevice::new()),
            Box::new(ToasterDevice::new()),
        ];
        let host = Host::new(Machine {
            functions,
            shared_lines: Machine::lines(2, true),
            observer: Some(Box::new(move |record: &Record| {
                recorder.borrow_mut().push(record.event.clone());
            })),
            ..Machine::default()
        });
        let host = host.expect("there is room for a machine");
        for &(name, value) in values {
            host.set_registry_value(0, name, RegistryValue::Dword(value));
        }
        let image = Image::read(&driver("power").image).expect("the driver can be read");
        let symbols = Symbols::load(&image, None).expect("its symbols can be read");
        let loaded = went(
            host.load(image, symbols, "power")
                .expect("it can be mapped"),
        );
        assert_eq!(loaded, STATUS_SUCCESS);
        Self { host, events }
    }

    /// One whose first device fails in a callback, after it has succeeded that often.
    fn failing(step: &str, before: u32) -> Self {
        let number = STEPS.iter().position(|&other| other == step);
        let number = u32::try_from(number.expect("a callback") + 1).expect("there are few");
        Self::new(&[("Fail", number), ("Before", before)])
    }

    fn add(&self, slot: usize) -> NtStatus {
        went(self.host.add_device(slot))
    }

    fn start(&self, slot: usize) -> NtStatus {
        went(self.host.start_device(slot, Grant::Line))
    }

    fn started(self) -> Self {
        for slot in [0, 1] {
            assert_eq!(self.add(slot), STATUS_SUCCESS);
            assert_eq!(self.start(slot), STATUS_SUCCESS);
        }
        self.callbacks();
        self
    }

    /// The callbacks since it was last asked, without the prefixes of their names.
    fn callbacks(&self) -> Vec<&'static str> {
        let events = self.events.take();
        let entered = events.into_iter().filter_map(|event| match event {
            Event::Enter { callback, .. } => callback.strip_prefix("Evt"),
            _ => None,
        });
        entered
            .map(|name| name.strip_prefix("Device").unwrap_or(name))
            .filter(|&name| name != "DriverDeviceAdd")
            .collect()
    }

    /// What the driver printed since it was last asked.
    fn printed(&self) -> Vec<String> {
        let events = self.events.take();
        let printed = events.into_iter().filter_map(|event| match event {
            Event::DebugPrint { text } => Some(text.trim().to_owned()),
            _ => None,
        });
        printed.collect()
    }

    /// Lets the second device assert the line that both share.
    fn interrupt(&self) {
        self.callbacks();
        self.host.poke(1, 0, 4, Width::Dword, 1);
        while went(self.host.turn(Duration::ZERO)) != Turn::Quiet {}
    }

    fn isr_calls(&self) -> usize {
        let all = self.callbacks();
        all.iter().filter(|&&name| name == "InterruptIsr").count()
    }

    /// Removes the devices and unloads the driver, which must leave nothing behind.
    fn end(self) {
        for slot in [0, 1] {
            went(self.host.remove_device(slot));
        }
        went(self.host.unload());
    }
}

const RELEASED: [&str; 1] = ["ReleaseHardware"];
const FLUSHED: [&str; 3] = [
    "ReleaseHardware",
    "SelfManagedIoFlush",
    "SelfManagedIoCleanup",
];
const FAILED: [&str; 4] = [
    "ReleaseHardware",
    "SelfManagedIoFlush",
    "SurpriseRemoval",
    "SelfManagedIoCleanup",
];

#[test]
fn a_start_that_fails_is_undone_from_the_step_that_failed() {
    let up = ["D0Entry", "InterruptEnable", "D0EntryPostInterruptsEnabled"];
    for (step, undone, end) in [
        ("PrepareHardware", &[][..], &RELEASED[..]),
        ("D0Entry", &[], &RELEASED),
        // What was not enabled is not disabled.
        ("InterruptEnable", &["D0Exit"], &RELEASED),
        (
            "D0EntryPostInterruptsEnabled",
            &["InterruptDisable", "D0Exit"],
            &RELEASED,
        ),
        (
            "SelfManagedIoInit",
            &["D0ExitPreInterruptsDisabled", "InterruptDisable", "D0Exit"],
            &FLUSHED,
        ),
    ] {
        let bench = Bench::failing(step, 0);
        assert_eq!(bench.add(0), STATUS_SUCCESS);
        // The driver's own status is lost on the way to D0.
        let expected = if step == "PrepareHardware" {
            STATUS_UNSUCCESSFUL
        } else {
            STATUS_DEVICE_POWER_FAILURE
        };
        assert_eq!(bench.start(0), expected, "{step}");
        let mut all = vec!["PrepareHardware"];
        all.extend(up.iter().chain(["SelfManagedIoInit"].iter()));
        let failed = all.iter().position(|&name| name == step).expect("listed");
        all.truncate(failed + 1);
        all.extend(undone.iter().chain(end));
        assert_eq!(bench.callbacks(), all, "{step}");
        bench.end();
    }
}

#[test]
fn a_device_that_fails_to_stop_is_taken_down_and_only_then_told_so() {
    let down = [
        "SelfManagedIoSuspend",
        "D0ExitPreInterruptsDisabled",
        "InterruptDisable",
        "D0Exit",
    ];
    for step in down.iter().chain(&RELEASED) {
        let bench = Bench::failing(step, 0).started();
        let status = went(bench.host.rebalance(0, Grant::Line));
        assert_eq!(status, STATUS_INVALID_DEVICE_STATE, "{step}");
        let mut all = vec!["QueryStop"];
        all.extend(down.iter().chain(&FAILED));
        assert_eq!(bench.callbacks(), all, "{step}");
        bench.end();
    }
}

#[test]
fn a_device_that_fails_on_its_way_to_sleep_does_not_wake_again() {
    for step in ["SelfManagedIoSuspend", "InterruptDisable", "D0Exit"] {
        let bench = Bench::failing(step, 0).started();
        went(bench.host.sleep(0));
        let all = bench.callbacks();
        assert_eq!(all[all.len() - FAILED.len()..], FAILED, "{step}");
        assert_eq!(went(bench.host.resume(0)), STATUS_SUCCESS);
        assert_eq!(bench.callbacks(), [""; 0]);
        bench.end();
    }
}

#[test]
fn a_device_that_fails_to_wake_is_taken_down_and_only_then_told_so() {
    for (step, undone) in [
        ("D0Entry", &["D0Entry"][..]),
        ("InterruptEnable", &["InterruptEnable", "D0Exit"]),
        (
            "SelfManagedIoRestart",
            &[
                "SelfManagedIoRestart",
                "D0ExitPreInterruptsDisabled",
                "InterruptDisable",
                "D0Exit",
            ],
        ),
    ] {
        let before = u32::from(step != "SelfManagedIoRestart");
        let bench = Bench::failing(step, before).started();
        went(bench.host.sleep(0));
        bench.callbacks();
        assert_eq!(went(bench.host.resume(0)), STATUS_UNSUCCESSFUL);
        let all = bench.callbacks();
        let expected: Vec<_> = undone.iter().chain(&FAILED).copied().collect();
        assert_eq!(all[all.len() - expected.len()..], expected, "{step}");
        bench.end();
    }
}

#[test]
fn a_device_that_does_not_start_again_is_surprise_removed() {
    let bench = Bench::failing("PrepareHardware", 1).started();
    let status = went(bench.host.rebalance(0, Grant::Line));
    assert_eq!(status, STATUS_UNSUCCESSFUL);
    let all = bench.callbacks();
    assert_eq!(all[all.len() - FAILED.len()..], FAILED);
    bench.end();
}

#[test]
fn a_driver_that_cannot_be_stopped_is_not_asked() {
    let bench = Bench::new(&[("CannotStop", 1)]).started();
    let refused = STATUS_INVALID_DEVICE_STATE;
    assert_eq!(went(bench.host.query_remove(0)), refused);
    assert_eq!(went(bench.host.rebalance(0, Grant::Line)), refused);
    assert_eq!(bench.callbacks(), [""; 0]);
    bench.end();
}

#[test]
fn a_question_for_removal_can_be_refused_and_taken_back() {
    let bench = Bench::failing("QueryRemove", 0).started();
    assert_eq!(went(bench.host.query_remove(0)), STATUS_UNSUCCESSFUL);
    assert_eq!(went(bench.host.query_remove(0)), STATUS_SUCCESS);
    assert_eq!(bench.callbacks(), ["QueryRemove", "QueryRemove"]);
    went(bench.host.cancel_remove(0));
    assert_eq!(bench.callbacks(), [""; 0]);
    assert_eq!(went(bench.host.query_remove(0)), STATUS_SUCCESS);
    bench.end();
}

#[test]
fn a_device_that_has_gone_before_its_start_is_removed_without_being_started() {
    let bench = Bench::new(&[]);
    went(bench.host.surprise_remove(0));
    assert_eq!(bench.add(0), STATUS_SUCCESS);
    assert_eq!(bench.start(0), STATUS_NO_SUCH_DEVICE);
    assert_eq!(bench.callbacks(), [""; 0]);
    assert_eq!(bench.add(1), STATUS_SUCCESS);
    went(bench.host.surprise_remove(1));
    assert_eq!(bench.start(1), STATUS_NO_SUCH_DEVICE);
    // It was never started: EvtDeviceSurpriseRemoval is not for it.
    assert_eq!(bench.callbacks(), [""; 0]);
    went(bench.host.unload());
}

#[test]
fn a_device_that_sleeps_comes_to_d0_before_its_removal() {
    let bench = Bench::new(&[]).started();
    went(bench.host.sleep(0));
    bench.callbacks();
    went(bench.host.remove_device(0));
    let all = bench.callbacks();
    assert_eq!(all[0], "D0Entry");
    assert_eq!(all[all.len() - FLUSHED.len()..], FLUSHED);
    bench.end();
}

#[test]
fn an_interrupt_is_connected_in_dx_where_power_is_not_pageable_or_it_is_reported_inactive() {
    for (values, calls) in [
        (&[][..], 1),
        (&[("NotPageable", 1)], 2),
        (&[("ReportInactive", 1)], 2),
    ] {
        let bench = Bench::new(values).started();
        went(bench.host.sleep(0));
        bench.interrupt();
        // Only the second device asserts the line. The first may be asked before it, with registers that
        // read all ones.
        assert_eq!(bench.isr_calls(), calls, "{values:?}");
        assert_eq!(went(bench.host.resume(0)), STATUS_SUCCESS);
        assert!(bench.callbacks().contains(&"InterruptEnable"));
        bench.interrupt();
        assert_eq!(bench.isr_calls(), calls.max(1), "{values:?}");
        // Pulled out while it sleeps: nothing stays connected, and nothing is disabled.
        went(bench.host.sleep(0));
        bench.callbacks();
        went(bench.host.surprise_remove(0));
        assert!(!bench.callbacks().contains(&"InterruptDisable"));
        bench.interrupt();
        assert_eq!(bench.isr_calls(), 1, "{values:?}");
        bench.end();
    }
}

#[test]
fn the_machines_stand_where_a_callback_is_called_from() {
    let bench = Bench::new(&[]);
    assert_eq!(bench.add(0), STATUS_SUCCESS);
    assert_eq!(bench.start(0), STATUS_SUCCESS);
    // Whether the device can be kept in D0: not before it is powered up, and pending until it is in D0.
    assert_eq!(
        bench.printed(),
        [
            "108 300 500 c00002d3",
            "108 30f 501 103",
            "108 310 501 103",
            "108 312 501 103"
        ]
    );
    went(bench.host.sleep(0));
    assert_eq!(
        bench.printed(),
        ["119 31a 527 0", "119 31c 528 0", "119 31c 528 0"]
    );
    assert_eq!(went(bench.host.resume(0)), STATUS_SUCCESS);
    assert_eq!(
        bench.printed(),
        ["119 333 52e 103", "119 335 52e 103", "119 32b 52f 103"]
    );
    assert_eq!(went(bench.host.rebalance(0, Grant::Line)), STATUS_SUCCESS);
    assert_eq!(
        bench.printed(),
        [
            "10f 307 565 0",
            "120 314 55b 0",
            "120 314 55b 0",
            "120 314 55b 0",
            "11e 315 563 c00002d3",
            "11d 315 563 c00002d3",
            "118 30f 58f 103",
            "118 310 58f 103",
            "118 312 58f 103"
        ]
    );
    went(bench.host.surprise_remove(0));
    assert_eq!(
        bench.printed(),
        [
            "127 307 565 0",
            "129 314 55b 0",
            "129 314 55b 0",
            "129 314 55b 0",
            "12a 315 563 c00002d3",
            "12b 315 563 c00002d3",
            "124 315 58e c00002d3"
        ]
    );
    went(bench.host.unload());
}
