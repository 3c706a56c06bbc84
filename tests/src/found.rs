//! Where the things under test are.
//!
//! | what | variable | otherwise |
//! | --- | --- | --- |
//! | the driver | `EDU_KMDF_SYS` | `target/cross/x86_64/edu_kmdf.sys` |
//! | the driver for ARM64 | `EDU_KMDF_SYS_AARCH64` | `target/cross/aarch64/edu_kmdf.sys` |
//! | the smallest driver | `EDU_MINIMAL_SYS` | `target/cross/x86_64/edu_minimal.sys` |
//! | its INF | `EDU_MINIMAL_INF` | `driver/minimal/edu_minimal.inx` |
//! | the driver's INF | `EDU_KMDF_INF` | `inf/edu_kmdf.inx` |
//! | its INF for PASSIVE_LEVEL | `EDU_KMDF_PASSIVE_INF` | `inf/edu_kmdf_passive.inx` |
//! | `edu-lab` | `EDU_LAB` | beside the tests: the same profile of the same target directory |
//! | `eductl` | `EDUCTL` | the same |
//! | QEMU | `KMDF_HOST_QEMU` | `qemu-system-x86_64` in `PATH`, or what `scripts/qemu.sh` unpacked |

use std::{
    env,
    path::{Path, PathBuf},
};

/// The root of the repository.
///
/// # Panics
/// The package has been moved.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is a directory of the repository")
}

/// The driver as it is shipped.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn driver() -> PathBuf {
    existing(
        "EDU_KMDF_SYS",
        root().join("target/cross/x86_64/edu_kmdf.sys"),
        "sh scripts/build-driver.sh",
    )
}

/// The smallest driver.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn minimal() -> PathBuf {
    existing(
        "EDU_MINIMAL_SYS",
        root().join("target/cross/x86_64/edu_minimal.sys"),
        "sh scripts/build-driver.sh --package edu_minimal",
    )
}

/// The INF of the smallest driver.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn minimal_inf() -> PathBuf {
    existing(
        "EDU_MINIMAL_INF",
        root().join("driver/minimal/edu_minimal.inx"),
        "git checkout driver/minimal",
    )
}

/// The driver for ARM64, if it has been built.
#[must_use]
pub fn driver_for_arm64() -> Option<PathBuf> {
    let path = env::var_os("EDU_KMDF_SYS_AARCH64").map_or_else(
        || root().join("target/cross/aarch64/edu_kmdf.sys"),
        PathBuf::from,
    );
    path.is_file().then_some(path)
}

/// The INF that the driver is installed from.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn inf() -> PathBuf {
    existing(
        "EDU_KMDF_INF",
        root().join("inf/edu_kmdf.inx"),
        "git checkout inf/edu_kmdf.inx",
    )
}

/// The INF that installs the driver to handle interrupts at PASSIVE_LEVEL.
///
/// # Panics
/// It is not there.
#[must_use]
pub fn passive_inf() -> PathBuf {
    existing(
        "EDU_KMDF_PASSIVE_INF",
        root().join("inf/edu_kmdf_passive.inx"),
        "git checkout inf/edu_kmdf_passive.inx",
    )
}

/// The program `edu-lab`.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn edu_lab() -> PathBuf {
    existing(
        "EDU_LAB",
        beside_the_tests("edu-lab"),
        "cargo build -p edu-lab",
    )
}

/// The program `eductl`.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn eductl() -> PathBuf {
    existing(
        "EDUCTL",
        beside_the_tests("eductl"),
        "cargo build -p eductl",
    )
}

/// QEMU.
///
/// # Panics
/// It is not installed.
#[must_use]
pub fn qemu() -> PathBuf {
    const PROGRAM: &str = "qemu-system-x86_64";
    let in_path = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path)
            .map(|directory| directory.join(PROGRAM))
            .find(|candidate| candidate.is_file())
    });
    let unpacked = root().join("target/prefix/qemu/bin").join(PROGRAM);
    existing(
        kmdf_host::device::qemu::VARIABLE,
        in_path.unwrap_or(unpacked),
        "sh scripts/qemu.sh",
    )
}

/// A program that cargo puts into the same profile's directory as the tests.
fn beside_the_tests(name: &str) -> PathBuf {
    let tests = env::current_exe().expect("a process knows its program");
    let profile = tests
        .parent()
        .and_then(Path::parent)
        .expect("cargo puts tests into PROFILE/deps");
    profile.join(name)
}

fn existing(variable: &str, otherwise: PathBuf, command: &str) -> PathBuf {
    let path = env::var_os(variable).map_or(otherwise, PathBuf::from);
    assert!(
        path.is_file(),
        "{} is not there. To make it: `{command}`. To use another one: set {variable}.",
        path.display()
    );
    path
}
