//! What eductl says and how it exits when something is not there, goes away or answers nonsense.
#![cfg(unix)]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "snapbox writes the expected output (SNAPSHOTS=overwrite cargo test)"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::{io::Write, thread, time::Duration};

use edu_spec::wire::Information;
use kmdf_host_client::{
    framing::encode,
    protocol::{Greeting, Reply, VERSION},
};
use snapbox::str;
use support::{Answer, Host, INVALID_PARAMETER, eductl, good, information};
use zerocopy::IntoBytes;

#[test]
fn a_failed_request_ends_with_code_4_and_names_the_status() {
    let refusing = |_: &mut _, _, _: &_| Answer::status(INVALID_PARAMETER);
    Host::start(refusing)
        .eductl(["raise", "1"])
        .assert()
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: the request failed: the driver does not take this value (STATUS_INVALID_PARAMETER 0xC000000D; Win32 ERROR_INVALID_PARAMETER 87)

"#]]);
    Host::start(refusing)
        .eductl(["raise", "1", "--json"])
        .assert()
        .code(4)
        .stdout_eq(str![[r#"
{"command":"raise","error":{"kind":"request_failed","message":"the request failed: the driver does not take this value (STATUS_INVALID_PARAMETER 0xC000000D; Win32 ERROR_INVALID_PARAMETER 87)","ntstatus":"0xC000000D","ntstatus_name":"STATUS_INVALID_PARAMETER","win32":87}}

"#]])
        .stderr_eq("");
}

#[test]
fn a_request_that_fails_because_the_device_went_away_ends_with_code_3() {
    Host::start(|_, _, _| Answer::status(0xC000_02B6))
        .eductl(["info"])
        .assert()
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: the request failed: the device was removed (STATUS_DEVICE_REMOVED 0xC00002B6; Win32 ERROR_DEVICE_REMOVED 1617)
  hint: scan for hardware changes, or start the host again

"#]]);
}

#[test]
fn a_request_the_driver_does_not_know_comes_with_a_hint() {
    Host::start(good)
        .eductl(["control", "0x1234"])
        .assert()
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: the request failed: the driver does not know this request (STATUS_INVALID_DEVICE_REQUEST 0xC0000010; Win32 ERROR_INVALID_FUNCTION 1)
  hint: driver and eductl must be of the same version

"#]]);
}

#[test]
fn without_a_host_the_exit_code_is_3_and_the_message_says_what_to_do() {
    let none = |args: &[&str]| {
        eductl(args.iter().copied()).env("KMDF_HOST_SOCKET", "/nonexistent/host.sock")
    };
    none(&["info"])
        .assert()
        .code(3)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: no kmdf-host answers at /nonexistent/host.sock: No such file or directory (os error 2)
  hint: start a host that runs the driver (sh scripts/run.sh shows how), or name its socket by --socket or in KMDF_HOST_SOCKET

"#]]);
    none(&["info", "--json"])
        .assert()
        .code(3)
        .stdout_eq(str![[r#"
{"command":"info","error":{"kind":"no_device","message":"no kmdf-host answers at /nonexistent/host.sock: No such file or directory (os error 2)","hint":"start a host that runs the driver (sh scripts/run.sh shows how), or name its socket by --socket or in KMDF_HOST_SOCKET"}}

"#]])
        .stderr_eq("");
}

#[test]
fn a_device_that_is_not_there_ends_with_code_3() {
    Host::start(good)
        .eductl(["info", "--device", "2"])
        .assert()
        .code(3)
        .stderr_eq(str![[r#"
eductl: the host at [..]/host.sock has no edu device with index 2 (interface {8D9E6F1A-2C5B-4E0D-9A37-51C46C0E11E8})
  hint: the driver may have failed to start: the host's own output says why

"#]]);
}

#[test]
fn a_device_that_may_not_be_opened_ends_with_code_3() {
    Host::start(good)
        .eductl(["info", "--device", "1"])
        .assert()
        .code(3)
        .stderr_eq(str![[r#"
eductl: the device could not be opened: the handle lacks the right that this needs (STATUS_ACCESS_DENIED 0xC0000022; Win32 ERROR_ACCESS_DENIED 5)
  hint: on Windows, run as an administrator

"#]]);
}

#[test]
fn a_host_of_another_version_ends_with_code_3() {
    Host::listen(|mut stream| {
        let greeting = Reply::Hello(Greeting::of(VERSION + 1));
        stream.write_all(&encode(&greeting).unwrap()).unwrap();
        thread::sleep(Duration::from_secs(1));
    })
    .eductl(["info"])
    .assert()
    .code(3)
    .stderr_eq(str![[r#"
eductl: the host speaks version 2 of the protocol, this program version 1: use programs of the same build
  hint: build host and eductl from the same checkout

"#]]);
}

#[test]
fn a_host_that_goes_away_is_told_with_its_reason() {
    Host::start(|_, _, _| Answer::Goodbye("bug check 0x9F: DrvAckIoStop"))
        .eductl(["info"])
        .assert()
        .code(3)
        .stderr_eq(str![[r#"
eductl: the host went away: bug check 0x9F: DrvAckIoStop
  hint: the host's own output says more

"#]]);
    Host::start(|_, _, _| Answer::HangUp)
        .eductl(["info"])
        .assert()
        .code(3)
        .stderr_eq(str![[r#"
eductl: the host went away: it closed the connection without a goodbye
  hint: the host's own output says more

"#]]);
}

#[test]
fn a_reply_of_the_wrong_size_ends_with_code_6() {
    for (args, length) in [
        (["factorial", "5"], 3),
        (["factorial", "5"], 0),
        (["factorial", "5"], 8),
        (["info", "--json"], 95),
    ] {
        let host = Host::start(move |_, _, _| Answer::Output(vec![0; length]));
        host.eductl(args).assert().code(6);
    }
    Host::start(|_, _, _| Answer::Output(vec![0; 3]))
        .eductl(["liveness"])
        .assert()
        .code(6)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: malformed reply: liveness has 4 bytes, and 3 came
  hint: driver, host and eductl must be of the same version: build them together

"#]]);
    Host::start(|_, _, _| Answer::Output(vec![0; 5]))
        .eductl(["liveness"])
        .assert()
        .code(6)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: malformed reply: 5 bytes came for a buffer of 4
  hint: driver, host and eductl must be of the same version: build them together

"#]]);
}

#[test]
fn output_that_does_not_match_its_announced_length_ends_with_code_6() {
    Host::start(|_, _, _| Answer::Complete {
        status: 0,
        information: 4,
        output: vec![],
    })
    .eductl(["liveness"])
    .assert()
    .code(6)
    .stderr_eq(str![[r#"
eductl: malformed reply: 0 bytes came, 4 were announced, for a buffer of 4
  hint: driver, host and eductl must be of the same version: build them together

"#]]);
}

#[test]
fn more_interrupts_than_the_interface_has_room_for_end_with_code_6() {
    Host::start(|_, _, _| {
        let information = Information {
            interrupt_count: 3,
            ..information()
        };
        Answer::Output(information.as_bytes().to_vec())
    })
    .eductl(["info"])
    .assert()
    .code(6)
    .stderr_eq(str![[r#"
eductl: malformed reply: 3 interrupts, where the interface has room for 2
  hint: driver, host and eductl must be of the same version: build them together

"#]]);
}

#[test]
fn a_request_that_takes_too_long_is_canceled_and_ends_with_code_5() {
    Host::start(|_, _, _| Answer::UntilCanceled)
        .eductl(["factorial", "5", "--timeout", "0.1"])
        .assert()
        .code(5)
        .stderr_eq(str![[r#"
eductl: the driver did not complete the request within 0.1 s; it was canceled
  hint: a large operand takes the device long: give --timeout more seconds; `eductl stats` tells whether interrupts arrive

"#]]);
}

#[test]
fn a_request_that_cannot_even_be_canceled_ends_with_code_5_and_says_so() {
    Host::start(|_, _, _| Answer::Never)
        .eductl(["factorial", "5", "--timeout", "0.1"])
        .assert()
        .code(5)
        .stderr_eq(str![[r#"
eductl: the driver did not complete the request within 0.1 s, nor after it was canceled
  hint: the driver holds a request that it neither completes nor cancels: that is a bug

"#]]);
}
