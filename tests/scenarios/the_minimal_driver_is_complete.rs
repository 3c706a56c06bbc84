//! The smallest driver is short, and as right as the large one: on model and QEMU, by message and by line, with an event at
//! every instruction.

use std::{fs, process::Command};

use edu_tests::{found, program::Run};

const SOURCE: &str = "driver/minimal/src/lib.rs";

#[test]
fn its_source_has_150_lines_at_most_and_nothing_unsafe() {
    let source = fs::read_to_string(found::root().join(SOURCE)).expect("it can be read");
    let lines = source.lines().count();
    assert!(lines <= 150, "{SOURCE} has {lines} lines");
    assert!(source.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn the_tutorial_quotes_it() {
    let read = |file| fs::read_to_string(found::root().join(file)).expect("there is one");
    let source = read(SOURCE);
    let tutorial = read("docs/tutorial.md");
    let quotes: Vec<&str> = tutorial
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("rust\n"))
        .collect();
    assert!(quotes.len() > 8, "it quotes");
    for quote in quotes {
        assert!(source.contains(quote), "{SOURCE} lacks\n{quote}");
    }
}

#[test]
fn it_computes_on_model_and_qemu_by_message_and_by_line() {
    for device in ["model", "qemu:edu"] {
        for interrupts in ["auto", "line"] {
            Run::on(device)
                .driver(found::minimal())
                .inf(found::minimal_inf())
                .arguments(["--interrupts", interrupts])
                .eductl(["factorial", "12"])
                .end()
                .exits(0)
                .says("factorial 12 = 479001600");
        }
    }
}

#[test]
fn a_request_that_it_does_not_know_fails() {
    Run::on("model")
        .driver(found::minimal())
        .inf(found::minimal_inf())
        .eductl(["raise", "0x2"])
        .end()
        .complains("STATUS_INVALID_DEVICE_REQUEST");
}

/// Power down with a request pending, removal, cancellation, a closed handle, an interrupt: each at every instruction.
#[test]
fn no_event_at_any_instruction_finds_it_wrong() {
    let explored = Command::new(found::edu_lab())
        .args([
            "explore",
            "--seeds",
            "0..4",
            "--every-boundary",
            "--fail-calls",
        ])
        .args(["--scenario", "factorial"])
        .arg("--driver")
        .arg(found::minimal())
        .arg("--inf")
        .arg(found::minimal_inf())
        .output()
        .expect("edu-lab can be started");
    let said = String::from_utf8_lossy(&explored.stdout);
    assert_eq!(explored.status.code(), Some(0), "{said}");
}
