//! What becomes of a QEMU that is not there, or does not do as it should. These QEMUs are shell
//! scripts: no real one is needed.
#![cfg(unix)]

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use kmdf_host::device::{
    DeviceError,
    qemu::{Qemu, QemuOptions},
};
use tempfile::TempDir;

/// How the start of a device fails on a QEMU that is this script.
fn start_on(script: &str) -> DeviceError {
    start_within(Duration::from_mins(1), script)
}

/// The same, if it has to answer within a limit.
fn start_within(answer_limit: Duration, script: &str) -> DeviceError {
    let folder = TempDir::new().expect("there is a place for temporary files");
    let program = folder.path().join("qemu");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a script can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let options = QemuOptions {
        qemu: Some(program),
        answer_limit,
        ..QemuOptions::new("edu")
    };
    Qemu::start(options).expect_err("a script is not QEMU")
}

#[test]
fn a_qemu_that_is_not_there_is_missed_with_a_hint() {
    let options = QemuOptions {
        qemu: Some("/nowhere/qemu-system-x86_64".into()),
        ..QemuOptions::new("edu")
    };
    let error = Qemu::start(options).expect_err("there is none");
    assert!(matches!(error, DeviceError::Missing { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("/nowhere/qemu-system-x86_64"), "{words}");
    assert!(words.contains("apt-get install qemu-system-x86"), "{words}");
}

#[test]
fn a_qemu_that_ends_at_once_is_quoted() {
    let error = start_on("echo 'no such device' >&2; exit 3");
    assert!(matches!(error, DeviceError::Died { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("-device edu"), "{words}");
    assert!(words.contains("exit status: 3"), "{words}");
    assert!(words.contains("no such device"), "{words}");
}

#[test]
fn a_qemu_that_a_signal_ends_is_told_by_its_signal() {
    let error = start_on("kill -SEGV $$");
    assert!(matches!(error, DeviceError::Died { .. }), "{error}");
    assert!(error.to_string().contains("signal: 11"), "{error}");
}

#[test]
fn a_qemu_that_says_nothing_is_not_waited_for_without_end() {
    let error = start_within(Duration::from_millis(50), "exec sleep 1000");
    assert!(matches!(error, DeviceError::Silent { .. }), "{error}");
}

#[test]
fn a_qemu_that_speaks_another_protocol_is_quoted() {
    let error = start_on("echo HELLO >&0; exec sleep 1000");
    let DeviceError::Protocol { answer, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(answer, "HELLO");
}
