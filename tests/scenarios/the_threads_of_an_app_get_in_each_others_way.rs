//! Apps whose threads use the same handles at the same time: the scenario `hostile-app`, looked into.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf, rc::Rc, sync::Arc};

use edu_lab::EduDevices;
use edu_tests::found;
use kmdf_host::{
    Driver, Event, Record,
    cli::Devices,
    explore::{Scenario, Target, Way},
};

/// How many schedules are looked into.
const SEEDS: u64 = 600;

fn target() -> Target {
    let driver = Driver {
        image: found::driver(),
        symbols: None,
        inf: found::inf(),
    };
    Target::read(driver, 2, Vec::new()).expect("the driver can be read")
}

fn scenario(name: &str) -> Arc<dyn Scenario> {
    let scenarios = EduDevices.scenarios();
    scenarios
        .into_iter()
        .find(|scenario| scenario.name() == name)
        .expect("there is a scenario of that name")
}

fn of_seed(seed: u64) -> Way {
    Way {
        seed: Some(seed),
        ..Way::default()
    }
}

/// Which callbacks were called while which others had not returned, on other threads.
fn overlaps(records: &[Record]) -> BTreeMap<(&'static str, &'static str), u32> {
    let mut running: BTreeMap<u32, Vec<&'static str>> = BTreeMap::new();
    let mut overlaps = BTreeMap::new();
    for record in records {
        let Some(flow) = record.flow else { continue };
        match record.event {
            Event::Enter { callback, .. } => {
                for (_, others) in running.iter().filter(|(other, _)| **other != flow) {
                    for &other in others {
                        *overlaps.entry((callback, other)).or_default() += 1;
                    }
                }
                running.entry(flow).or_default().push(callback);
            }
            Event::Leave { .. } => drop(running.entry(flow).or_default().pop()),
            _ => {}
        }
    }
    overlaps
}

#[test]
fn they_send_cancel_and_close_while_the_driver_serves_another() {
    let (target, scenario) = (target(), scenario("hostile-app"));
    let mut seen: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for seed in 0..SEEDS {
        let records: Rc<RefCell<Vec<Record>>> = Rc::default();
        let kept = Rc::clone(&records);
        let observer = Box::new(move |record: &Record| kept.borrow_mut().push(record.clone()));
        let replayed = target.replay(&scenario, of_seed(seed), Some(observer));
        assert!(
            replayed.result.is_ok(),
            "{}",
            command(seed, &replayed.result)
        );
        for (pair, times) in overlaps(&records.borrow()) {
            *seen.entry(pair).or_default() += times;
        }
    }
    for pair in [
        ("EvtIoDeviceControl", "EvtIoDeviceControl"),
        ("EvtFileCleanup", "EvtIoDeviceControl"),
        ("EvtIoDeviceControl", "EvtFileCleanup"),
        ("EvtRequestCancel", "EvtIoDeviceControl"),
        ("EvtInterruptIsr", "EvtIoDeviceControl"),
    ] {
        assert!(seen.contains_key(&pair), "never {pair:?} in {seen:#?}");
    }
}

#[test]
fn a_schedule_of_a_seed_is_the_same_each_time_and_another_of_another() {
    let (target, scenario) = (target(), scenario("hostile-app"));
    let input: Vec<u8> = (0..240_u32).map(|n| (n * 37 % 251) as u8).collect();
    let shaped = scenario.with_input(&input).expect("bytes shape it");
    let digest = |seed| {
        let replayed = target.replay(&shaped, of_seed(seed), None);
        assert!(
            replayed.result.is_ok(),
            "seed {seed}: {:?}",
            replayed.result
        );
        replayed.digest
    };
    let mut digests: Vec<_> = (0..10).map(digest).collect();
    assert_eq!(digests, (0..10).map(digest).collect::<Vec<_>>());
    digests.sort_unstable();
    digests.dedup();
    assert!(
        digests.len() > 5,
        "the bytes alone do not decide: {digests:x?}"
    );
}

/// What a run came to, and how to see it again.
fn command(seed: u64, result: &impl std::fmt::Debug) -> String {
    let [driver, inf] =
        [found::driver(), found::inf()].map(|path: PathBuf| path.display().to_string());
    format!(
        "{result:?}\nto replay: edu-lab replay --driver {driver} --inf {inf} --scenario hostile-app \
         --seed {seed}"
    )
}
