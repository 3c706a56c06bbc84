//! The layers of the host: none of its crates depends on one above it.
//!
//! Cargo itself refuses a circle. What it lets pass, and this does not, is a way up that nothing closes
//! yet: the reader of images that asks the scheduler for something.

use std::collections::BTreeMap;

/// The host's crates, lowest first.
pub const LAYERS: &[&str] = &[
    "kmdf-rules",
    "kmdf-bus",
    "kmdf-instructions",
    "kmdf-image",
    "kmdf-inf",
    "kmdf-install",
    "kmdf-devices",
    "kmdf-machine",
    "kmdf-kernel",
    "kmdf-framework",
    "kmdf-host-client",
    "kmdf-session",
    "kmdf-explore",
    "kmdf-host",
];

/// What all of them may know beside each other: the facts of the ABI.
const FACTS: &[&str] = &["kmdf-abi"];

/// The crates of a workspace: where each lies from its root, and the members that it depends on, in
/// whatever way.
pub type Crates = BTreeMap<String, (String, Vec<String>)>;

/// What breaks the order of the layers.
#[must_use]
pub fn breaches(crates: &Crates) -> Vec<String> {
    let floor = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    let mut found = Vec::new();
    for (name, (place, needs)) in crates {
        let in_host = place == "host" || place.starts_with("host/") && place != "host/samples";
        match floor(name) {
            None if in_host => found.push(format!("{name} in {place} is on no floor: list it")),
            None => {}
            Some(own) => {
                for need in needs.iter().filter(|need| crates.contains_key(*need)) {
                    match floor(need) {
                        Some(other) if other < own => {}
                        Some(_) => {
                            found.push(format!("{name} depends on {need}, which is above it"));
                        }
                        None if FACTS.contains(&need.as_str()) => {}
                        None => found.push(format!(
                            "{name} depends on {need}, which is not a part of the host"
                        )),
                    }
                }
            }
        }
    }
    let missing = LAYERS.iter().filter(|layer| !crates.contains_key(**layer));
    found.extend(missing.map(|layer| format!("{layer} is listed, and is not a crate")));
    found
}
