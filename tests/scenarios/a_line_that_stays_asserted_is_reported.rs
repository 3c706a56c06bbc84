//! An interrupt storm: the device cannot be silenced. The host does not hang and says what it is.

use edu_model::{Config, Faults, StuckBits};
use edu_spec::registers::offset;
use edu_tests::{Bench, program::Run};
use kmdf_host::{Interrupts, Operation, Stop};

#[test]
fn a_line_that_the_isr_cannot_lower_ends_the_run_as_a_storm() {
    // The status reads 0 whatever it is: the ISR says FALSE, as it must, and the line stays.
    let lab = Bench::model(Config {
        faults: Faults {
            stuck: vec![StuckBits {
                offset: offset::INTERRUPT_STATUS,
                ones: 0,
                zeros: u64::MAX,
            }],
            ..Faults::default()
        },
        ..Config::default()
    })
    .interrupts(Interrupts::Line)
    .boot();
    let file = lab.open();
    let stop = lab.session().request(
        &file,
        Operation::Control {
            code: edu_spec::ioctl::FACTORIAL,
            input: 12_u32.to_le_bytes().to_vec(),
            output_length: 4,
        },
    );
    match stop {
        Err(Stop::BugCheck(report)) => assert_eq!(report.rule, "InterruptStorm"),
        other => panic!("it ends otherwise: {other:?}"),
    }
}

#[test]
fn edu_lab_reports_a_storm_and_tells_the_app() {
    Run::on("model,stuck=0x24:0:0xffffffff")
        .arguments(["--interrupts", "line"])
        .eductl(["factorial", "12"])
        .end()
        .exits(6)
        .complains("InterruptStorm")
        .complains("rule: For a line that a device asserts, an ISR returns TRUE")
        .complains("eductl: the host went away")
        .complains("replay: ")
        .complains("--device model,stuck=0x24:0:0xffffffff --interrupts line -- ");
}

#[test]
fn edu_lab_names_rule_and_replay_command_for_programs_too() {
    let ended = Run::on("model,stuck=0x24:0:0xffffffff")
        .arguments(["--interrupts", "line", "--json"])
        .eductl(["factorial", "12", "--json"])
        .end()
        .exits(6);
    let failed = ended.json("replay");
    assert_eq!(failed["rule"], "InterruptStorm");
    assert!(
        failed["replay"]
            .as_str()
            .is_some_and(|line| line.contains("--interrupts line")),
        "{failed}"
    );
}
