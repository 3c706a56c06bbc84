//! That the host's crates depend downward only.

use std::{path::Path, process::Command};

use script_check::layers::{Crates, LAYERS, breaches};

/// The workspace's crates, as cargo knows them.
fn workspace() -> Crates {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let root = text(&metadata["workspace_root"]);
    let packages = metadata["packages"].as_array().expect("a list");
    packages
        .iter()
        .map(|package| {
            let manifest = text(&package["manifest_path"]);
            let place = manifest
                .strip_prefix(&root)
                .expect("a crate of the checkout");
            let place = place.trim_end_matches("Cargo.toml").replace('\\', "/");
            let place = place.trim_matches('/');
            let needs = package["dependencies"].as_array().expect("a list");
            let needs = needs.iter().map(|need| text(&need["name"])).collect();
            (text(&package["name"]), (place.to_owned(), needs))
        })
        .collect()
}

#[test]
fn the_hosts_crates_depend_downward_only() {
    let found = breaches(&workspace());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_way_up_is_found_and_so_is_a_crate_on_no_floor() {
    let crate_in = |name: &str, place: &str, needs: &[&str]| {
        let needs = needs.iter().map(|need| (*need).to_owned()).collect();
        (name.to_owned(), (place.to_owned(), needs))
    };
    let right = || -> Crates {
        let layers = LAYERS
            .iter()
            .map(|layer| crate_in(layer, "host/somewhere", &[]));
        layers.chain([crate_in("edu-spec", "spec", &[])]).collect()
    };
    assert_eq!(breaches(&right()), [""; 0]);

    let with = |name, place, needs: &[&str]| {
        let mut crates = right();
        crates.extend([crate_in(name, place, needs)]);
        breaches(&crates)
    };
    assert_eq!(
        with("kmdf-kernel", "host/kernel", &["kmdf-machine", "libc"]),
        [""; 0]
    );
    assert_eq!(
        with("kmdf-image", "host/image", &["kmdf-inf"]),
        ["kmdf-image depends on kmdf-inf, which is above it"]
    );
    assert_eq!(
        with("kmdf-machine", "host/machine", &["edu-spec"]),
        ["kmdf-machine depends on edu-spec, which is not a part of the host"]
    );
    assert_eq!(
        with("kmdf-umdf", "host/umdf", &[]),
        ["kmdf-umdf in host/umdf is on no floor: list it"]
    );
    assert_eq!(
        with("kmdf-samples", "host/samples", &["kmdf-host"]),
        [""; 0]
    );

    let mut without = right();
    without.remove("kmdf-rules");
    assert_eq!(
        breaches(&without),
        ["kmdf-rules is listed, and is not a crate"]
    );
}
