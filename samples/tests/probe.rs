//! The probe driver: what it finds of the framework to be as documented.

use std::{sync::Arc, time::Duration};

use kmdf_host::{
    Interrupts, Machine, Operation, Session,
    device::{Answer, PciFunction, RootDevice, Sent, SentKind},
    explore::{Runs, Scenario, Stage, Target, Wrong, explore},
    ntstatus::STATUS_SUCCESS,
};
use kmdf_samples::{READ_WRITE, control_code, driver, guid};

const INTERFACE: [u8; 16] = guid(
    0x0b8d_4a61,
    0x6c1d,
    0x4d5e,
    [0x9a, 0x76, 0x8f, 0x3f, 0x2f, 0x0c, 0x7e, 0x15],
);
/// IOCTL_PROBE
const PROBE: u32 = control_code(0x800, 0, 0);
/// IOCTL_BELOW_REVERSE, IOCTL_BELOW_SLOW
const REVERSE: u32 = control_code(0x900, 0, 0);
const SLOW: u32 = control_code(0x901, 0, 0);
/// The list of probes is in here.
const HEADER: &str = include_str!("../probe/probe.h");

/// The names of the probes, in the order of their numbers.
fn names() -> impl Iterator<Item = &'static str> {
    let listed = HEADER
        .lines()
        .skip_while(|line| !line.starts_with("#define PROBES"));
    listed.filter_map(|line| {
        let (_, name) = line.split_once("PROBE(")?;
        name.split_once(')').map(|(name, _)| name)
    })
}

/// The driver below, as probe.h describes it.
fn below(sent: &Sent) -> Answer {
    match sent.kind {
        SentKind::Read => {
            let bytes = (sent.offset..).take(sent.output_length);
            Answer::of(bytes.map(|byte| byte.to_le_bytes()[0]).collect())
        }
        SentKind::Write => Answer {
            information: sent.input.len() as u64,
            ..Answer::with(STATUS_SUCCESS)
        },
        SentKind::Control if sent.code == REVERSE => {
            Answer::of(sent.input.iter().rev().copied().collect())
        }
        SentKind::Control if sent.code == SLOW => {
            Answer::with(STATUS_SUCCESS).after(Duration::from_secs(1))
        }
        _ => Answer::unknown(),
    }
}

/// The number of a probe.
fn number(name: &str) -> u32 {
    let number = names().position(|other| other == name);
    let number = number.unwrap_or_else(|| panic!("probe.h does not list {name}"));
    u32::try_from(number).expect("a short list")
}

fn probe(name: &str) -> Operation {
    Operation::Control {
        code: PROBE,
        input: number(name).to_le_bytes().to_vec(),
        output_length: 4,
    }
}

fn devices() -> Vec<Box<dyn PciFunction>> {
    vec![Box::new(RootDevice::new(r"ROOT\SAMPLE_PROBE").above(below))]
}

/// Runs one probe on a device of its own.
fn holds(name: &str) {
    let machine = Machine {
        functions: devices(),
        ..Machine::default()
    };
    let session = Session::boot(&driver("probe"), machine, Interrupts::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    let outcome = session
        .request(&file, probe(name))
        .unwrap_or_else(|stop| panic!("{stop}"));
    assert_eq!(outcome.status, STATUS_SUCCESS);
    let line = u32::from_le_bytes(outcome.output.try_into().expect("an ULONG"));
    assert_eq!(line, 0, "samples/probe/probe.c:{line} does not hold");
    session.host().close(&file);
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
}

macro_rules! probes {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            holds(stringify!($name));
        })*
        const ALL: &[&str] = &[$(stringify!($name)),*];
    };
}

probes! {
    a_look_aside_list_makes_memory_of_one_size
    a_callback_lock_is_taken_and_given_back
    a_driver_tells_pnp_of_its_device
    a_started_device_is_in_d0
    wdm_objects_lead_back_to_those_of_the_framework
    properties_are_found_by_their_keys
    assigned_properties_are_kept
    a_registry_key_is_removed_when_nothing_is_in_it
    a_device_without_a_name_has_none_to_tell
    the_loader_says_what_the_framework_has
    what_is_below_answers_while_the_sender_waits
    memory_objects_are_sent_in_part
    a_sent_request_comes_back_to_its_routine
    a_sent_request_is_canceled
    a_sent_request_has_a_limit
    a_stopped_target_keeps_what_is_sent
    a_purged_target_takes_nothing
    a_local_target_is_of_its_device
    a_control_device_is_deleted_with_the_last_device
}

#[test]
fn every_probe_is_run() {
    assert_eq!(names().collect::<Vec<_>>(), ALL);
}

/// A probe, then the end of everything.
struct Leave;

impl Scenario for Leave {
    fn name(&self) -> &'static str {
        "leave"
    }

    fn about(&self) -> &'static str {
        "a control device is deleted while the driver is unloaded"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        devices()
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let file = stage.open(INTERFACE, 0, READ_WRITE)?;
        let name = "a_control_device_is_deleted_with_the_last_device";
        stage.wait(&stage.submit(&file, probe(name)))?;
        stage.host().close(&file);
        Ok(())
    }
}

#[test]
fn the_driver_is_not_unloaded_before_its_control_device_has_gone() {
    let target = Target::read(driver("probe"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        seeds: 0..100,
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Leave)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
    assert!(explored.schedules >= 100);
}
