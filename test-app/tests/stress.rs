//! `eductl stress`, on a host that plays a driver.
#![cfg(unix)]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "snapbox writes the expected output (SNAPSHOTS=overwrite cargo test)"
)]

#[expect(dead_code, reason = "other tests use the rest")]
mod support;

use edu_spec::ioctl;
use snapbox::str;
use support::{Answer, Host, good};

#[test]
fn stress_counts_every_request_and_compares_the_counters() {
    let args = ["stress", "--count", "500", "--depth", "8", "--threads", "2"];
    Host::start(good)
        .eductl(args)
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
500 submitted, 500 completed, 0 lost
of the completed: 500 right, 0 wrong, 0 failed
[..] s, [..] requests a second (depth 8, threads 2, seed 1)
the driver's counters rose by:
         500  isr_calls              calls of EvtInterruptIsr
         500  interrupts             of these, with a cause of ours
           0  not_ours               of these, without (another device's, or spurious)
           0  device_removed         of these, with the device surprise-removed
         500  dpcs_queued            DPCs (or work items) queued by the ISR
           0  dpcs_already_queued    times one was queued already
         500  dpc_calls              calls of EvtInterruptDpc (or EvtInterruptWorkItem)
           0  snapshots_overwritten  snapshots the ring had no room for
         500  factorial_causes       interrupts with the factorial cause
           0  dma_causes             interrupts with the DMA cause
           0  software_causes        interrupts with causes raised by software
           0  stray_factorials       factorial causes without a request
         500  factorials_completed   factorial requests completed with a result
         500  snapshots_taken        snapshots these calls took
           0  events                 events numbered
           0  interrupts_missed      requests the watchdog completed, their interrupt missing
           0  timeouts               requests the watchdog failed, their engine stuck
           0  transfers_completed    DMA transfers completed
           0  stray_transfers        DMA causes without a request
counters and requests agree

"#]])
        .stderr_eq("");
    Host::start(good)
        .eductl(args)
        .arg("--json")
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
{"command":"stress","count":500,"depth":8,"threads":2,"seed":1,"max_n":40,"submitted":500,"completed":500,"right":500,"wrong":0,"failed":0,"lost":0,"problems":[],"ended_early":null,"seconds":[..],"requests_per_second":[..],"statistics":{"isr_calls":500,"interrupts":500,"not_ours":0,"device_removed":0,"dpcs_queued":500,"dpcs_already_queued":0,"dpc_calls":500,"snapshots_overwritten":0,"factorial_causes":500,"dma_causes":0,"software_causes":0,"stray_factorials":0,"factorials_completed":500,"snapshots_taken":500,"events":0,"interrupts_missed":0,"timeouts":0,"transfers_completed":0,"stray_transfers":0},"compared":true,"disagreements":[]}

"#]])
        .stderr_eq("");
}

#[test]
fn stress_shows_wrong_results_and_ends_with_code_1() {
    let wrong_for_7 = |statistics: &mut _, code, input: &[u8]| match good(statistics, code, input) {
        Answer::Output(_) if code == ioctl::FACTORIAL && input == [7, 0, 0, 0] => {
            Answer::Output(vec![9, 0, 0, 0])
        }
        other => other,
    };
    let args = ["stress", "--count", "20", "--max-n", "9"];
    Host::start(wrong_for_7)
        .eductl(args)
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
20 submitted, 20 completed, 0 lost
of the completed: 16 right, 4 wrong, 0 failed
[..] s, [..] requests a second (depth 16, threads 1, seed 1)
  request 2: WRONG, factorial 7 is 5040 modulo 2^32, the device says 9
  request 6: WRONG, factorial 7 is 5040 modulo 2^32, the device says 9
  request 9: WRONG, factorial 7 is 5040 modulo 2^32, the device says 9
  request 19: WRONG, factorial 7 is 5040 modulo 2^32, the device says 9
the driver's counters rose by:
          20  isr_calls              calls of EvtInterruptIsr
...
counters and requests agree

"#]]);
    Host::start(wrong_for_7)
        .eductl(args)
        .arg("--json")
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
{"command":"stress","count":20,"depth":16,"threads":1,"seed":1,"max_n":9,"submitted":20,"completed":20,"right":16,"wrong":4,"failed":0,"lost":0,"problems":[{"request":2,"n":7,"result":9,"expected":5040},{"request":6,"n":7,"result":9,"expected":5040},{"request":9,"n":7,"result":9,"expected":5040},{"request":19,"n":7,"result":9,"expected":5040}],"ended_early":null,"seconds":[..],"requests_per_second":[..],"statistics":{"isr_calls":20,"interrupts":20,"not_ours":0,"device_removed":0,"dpcs_queued":20,"dpcs_already_queued":0,"dpc_calls":20,"snapshots_overwritten":0,"factorial_causes":20,"dma_causes":0,"software_causes":0,"stray_factorials":0,"factorials_completed":20,"snapshots_taken":20,"events":0,"interrupts_missed":0,"timeouts":0,"transfers_completed":0,"stray_transfers":0},"compared":true,"disagreements":[]}

"#]]);
}

#[test]
fn stress_counts_failed_requests_and_ends_with_code_4() {
    let mut count = 0;
    Host::start(move |statistics, code, input| {
        count += 1;
        if code == ioctl::FACTORIAL && count % 2 == 0 {
            Answer::status(0xC000_0483)
        } else {
            good(statistics, code, input)
        }
    })
    .eductl(["stress", "--count", "30", "--depth", "1"])
    .assert()
    .code(4)
    .stdout_eq(str![[r#"
30 submitted, 30 completed, 0 lost
of the completed: 15 right, 0 wrong, 15 failed
[..] s, [..] requests a second (depth 1, threads 1, seed 1)
  request 0: factorial 1: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 2: factorial 32: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 4: factorial 38: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 6: factorial 31: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 8: factorial 21: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 10: factorial 14: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 12: factorial 34: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 14: factorial 24: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 16: factorial 17: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  request 18: factorial 9: the request failed: the device reported a hardware error (STATUS_DEVICE_HARDWARE_ERROR 0xC0000483; Win32 ERROR_DEVICE_HARDWARE_ERROR 483)
  ... and 5 more
the driver's counters rose by:
          15  isr_calls              calls of EvtInterruptIsr
...
counters and requests agree

"#]]);
}

#[test]
fn stress_reports_what_it_has_when_the_host_goes_away() {
    let mut count = 0;
    Host::start(move |statistics, code, input| {
        count += 1;
        if count > 50 {
            Answer::Goodbye("the device died")
        } else {
            good(statistics, code, input)
        }
    })
    .eductl(["stress", "--count", "1000", "--depth", "1"])
    .assert()
    .code(3)
    .stdout_eq(str![[r#"
50 submitted, 49 completed, 1 lost
of the completed: 49 right, 0 wrong, 0 failed
[..] s, [..] requests a second (depth 1, threads 1, seed 1)
ended early, 50 of 1000 sent: the host went away: the device died
  hint: the host's own output says more
counters and requests were not compared

"#]]);
}

#[test]
fn stress_stops_at_a_request_that_is_never_completed_and_ends_with_code_5() {
    let mut count = 0;
    Host::start(move |statistics, code, input| {
        count += 1;
        if code == ioctl::FACTORIAL && count > 50 {
            Answer::UntilCanceled
        } else {
            good(statistics, code, input)
        }
    })
    .eductl([
        "stress",
        "--count",
        "1000",
        "--depth",
        "1",
        "--timeout",
        "0.2",
    ])
    .assert()
    .code(5)
    .stdout_eq(str![[r#"
50 submitted, 49 completed, 1 lost
of the completed: 49 right, 0 wrong, 0 failed
[..] s, [..] requests a second (depth 1, threads 1, seed 1)
  request 49: factorial 10: the driver did not complete the request within 0.2 s; it was canceled
ended early, 50 of 1000 sent: the driver did not complete the request within 0.2 s; it was canceled
  hint: a large operand takes the device long: give --timeout more seconds; `eductl stats` tells whether interrupts arrive
the driver's counters rose by:
          49  isr_calls              calls of EvtInterruptIsr
...
counters and requests agree

"#]]);
}

#[test]
fn stress_ends_with_code_1_when_the_counters_do_not_agree_unless_the_device_is_shared() {
    let others_raise = |statistics: &mut _, code, input: &[u8]| {
        if code == ioctl::FACTORIAL {
            good(statistics, ioctl::RAISE, &[16, 0, 0, 0]);
        }
        good(statistics, code, input)
    };
    let args = ["stress", "--count", "10"];
    Host::start(others_raise)
        .eductl(args)
        .assert()
        .code(1)
        .stdout_eq(str![[r#"
10 submitted, 10 completed, 0 lost
of the completed: 10 right, 0 wrong, 0 failed
[..] s, [..] requests a second (depth 16, threads 1, seed 1)
the driver's counters rose by:
          20  isr_calls              calls of EvtInterruptIsr
...
DISAGREEMENT: interrupts rose by 20, but factorial_causes, as this program raises no other: 10
  hint: if another program used the device meanwhile, give --shared

"#]]);
    Host::start(others_raise)
        .eductl(args)
        .arg("--shared")
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
10 submitted, 10 completed, 0 lost
of the completed: 10 right, 0 wrong, 0 failed
[..] s, [..] requests a second (depth 16, threads 1, seed 1)
the driver's counters rose by:
          20  isr_calls              calls of EvtInterruptIsr
...
counters and requests were not compared

"#]]);
}

#[test]
fn stress_takes_completions_in_any_order_from_many_threads() {
    Host::start(
        |statistics, code, input| match good(statistics, code, input) {
            Answer::Output(output) if code == ioctl::FACTORIAL => Answer::Held(5, output),
            other => other,
        },
    )
    .eductl([
        "stress",
        "--count=2000",
        "--depth=64",
        "--threads=8",
        "--max-n=100",
    ])
    .assert()
    .code(0);
}
