//! The commands of eductl against the driver itself: for people and as JSON, with their exit codes.

use edu_tests::program::{Ended, Run};
use serde_json::{Value, json};

/// Where each command is run: the model, and QEMU's device.
const DEVICES: [&str; 2] = ["model", "qemu:edu"];

/// Runs a script in which `$0` is eductl. The script's lines end as a person would see them.
fn script(device: &str, script: &str) -> Ended {
    Run::on(device)
        .shell(script)
        .end()
        .exits(0)
        .says("unloaded nothing left behind")
}

/// What each command of a script said in JSON, in order.
fn objects(ended: &Ended) -> Vec<Value> {
    let lines = ended.stdout.lines();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[test]
fn wait_gives_the_events_that_raise_makes() {
    for device in DEVICES {
        let ended = script(
            device,
            r#""$0" raise 0x2 && "$0" raise 0x4000_0000 && "$0" wait --after 0 --count 2 &&
               "$0" wait --after 1 --json"#,
        )
        .says("event 1: causes 0x00000002, message 0, interrupt 1\n")
        .says("event 2: causes 0x40000000, message 0, interrupt 2\n");
        let expected = json!({
            "command": "wait", "number": 2, "interrupt": 2, "causes": 0x4000_0000, "message": 0,
            "missed": 0,
        });
        assert_eq!(objects(&ended), [expected], "{ended}");
    }
}

#[test]
fn a_wait_that_is_there_first_ends_when_the_event_comes() {
    for device in DEVICES {
        script(
            device,
            r#""$0" wait --after 0 & waiting=$!; sleep 0.2; "$0" raise 0x10; wait $waiting;
               echo "exit code $?""#,
        )
        .says("event 1: causes 0x00000010, message 0, interrupt 1\n")
        .says("exit code 0\n");
    }
}

#[test]
fn a_wait_without_an_event_ends_with_code_5_and_one_beyond_the_newest_with_code_4() {
    for device in DEVICES {
        let ended = script(
            device,
            r#""$0" wait --timeout 0.2; echo "exit code $?"
               "$0" wait --after 99; echo "exit code $?"
               "$0" --json wait --after 99; echo "exit code $?""#,
        )
        .complains("no event came within 0.2 s; the request was canceled")
        .says("exit code 5\nexit code 4\n")
        .complains("STATUS_INVALID_PARAMETER 0xC000000D; Win32 ERROR_INVALID_PARAMETER 87");
        let error = &objects(&ended)[0]["error"];
        assert_eq!(
            error["ntstatus_name"], "STATUS_INVALID_PARAMETER",
            "{ended}"
        );
    }
}

#[test]
fn read_gives_what_write_has_written() {
    for device in DEVICES {
        let ended = script(
            device,
            r#""$0" write 5 --hex 68656c6c6f && "$0" read 4 7 &&
               "$0" write 7 --fill 0x58 --length 2 --json && "$0" read 5 5 --json"#,
        )
        .says("wrote 5 bytes at offset 5\n")
        .says("00000004: 0068 656c 6c6f 00                        .hello.\n");
        let expected = [
            json!({"command": "write", "offset": 7, "length": 2, "bytes": 2}),
            json!({
                "command": "read", "offset": 5, "length": 5, "bytes": 5, "data": "686558586f",
                "output": null,
            }),
        ];
        assert_eq!(objects(&ended), expected, "{ended}");
    }
}

#[test]
fn a_transfer_that_leaves_the_buffer_ends_with_code_4_and_its_status() {
    for device in DEVICES {
        let ended = script(
            device,
            r#""$0" read 4095 1; echo "exit code $?"
               "$0" write 4090 --fill 1 --length 6; echo "exit code $?"
               "$0" --json read 0 4096; echo "exit code $?""#,
        )
        .complains("do not lie within the 4095 usable bytes of the device's buffer")
        .complains("STATUS_INVALID_PARAMETER")
        .complains("STATUS_INVALID_BUFFER_SIZE")
        .says("exit code 4\nexit code 4\n");
        let error = &objects(&ended)[0]["error"];
        assert_eq!(
            error["ntstatus_name"], "STATUS_INVALID_BUFFER_SIZE",
            "{ended}"
        );
    }
}

#[test]
fn cancel_ends_what_qemus_device_is_busy_with_and_leaves_it_usable() {
    let ended = script("qemu:edu", r#""$0" cancel && "$0" cancel --json"#)
        .says("factorial: ended with STATUS_CANCELLED after ")
        .says("wait: ended with STATUS_CANCELLED after ")
        .says("read: ended with STATUS_CANCELLED after ")
        .says("afterwards liveness, factorial and read work\n");
    let found = &objects(&ended)[0];
    assert_eq!(found["usable"], true, "{ended}");
    for request in found["requests"].as_array().expect("it is a list") {
        assert_eq!(request["outcome"], "canceled", "{ended}");
    }
}

#[test]
fn cancel_tells_that_the_model_was_faster() {
    // Its time is virtual: nothing but a wait for an event lasts.
    let ended = script("model", r#""$0" cancel && "$0" cancel --json"#)
        .says("factorial: completed before it was canceled\n")
        .says("wait: ended with STATUS_CANCELLED after ")
        .says("afterwards liveness, factorial and read work\n");
    let found = &objects(&ended)[0];
    assert_eq!(found["requests"][1]["outcome"], "canceled", "{ended}");
    assert_eq!(found["problems"], json!([]), "{ended}");
}

#[test]
fn cancel_tells_that_an_engine_hangs_with_code_1() {
    script(
        "model,factorial-hangs",
        r#""$0" --timeout 60 cancel; echo "exit code $?""#,
    )
    .says("factorial: WRONG, the request failed: the device did not answer the driver in time")
    .says("WRONG afterwards: factorial: ")
    .says("STATUS_IO_TIMEOUT")
    .says("exit code 1\n");
}

#[test]
fn watch_shows_how_fast_the_counters_rise() {
    for device in DEVICES {
        let ended = script(
            device,
            r#""$0" watch --interval 100 --count 1
               "$0" watch --interval 300 --count 2 --json & watching=$!
               while kill -0 $watching 2>/dev/null; do "$0" raise 0x2 >&2; done
               wait $watching"#,
        )
        .says(" s: nothing happened\n");
        let watched = objects(&ended);
        assert_eq!(watched.len(), 2, "{ended}");
        let interrupts = watched[1]["counters"]["interrupts"].as_u64();
        assert!(
            interrupts.is_some_and(|interrupts| interrupts > 0),
            "{ended}"
        );
        let rates: Vec<_> = watched
            .iter()
            .filter_map(|found| found["per_second"]["interrupts"].as_f64())
            .collect();
        assert!(rates.iter().any(|&rate| rate > 0.0), "{ended}");
    }
}
