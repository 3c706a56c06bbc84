//! eductl as a person and as a script sees it, on a host that plays a driver.
#![cfg(unix)]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "snapbox writes the expected output (SNAPSHOTS=overwrite cargo test)"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use edu_spec::wire::{Information, Statistics};
use snapbox::str;
use support::{Answer, Host, eductl, factorial, good, information};
use zerocopy::IntoBytes;

#[test]
fn info_shows_the_device_and_its_interrupts() {
    Host::start(good)
        .eductl(["info"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
device: identification 0x010000ed, edu revision 1.0
driver: version 0.1.2
interrupt: message 0 (MSI), latched, vector 0x81, DIRQL 8, processors 0x3 of group 0

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(["--json", "info"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"info","identification":16777453,"is_edu":true,"revision":"1.0","driver_version":"0.1.2","interrupts":[{"message_signaled":true,"message_number":0,"vector":129,"irql":8,"latched":true,"group":0,"target_processors":3}]}

"#]]);
}

#[test]
fn info_tells_a_line_based_interrupt_handled_at_passive_level() {
    Host::start(|_, _, _| {
        let mut information = information();
        information.interrupts[0].message_signaled = 0;
        information.interrupts[0].irql = 0;
        information.interrupts[0].mode = 0;
        Answer::Output(information.as_bytes().to_vec())
    })
    .eductl(["info"])
    .assert()
    .code(0)
    .stdout_eq(str![[r#"
device: identification 0x010000ed, edu revision 1.0
driver: version 0.1.2
interrupt: line-based, level-sensitive, vector 0x81, handled at passive level, processors 0x3 of group 0

"#]]);
}

#[test]
fn info_of_a_device_that_is_no_edu_ends_with_code_1() {
    Host::start(|_, _, _| {
        let information = Information {
            identification: edu_spec::registers::Identification(u32::MAX),
            ..Information::default()
        };
        Answer::Output(information.as_bytes().to_vec())
    })
    .eductl(["info"])
    .assert()
    .code(1)
    .stdout_eq(str![[r#"
device: identification 0xffffffff, which is not an edu device
driver: version 0.0.0
interrupts: none connected

"#]]);
}

#[test]
fn liveness_shows_what_was_written_and_read() {
    Host::start(good)
        .eductl(["liveness", "0x1"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
wrote 0x00000001, read 0xfffffffe: the device is alive

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(["liveness", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"liveness","value":1522790415,"read":2772176880,"expected":2772176880,"right":true}

"#]]);
}

#[test]
fn liveness_of_a_dead_device_ends_with_code_1() {
    let dead = |_: &mut _, _, _: &_| Answer::Output(vec![0xFF; 4]);
    Host::start(dead)
        .eductl(["liveness", "5"])
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
wrote 0x00000005, read 0xffffffff: WRONG, 0xfffffffa was to be read

"#]]);
    Host::start(dead)
        .eductl(["liveness", "5", "--json"])
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
{"command":"liveness","value":5,"read":4294967295,"expected":4294967290,"right":false}

"#]]);
}

#[test]
fn factorial_shows_small_results_exactly() {
    Host::start(good)
        .eductl(["factorial", "12"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
factorial 12 = 479001600

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(["factorial", "0xc", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"factorial","n":12,"result":479001600,"expected":479001600,"exact":true,"right":true}

"#]]);
}

#[test]
fn factorial_shows_large_results_modulo_2_to_the_32() {
    Host::start(good)
        .eductl(["factorial", "13"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
factorial 13 = 1932053504 modulo 2^32

"#]]);
}

#[test]
fn a_wrong_factorial_ends_with_code_1() {
    let wrong = |_: &mut _, _, _: &_| Answer::Output(vec![1, 0, 0, 0]);
    Host::start(wrong)
        .eductl(["factorial", "5"])
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
factorial 5 = 1: WRONG, it is 120

"#]]);
    Host::start(wrong)
        .eductl(["factorial", "5", "--json"])
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
{"command":"factorial","n":5,"result":1,"expected":120,"exact":true,"right":false}

"#]]);
}

#[test]
fn raise_says_what_was_raised() {
    Host::start(good)
        .eductl(["raise", "0x10"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
raised 0x00000010

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(["raise", "16", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"raise","causes":16}

"#]]);
}

#[test]
fn stats_shows_every_counter() {
    let many_calls = |statistics: &mut Statistics, code, input: &[u8]| {
        statistics.isr_calls = 12_345;
        good(statistics, code, input)
    };
    Host::start(many_calls)
        .eductl(["stats"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
       12345  isr_calls              calls of EvtInterruptIsr
           0  interrupts             of these, with a cause of ours
           0  not_ours               of these, without (another device's, or spurious)
           0  device_removed         of these, with the device surprise-removed
           0  dpcs_queued            DPCs (or work items) queued by the ISR
           0  dpcs_already_queued    times one was queued already
           0  dpc_calls              calls of EvtInterruptDpc (or EvtInterruptWorkItem)
           0  snapshots_overwritten  snapshots the ring had no room for
           0  factorial_causes       interrupts with the factorial cause
           0  dma_causes             interrupts with the DMA cause
           0  software_causes        interrupts with causes raised by software
           0  stray_factorials       factorial causes without a request
           0  factorials_completed   factorial requests completed with a result
           0  snapshots_taken        snapshots these calls took
           0  events                 events numbered
           0  interrupts_missed      requests the watchdog completed, their interrupt missing
           0  timeouts               requests the watchdog failed, their engine stuck
           0  transfers_completed    DMA transfers completed
           0  stray_transfers        DMA causes without a request

"#]])
        .stderr_eq("");
    Host::start(many_calls)
        .eductl(["stats", "--json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"stats","isr_calls":12345,"interrupts":0,"not_ours":0,"device_removed":0,"dpcs_queued":0,"dpcs_already_queued":0,"dpc_calls":0,"snapshots_overwritten":0,"factorial_causes":0,"dma_causes":0,"software_causes":0,"stray_factorials":0,"factorials_completed":0,"snapshots_taken":0,"events":0,"interrupts_missed":0,"timeouts":0,"transfers_completed":0,"stray_transfers":0}

"#]]);
}

#[test]
fn control_sends_anything_and_shows_what_comes_back() {
    Host::start(|_, code, input| {
        assert_eq!((code, input), (0x0022_2000, &[1, 0xAB][..]));
        Answer::Output(vec![7, 0xFF])
    })
    .eductl(["control", "0x222000", "--input", "01ab", "--output", "4"])
    .assert()
    .code(0)
    .stdout_eq(str![[r#"
control 0x00222000: 2 bytes: 07ff

"#]]);
}

#[test]
fn the_socket_option_comes_before_the_variable() {
    let host = Host::start(good);
    eductl(["factorial", "3", "--socket"])
        .arg(host.socket())
        .env("KMDF_HOST_SOCKET", "/nonexistent/host.sock")
        .assert()
        .code(0);
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    for args in [
        &[][..],
        &["no-such-command"],
        &["factorial"],
        &["factorial", "-1"],
        &["factorial", "4294967296"],
        &["factorial", "5", "--timeout", "0"],
        &["stress", "--depth", "0"],
        &["stress", "--count", "0"],
        &["control", "1", "--input", "0"],
        &["control", "1", "--output", "1048577"],
    ] {
        eductl(args.iter().copied()).assert().code(2).stdout_eq("");
    }
}

#[test]
fn the_help_documents_the_exit_codes() {
    eductl(["--help"]).assert().code(0).stdout_eq(str![[r#"
Uses the edu driver through its device interface

Usage: eductl [OPTIONS] <COMMAND>

Commands:
  info       Show what the device is and how it interrupts
  liveness   Write the liveness register and check that it reads the complement
  factorial  Compute n! on the device, which interrupts when it is done, and check the result
  raise      Raise interrupt causes
  wait       Wait for events (interrupts with causes that software raised) and lose none
  read       Read the device's buffer by DMA
  write      Write the device's buffer by DMA
  cancel     Cancel a factorial, a wait and a read, and check that the device still works
  stats      Show the driver's counters
  watch      Show the driver's counters live, with their rates
  stress     Compute many factorials at once; check the results and the driver's counters
  control    Send any control request unchanged, to see how the driver handles a malformed one
  help       Print this message or the help of the given subcommand(s)

Options:
      --json               Print one line of JSON (errors too, as an object with the field "error")
      --device <INDEX>     Which edu device to use if there are several; 0 is the first [default: 0]
      --timeout <SECONDS>  Limit in seconds for the completion of a request; for `wait`, for the
                           time until the next event [default: 10; `wait`: no limit]
      --socket <PATH>      The socket of kmdf-host [default: $KMDF_HOST_SOCKET, then
                           $XDG_RUNTIME_DIR/kmdf-host.sock, then /tmp/kmdf-host-UID.sock]
  -h, --help               Print help
  -V, --version            Print version

Exit codes:
  0  success
  1  the device or the driver gave a wrong result
  2  the command line is wrong
  3  no device or no host, or it was removed during the command
  4  the driver failed a request (the status is shown)
  5  a request was not completed in time
  6  a reply of the wrong size or form
  7  the results could not be written to standard output

"#]]);
}

#[test]
fn the_factorials_of_the_tests_are_right_themselves() {
    assert_eq!(factorial(12), 479_001_600);
}
