//! Ten thousand factorials through the real eductl.

use edu_tests::program;

fn stress(device: &str, interrupts: &str, more: &[&str]) {
    let ended = program::Run::on(device)
        .arguments(["--interrupts", interrupts])
        .arguments(more)
        .eductl(["stress", "--count", "10000", "--json"])
        .end()
        .exits(0);
    let found = ended.json("submitted");
    for (field, wanted) in [
        ("submitted", 10_000),
        ("completed", 10_000),
        ("right", 10_000),
        ("wrong", 0),
        ("failed", 0),
    ] {
        assert_eq!(found[field], wanted, "{field}{ended}");
    }
    assert_eq!(found["disagreements"], serde_json::json!([]), "{ended}");
    assert_eq!(found["compared"], true, "{ended}");
    assert_eq!(found["statistics"]["interrupts"], 10_000, "{ended}");
    // 10,000 factorials and two readings of the statistics.
    let _ = ended
        .says("10002 requests, 10002 completions")
        .says("nothing left behind");
}

#[test]
fn ten_thousand_factorials_on_qemu_by_message_are_all_right() {
    stress("qemu:edu", "auto", &[]);
}

#[test]
fn ten_thousand_factorials_on_qemu_by_line_are_all_right() {
    stress("qemu:edu", "line", &[]);
}

#[test]
fn ten_thousand_factorials_on_the_model_under_a_random_schedule_are_all_right() {
    stress("model", "auto", &["--seed", "1", "--processors", "4"]);
}
