//! The commands that transfer, wait, cancel and watch, on a host that plays a driver.
#![cfg(unix)]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "snapbox writes the expected output (SNAPSHOTS=overwrite cargo test)"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use edu_spec::{
    ioctl,
    registers::Causes,
    wire::{Event, EventCursor, Statistics},
};
use snapbox::str;
use support::{Answer, Host, READ, WRITE, eductl, good};
use tempfile::TempDir;
use zerocopy::{FromBytes, IntoBytes};

fn event(number: u64, missed: u64) -> Answer {
    let event = Event {
        number,
        interrupt: 100 + number,
        missed,
        causes: Causes::from_bits_retain(0x10),
        message: 0,
    };
    Answer::Output(event.as_bytes().to_vec())
}

/// A driver that has the events up to `newest`, of which it has forgotten those up to `forgotten`,
/// and to which no more come.
fn events(
    forgotten: u64,
    newest: u64,
) -> impl FnMut(&mut Statistics, u32, &[u8]) -> Answer + Send + 'static {
    move |statistics, code, input| match code {
        ioctl::WAIT_EVENT => {
            let EventCursor(cursor) = EventCursor::read_from_bytes(input).unwrap();
            let next = cursor.max(forgotten) + 1;
            if next > newest {
                Answer::UntilCanceled
            } else {
                event(next, next - cursor - 1)
            }
        }
        _ => good(statistics, code, input),
    }
}

