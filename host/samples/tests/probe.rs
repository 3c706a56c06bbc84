//! The probe driver: what it finds of the framework to be as documented.

mod probe {
    pub mod harness;
    pub mod list;
}

use std::sync::Arc;

use kmdf_host::{
    device::PciFunction,
    explore::{Runs, Scenario, Stage, Target, Wrong, explore},
};
use kmdf_samples::{READ_WRITE, driver};
use probe::{
    harness::{INTERFACE, counted, devices, run_all, run_at_start, run_one},
    list::{groups, probes},
};

/// Runs each probe of a group on a device of its own, and lists those that do not hold.
fn holds(group: &str) {
    let names: Vec<_> = probes(group).collect();
    assert!(!names.is_empty(), "{group} has no probes");
    let wrong: Vec<_> = names
        .iter()
        .filter_map(|name| {
            let wrong = run_one(group, name).err()?;
            Some(format!("{name}: {wrong}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} probes do not hold:\n{}",
        wrong.len(),
        names.len(),
        wrong.join("\n")
    );
}

/// One test for each group.
macro_rules! groups {
    ($($group:ident)*) => {
        mod group {
            $(#[test]
            fn $group() {
                super::holds(stringify!($group));
            })*
        }
        const TESTED: &[&str] = &[$(stringify!($group)),*];
    };
}

groups! {
    driver
    objects
    locks
    memory
    strings
    registry
    timers
    deferred
    devices
    properties
    power
    interrupts
    targets
    remote
    resources
    queues
    requests
    files
    device_init
    control
    interfaces
    dma
    kernel
}

#[test]
fn every_group_has_a_test_and_every_file_a_group() {
    assert_eq!(groups().collect::<Vec<_>>(), TESTED);
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/probe");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("the probe's directory")
        .filter_map(|entry| {
            let name = entry.expect("a file").file_name();
            let name = name.to_str().expect("ASCII");
            name.strip_suffix(".c").map(str::to_owned)
        })
        .filter(|name| name != "probe")
        .collect();
    files.sort_unstable();
    let mut tested = TESTED.to_vec();
    tested.sort_unstable();
    assert_eq!(files, tested);
}

#[test]
fn all_probes_hold_in_one_run_and_its_last_line_says_so() {
    let all = groups().flat_map(probes).count();
    let (lines, counts) = run_all(&[]);
    let begun: Vec<_> = groups().map(|group| format!("probe: {group}")).collect();
    let (last, before) = lines.split_last().expect("lines");
    assert_eq!(last, &format!("probe: {all} of {all} hold"));
    assert_eq!(before, begun);
    assert_eq!(counts, [all, all, 0]);
}

#[test]
fn a_probe_that_does_not_hold_shows_in_the_last_line() {
    let all = groups().flat_map(probes).count();
    let (lines, counts) = run_all(&1_u32.to_le_bytes());
    let last = lines.last().expect("lines");
    assert_eq!(last, &format!("probe: {all} of {} hold", all + 1));
    let before = &lines[lines.len() - 2];
    assert!(
        before.starts_with("probe: probe.c:")
            && before.ends_with(": this_does_not_hold does not hold"),
        "{before}"
    );
    assert_eq!(counts, [all, all + 1, 0]);
}

#[test]
fn the_registry_has_all_probes_run_without_an_app() {
    let all = groups().flat_map(probes).count();
    let lines = run_at_start();
    let last = lines.last().expect("lines");
    let [held, run, without] = counted(last);
    assert_eq!((held, run + without), (run, all), "{lines:#?}");
    assert!(
        without < all / 2,
        "most probes need no app's request: {last}"
    );
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
        stage.wait(&stage.submit(&file, probe::harness::probe(name)))?;
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
