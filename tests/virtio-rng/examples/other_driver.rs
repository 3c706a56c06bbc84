//! Counts and explores another driver of virtio's entropy device: what docs/virtio-rng.md compares.
//!
//! ```sh
//! cargo run -p virtio-rng-tests --example other_driver -- FILE.sys FILE.inf GUID [SEEDS]
//! ```
//!
//! GUID is the class of its interface. It prints what a read costs, and then what the scenarios of a correct device
//! find, cause by cause: with the device's interrupt, a cancellation and a sleep at every instruction, and with SEEDS seeds.
//! An exploration ends after 20 findings.

use std::{collections::BTreeSet, env, error::Error};

use kmdf_host::{
    Driver,
    explore::{Cause, Runs, Target, explore},
};
use virtio_rng_tests::{all_of, per_read};

/// A GUID in memory order, of its usual form without braces.
fn guid(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(&text.replace('-', ""), 16).ok()?;
    let mut bytes = number.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    Some(bytes)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let usage = "usage: other_driver FILE.sys FILE.inf GUID [SEEDS]";
    let (image, inf, class, seeds) = match &arguments[..] {
        [image, inf, class] => (image, inf, class, 0),
        [image, inf, class, seeds] => (image, inf, class, seeds.parse()?),
        _ => return Err(usage.into()),
    };
    let class = guid(class).ok_or("GUID is not a GUID without braces")?;
    let driver = Driver {
        image: image.into(),
        symbols: None,
        inf: inf.into(),
    };
    println!("{:#?}", per_read(driver.clone(), class)?);
    let scenarios: Vec<_> = all_of(class)
        .into_iter()
        .filter(|scenario| !scenario.is_hostile())
        .collect();
    let target = Target::read(driver, 2, Vec::new())?;
    let causes = [Cause::Device, Cause::Cancel, Cause::Sleep];
    let ways = causes
        .iter()
        .flat_map(|&cause| [(cause, true, 0), (cause, false, seeds)]);
    for (cause, every_boundary, seeds) in ways {
        let runs = Runs {
            seeds: 0..seeds,
            causes: vec![cause],
            disturb: true,
            every_boundary,
            threads: 2,
            ..Runs::default()
        };
        let explored = explore(&target, &scenarios, &runs, &mut |_, _, _, _| {});
        let findings = explored.findings;
        println!(
            "{cause:?}: {} runs with an event at a boundary, {} schedules, {} findings",
            explored.boundary_runs,
            explored.schedules,
            findings.len()
        );
        // The first of each kind.
        let mut kinds = BTreeSet::new();
        for finding in findings {
            let text = finding.wrong.to_string();
            if kinds.insert(text.lines().next().unwrap_or_default().to_owned()) {
                println!("\n{} {}\n{text}", finding.scenario, finding.way);
            }
        }
    }
    Ok(())
}