/// eductl with this host, as a process that can be signaled.
fn spawn(host: &Host, args: &[&str]) -> Child {
    Command::new(snapbox::cmd::cargo_bin!("eductl"))
        .env("KMDF_HOST_SOCKET", host.socket())
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn interrupt(child: &Child) {
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn wait_shows_each_event_from_the_last_one_that_was_seen() {
    Host::start(events(0, 9))
        .eductl(["wait", "--after", "4", "--count", "2"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
event 5: causes 0x00000010, message 0, interrupt 105
event 6: causes 0x00000010, message 0, interrupt 106

"#]])
        .stderr_eq("");
    Host::start(events(0, 9))
        .eductl(["wait", "--after", "8", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"wait","number":9,"interrupt":109,"causes":16,"message":0,"missed":0}

"#]]);
}

#[test]
fn wait_tells_events_that_the_driver_has_forgotten() {
    Host::start(events(5, 9))
        .eductl(["wait", "--after", "0", "--count", "2"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
event 6: causes 0x00000010, message 0, interrupt 106; 5 before it MISSED, the driver forgot them
event 7: causes 0x00000010, message 0, interrupt 107

"#]]);
}

#[test]
fn wait_starts_with_the_events_that_are_still_to_come() {
    let mut events = events(0, 8);
    Host::start(move |statistics: &mut Statistics, code, input: &[u8]| {
        statistics.events = 7;
        events(statistics, code, input)
    })
    .eductl(["wait"])
    .assert()
    .code(0)
    .stdout_eq(str![[r#"
event 8: causes 0x00000010, message 0, interrupt 108

"#]]);
}

#[test]
fn wait_without_an_event_in_time_takes_its_request_back_and_ends_with_code_5() {
    Host::start(events(0, 1))
        .eductl(["wait", "--after", "0", "--count", "2", "--timeout", "0.1"])
        .assert()
        .code(5)
        .stdout_eq(str![[r#"
event 1: causes 0x00000010, message 0, interrupt 101

"#]])
        .stderr_eq(str![[r#"
eductl: no event came within 0.1 s; the request was canceled
  hint: `eductl raise 0x10` makes one; --after 0 shows those that the driver remembers

"#]]);
    Host::start(events(0, 0))
        .eductl(["wait", "--timeout", "0.1", "--json"])
        .assert()
        .code(5)
        .stdout_eq(str![[r#"
{"command":"wait","error":{"kind":"no_answer","message":"no event came within 0.1 s; the request was canceled","hint":"`eductl raise 0x10` makes one; --after 0 shows those that the driver remembers"}}

"#]]);
}

#[test]
fn wait_does_not_believe_a_driver_that_loses_an_event_without_saying_so() {
    Host::start(|_, _, _| event(7, 0))
        .eductl(["wait", "--after", "5"])
        .assert()
        .code(6)
        .stderr_eq(str![[r#"
eductl: malformed reply: event 7 came after event 5, with 0 said to be missed between
  hint: driver, host and eductl must be of the same version: build them together

"#]]);
}

#[test]
fn ctrl_c_ends_a_wait_without_leaving_a_request() {
    let host = Host::start(events(0, 1));
    let mut child = spawn(&host, &["wait", "--after", "0", "--count", "0"]);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.starts_with("event 1: "), "{line}");
    thread::sleep(Duration::from_millis(50));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn read_shows_the_bytes_as_xxd_does() {
    Host::start(good)
        .eductl(["read", "0x3c", "20"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
0000003c: 3c3d 3e3f 4041 4243 4445 4647 4849 4a4b  <=>?@ABCDEFGHIJK
0000004c: 4c4d 4e4f                                LMNO

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(["read", "4094", "1", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"read","offset":4094,"length":1,"bytes":1,"data":"fe","output":null}

"#]]);
}

#[test]
fn read_and_write_take_files() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bytes");
    let file = path.to_str().unwrap();
    Host::start(good)
        .eductl(["read", "1", "4", "--output", file])
        .assert()
        .code(0)
        .stdout_eq("read 4 bytes at offset 1 into [..]/bytes\n");
    assert_eq!(std::fs::read(&path).unwrap(), [1, 2, 3, 4]);
    Host::start(|statistics: &mut _, code, input: &[u8]| {
        assert_eq!(
            (code, input),
            (WRITE, &[9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4][..])
        );
        good(statistics, code, input)
    })
    .eductl(["write", "9", "--input", file])
    .assert()
    .code(0)
    .stdout_eq(str![[r#"
wrote 4 bytes at offset 9

"#]]);
}

#[test]
fn a_file_whose_name_is_no_unicode_is_shown_as_far_as_it_is() {
    let directory = TempDir::new().unwrap();
    let name: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xFF]);
    Host::start(good)
        .eductl(["read", "1", "2", "--json", "--output"])
        .arg(directory.path().join(&name))
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"read","offset":1,"length":2,"bytes":2,"output":"[..]/a�"}

"#]]);
    assert_eq!(std::fs::read(directory.path().join(name)).unwrap(), [1, 2]);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    Host::start(good)
        .eductl(["write", "0", "--input", "/no/such/file"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
eductl: /no/such/file could not be read: No such file or directory (os error 2)

"#]]);
    Host::start(good)
        .eductl(["read", "0", "1", "--output", "/no/such/file", "--json"])
        .assert()
        .code(7)
        .stdout_eq(str![[r#"
{"command":"read","error":{"kind":"output_not_written","message":"/no/such/file could not be written: No such file or directory (os error 2)"}}

"#]]);
}

#[test]
fn write_takes_digits_or_fills() {
    Host::start(|statistics: &mut _, code, input: &[u8]| {
        assert_eq!(input.get(8..), Some(&[0xDE, 0xAD][..]));
        good(statistics, code, input)
    })
    .eductl(["write", "0", "--hex", "dead", "--json"])
    .assert()
    .code(0)
    .stdout_eq(str![[r#"
{"command":"write","offset":0,"length":2,"bytes":2}

"#]]);
    Host::start(|statistics: &mut _, code, input: &[u8]| {
        assert_eq!(input.get(8..), Some(&[0xAA; 4095][..]));
        good(statistics, code, input)
    })
    .eductl(["write", "0", "--fill", "0xAA", "--length", "4095"])
    .assert()
    .code(0)
    .stdout_eq(str![[r#"
wrote 4095 bytes at offset 0

"#]]);
}

#[test]
fn transfers_outside_the_buffer_end_with_code_4_and_say_what_is_inside() {
    Host::start(good)
        .eductl(["read", "0", "4096"])
        .assert()
        .code(4)
        .stdout_eq("")
        .stderr_eq(str![[r#"
eductl: 4096 bytes at offset 0 do not lie within the 4095 usable bytes of the device's buffer (offsets 0 to 4094): an input or output buffer is too long (STATUS_INVALID_BUFFER_SIZE 0xC0000206; Win32 ERROR_INVALID_USER_BUFFER 1784)

"#]]);
    Host::start(good)
        .eductl(["write", "4095", "--hex", "00", "--json"])
        .assert()
        .code(4)
        .stdout_eq(str![[r#"
{"command":"write","error":{"kind":"request_failed","message":"1 bytes at offset 4095 do not lie within the 4095 usable bytes of the device's buffer (offsets 0 to 4094): the driver does not take this value (STATUS_INVALID_PARAMETER 0xC000000D; Win32 ERROR_INVALID_PARAMETER 87)","ntstatus":"0xC000000D","ntstatus_name":"STATUS_INVALID_PARAMETER","win32":87}}

"#]]);
}

#[test]
fn a_transfer_that_is_cut_short_ends_with_code_1() {
    Host::start(|_, _, _| Answer::Output(vec![b'A'; 3]))
        .eductl(["read", "0", "4"])
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
00000000: 4141 41                                  AAA
WRONG, 3 of 4 bytes came

"#]]);
    Host::start(|_, _, _| Answer::Output(vec![]))
        .eductl(["write", "0", "--hex", "0102"])
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
wrote 0 bytes at offset 0: WRONG, 2 were sent

"#]]);
}

/// A driver whose first factorial, wait and read stay pending.
fn slow() -> impl FnMut(&mut Statistics, u32, &[u8]) -> Answer + Send + 'static {
    let mut seen = Vec::new();
    move |statistics, code, input| {
        let slow = [ioctl::FACTORIAL, ioctl::WAIT_EVENT, READ].contains(&code);
        if slow && !seen.contains(&code) {
            seen.push(code);
            return Answer::UntilCanceled;
        }
        good(statistics, code, input)
    }
}

#[test]
fn cancel_shows_how_each_request_ended_and_that_the_device_is_usable() {
    Host::start(slow())
        .eductl(["cancel"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
factorial: ended with STATUS_CANCELLED after [..] ms
wait: ended with STATUS_CANCELLED after [..] ms
read: ended with STATUS_CANCELLED after [..] ms
afterwards liveness, factorial and read work

"#]]);
    Host::start(slow())
        .eductl(["cancel", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"cancel","requests":[{"request":"factorial","outcome":"canceled","milliseconds":[..],"error":null},{"request":"wait","outcome":"canceled","milliseconds":[..],"error":null},{"request":"read","outcome":"canceled","milliseconds":[..],"error":null}],"usable":true,"problems":[]}

"#]]);
}

#[test]
fn cancel_tells_what_completed_first_and_what_failed() {
    let mut slow = slow();
    Host::start(move |statistics: &mut _, code, input: &[u8]| match code {
        ioctl::FACTORIAL => Answer::Output(vec![0; 4]),
        ioctl::WAIT_EVENT => Answer::status(support::INVALID_DEVICE_REQUEST),
        _ => slow(statistics, code, input),
    })
    .eductl(["cancel"])
    .assert()
    .code(1)
    .stdout_eq(str![[r#"
factorial: completed before it was canceled
wait: WRONG, the request failed: the driver does not know this request (STATUS_INVALID_DEVICE_REQUEST 0xC0000010; Win32 ERROR_INVALID_FUNCTION 1)
read: ended with STATUS_CANCELLED after [..] ms
WRONG afterwards: factorial gives a wrong result

"#]]);
}

/// A driver that has ten more interrupts each time it is asked for its counters.
fn busy(statistics: &mut Statistics, code: u32, input: &[u8]) -> Answer {
    statistics.interrupts += 10;
    good(statistics, code, input)
}

#[test]
fn watch_shows_one_line_for_each_interval_where_nobody_looks_at_a_terminal() {
    Host::start(busy)
        .eductl(["watch", "--interval", "100", "--count", "2"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
[..] s: interrupts [..]/s
[..] s: interrupts [..]/s

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(["watch", "--interval", "100", "--count", "1"])
        .assert()
        .code(0)
        .stdout_eq("[..] s: nothing happened\n");
    Host::start(good)
        .eductl(["watch", "--interval", "100", "--count", "1", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"watch","seconds":[..],"counters":{"isr_calls":0,"interrupts":0,"not_ours":0,"device_removed":0,"dpcs_queued":0,"dpcs_already_queued":0,"dpc_calls":0,"snapshots_overwritten":0,"factorial_causes":0,"dma_causes":0,"software_causes":0,"stray_factorials":0,"factorials_completed":0,"snapshots_taken":0,"events":0,"interrupts_missed":0,"timeouts":0,"transfers_completed":0,"stray_transfers":0},"per_second":{"isr_calls":0.0,"interrupts":0.0,"not_ours":0.0,"device_removed":0.0,"dpcs_queued":0.0,"dpcs_already_queued":0.0,"dpc_calls":0.0,"snapshots_overwritten":0.0,"factorial_causes":0.0,"dma_causes":0.0,"software_causes":0.0,"stray_factorials":0.0,"factorials_completed":0.0,"snapshots_taken":0.0,"events":0.0,"interrupts_missed":0.0,"timeouts":0.0,"transfers_completed":0.0,"stray_transfers":0.0}}

"#]]);
}

#[test]
fn ctrl_c_ends_a_watch() {
    let host = Host::start(good);
    let mut child = spawn(&host, &["watch", "--interval", "10"]);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    interrupt(&child);
    output.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    for args in [
        &["read"][..],
        &["read", "0"],
        &["read", "0", "0"],
        &["read", "-1", "1"],
        &["write", "0"],
        &["write", "0", "--hex", "0"],
        &["write", "0", "--hex", "00", "--fill", "1", "--length", "1"],
        &["write", "0", "--fill", "1"],
        &["write", "0", "--fill", "256", "--length", "1"],
        &["write", "0", "--hex", "00", "--length", "1"],
        &["watch", "--interval", "0"],
        &["wait", "--after", "-1"],
    ] {
        eductl(args.iter().copied()).assert().code(2).stdout_eq("");
    }
}
