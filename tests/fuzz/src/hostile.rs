//! The driver on a hostile device and under a hostile app, whose threads interleave.

use std::{cell::OnceCell, collections::BTreeSet, path::PathBuf, sync::Arc};

use edu_lab::EduDevices;
use kmdf_host::{
    Driver,
    cli::Devices,
    explore::{Scenario, Target, Way},
};

thread_local! {
    static HOSTILE: OnceCell<(Target, Arc<dyn Scenario>)> = const { OnceCell::new() };
}

/// Runs the driver on the device and under the app that the bytes make, in the simplest order and in a
/// schedule that they draw. Gives the call sites of the driver that were reached.
///
/// # Panics
/// The driver has not been built, or something is wrong with it. The bytes are in the message.
#[must_use]
pub fn hostile(bytes: &[u8]) -> BTreeSet<u32> {
    HOSTILE.with(|once| {
        let (target, scenario) = once.get_or_init(prepared);
        let shaped = scenario.with_input(bytes).expect("bytes shape it");
        let mut sites = BTreeSet::new();
        // The last byte is the schedule as well: in the simplest one no thread is preempted.
        let drawn = bytes.last().map(|&seed| Way {
            seed: Some(seed.into()),
            ..Way::default()
        });
        for way in [Some(Way::default()), drawn].into_iter().flatten() {
            let replayed = target.replay(&shaped, way, None);
            if let Err(wrong) = replayed.result {
                panic!(
                    "{wrong}\nto replay: edu-lab replay --driver {DRIVER} --inf {INF} --scenario \
                     hostile {way} --input FILE, with these bytes in the file: {bytes:02x?}"
                );
            }
            sites.extend(replayed.sites);
        }
        sites
    })
}

const DRIVER: &str = "target/cross/x86_64/edu_kmdf.sys";
const INF: &str = "inf/edu_kmdf.inx";

fn prepared() -> (Target, Arc<dyn Scenario>) {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let driver = Driver {
        image: root.join(DRIVER),
        symbols: None,
        inf: root.join(INF),
    };
    let target = Target::read(driver, 2, Vec::new())
        .unwrap_or_else(|error| panic!("{error}; `sh scripts/build-driver.sh` builds the driver"));
    let scenario = EduDevices
        .scenarios()
        .into_iter()
        .find(|scenario| scenario.name() == "hostile")
        .expect("there is a scenario of that name");
    (target, scenario)
}
