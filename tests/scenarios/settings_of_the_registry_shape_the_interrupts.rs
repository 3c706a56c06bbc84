//! The same binary with other values in the device's hardware key: when its interrupt objects are
//! created, which processors take them.

use edu_lab::EduModel;
use edu_model::{Config, Messages};
use edu_tests::{
    Bench, Lab,
    bench::factorial,
    doctored::{self, Doctored},
    for_each_seed,
    program::Run,
    tamper::{Tampered, nothing},
    timeline::calls_of,
};
use kmdf_host::{Event, File, Grant, Interrupts};

/// The INF with more values in the hardware key.
fn inf_with(values: &[(&str, u32)]) -> Doctored {
    const SECTION: &str = "[EduDevice.Interrupts]\n";
    let mut lines = String::from(SECTION);
    for (name, value) in values {
        lines.push_str("HKR,, ");
        lines.push_str(name);
        lines.push_str(", 0x00010001, ");
        lines.push_str(&value.to_string());
        lines.push('\n');
    }
    doctored::inf(SECTION, &lines)
}

fn works(lab: &Lab, file: &File, interrupts: u32) {
    assert_eq!(lab.information(file).interrupt_count, interrupts);
    for n in [5, 12] {
        assert_eq!(lab.factorial(file, n), Ok(factorial(n)));
    }
    assert_eq!(lab.write(file, 0, b"abc"), Ok(3));
    assert_eq!(lab.read(file, 0, 3).as_deref(), Ok(&b"abc"[..]));
}

#[test]
fn interrupt_objects_may_be_created_when_their_resources_are_known() {
    let inf = inf_with(&[("InterruptLate", 1)]);
    for (messages, interrupts, connected) in [
        (Messages::One, Interrupts::AsInstalled, 1),
        (Messages::Two, Interrupts::AsInstalled, 2),
        (Messages::Two, Interrupts::OneMessage, 1),
        (Messages::Two, Interrupts::Line, 1),
    ] {
        for_each_seed(4, |seed| {
            let lab = Bench::model(Config {
                messages,
                ..Config::default()
            })
            .inf(inf.path())
            .interrupts(interrupts)
            .seed(seed)
            .boot();
            let created_in = |name| -> usize {
                calls_of(&lab.records(), name)
                    .iter()
                    .flat_map(|call| &call.services)
                    .filter(|&&service| service == "WdfInterruptCreate")
                    .count()
            };
            assert_eq!(created_in("EvtDriverDeviceAdd"), 0);
            assert_eq!(created_in("EvtDevicePrepareHardware"), connected as usize);
            let file = lab.open();
            works(&lab, &file, connected);

            // They go with their resources, and come back with others.
            let host = lab.session().host();
            for (grant, connected) in [(Grant::Line, 1), (Grant::Messages(1), 1)] {
                host.stop_device(0)
                    .unwrap_or_else(|stop| panic!("the run stopped: {stop}"));
                let status = host
                    .start_device(0, grant)
                    .unwrap_or_else(|stop| panic!("the run stopped: {stop}"));
                assert!(status.is_success(), "{grant:?}: {status:?}");
                works(&lab, &file, connected);
            }
            lab.shut_down();
        });
    }
}

#[test]
fn there_are_as_many_as_messages_then_also_more_than_the_driver_makes_use_of() {
    let model = EduModel::new(Config {
        messages: Messages::Two,
        ..Config::default()
    });
    let device =
        Tampered::new(Box::new(model), nothing()).with_identity(|identity| identity.messages = 4);
    let inf = doctored::inf(
        "MessageNumberLimit, 0x00010001, 2",
        "MessageNumberLimit, 0x00010001, 4",
    );
    let lab = Bench::with_device(device)
        .inf(inf.path())
        .registry("InterruptLate", 1)
        .boot();
    let start = &calls_of(&lab.records(), "EvtDevicePrepareHardware")[0];
    let created = start
        .services
        .iter()
        .filter(|&&service| service == "WdfInterruptCreate");
    assert_eq!(created.count(), 4);
    // The app is told of those that have a use.
    works(&lab, &lab.open(), 2);
    lab.shut_down();
}

#[test]
fn without_that_value_they_are_created_when_the_device_is_added() {
    let lab = Bench::model(Config::default()).boot();
    let add = &calls_of(&lab.records(), "EvtDriverDeviceAdd")[0];
    let created = add
        .services
        .iter()
        .filter(|&&service| service == "WdfInterruptCreate");
    assert_eq!(created.count(), 2, "one for each message of the spec");
    lab.shut_down();
}

#[test]
fn the_processors_that_the_registry_names_take_the_interrupts_and_no_others() {
    for mask in [0b0001_u32, 0b0100, 0b1010] {
        let inf = inf_with(&[("InterruptProcessors", mask)]);
        for interrupts in [Interrupts::AsInstalled, Interrupts::Line] {
            for_each_seed(6, |seed| {
                let lab = Bench::model(Config::default())
                    .inf(inf.path())
                    .interrupts(interrupts)
                    .processors(4)
                    .seed(seed)
                    .boot();
                let file = lab.open();
                works(&lab, &file, 1);
                let information = lab.information(&file);
                assert_eq!(information.interrupts[0].target_processors, u64::from(mask));
                let records = lab.shut_down().records;
                let mut taken = 0;
                for record in &records {
                    if let Event::Enter {
                        callback: "EvtInterruptIsr",
                        ..
                    } = record.event
                    {
                        let processor = record.processor.expect("an ISR runs on a processor");
                        assert!(
                            mask >> processor & 1 == 1,
                            "{mask:#b}: processor {processor}"
                        );
                        taken += 1;
                    }
                }
                assert_eq!(taken, 4);
            });
        }
    }
}

#[test]
fn a_priority_of_the_registry_is_set_and_one_that_does_not_exist_is_ignored() {
    for priority in [1, 2, 3, 0, 4, u32::MAX] {
        let inf = inf_with(&[("InterruptPriority", priority)]);
        let lab = Bench::model(Config::default()).inf(inf.path()).boot();
        let file = lab.open();
        works(&lab, &file, 1);
        lab.shut_down();
    }
}

#[test]
fn a_person_may_set_a_value_without_another_inf() {
    for device in ["model,messages=2", "qemu:edu"] {
        Run::on(device)
            .arguments(["--registry", "InterruptProcessors=0x2"])
            .arguments(["--registry", "InterruptPriority=3"])
            .eductl(["info"])
            .end()
            .exits(0)
            .says("processors 0x2 of group 0\n")
            .says("nothing left behind");
    }
    // As the passive INF does: the line, because only a line can be handled there.
    Run::on("model")
        .arguments(["--registry", "InterruptPassive=1", "--interrupts", "line"])
        .eductl(["stress", "--count", "50"])
        .end()
        .exits(0)
        .says("50 right, 0 wrong, 0 failed");
    Run::on("model")
        .arguments(["--registry", "InterruptLate"])
        .end()
        .exits(2)
        .complains("NAME=DWORD");
}
