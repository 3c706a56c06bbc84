//! A broken INF fails here as it would fail on Windows.

use edu_tests::{doctored, program::Run};

const HARDWARE_ID: &str = r"PCI\VEN_1234&DEV_11E8";

#[test]
fn an_inf_without_the_devices_id_is_refused_with_both_ids() {
    let other = r"PCI\VEN_1234&DEV_11E9";
    let inf = doctored::inf(HARDWARE_ID, other);
    Run::on("model")
        .inf(inf.path())
        .eductl(["factorial", "12"])
        .end()
        .exits(3)
        .complains(&inf.path().display().to_string())
        .complains("no model matches the device")
        .complains(HARDWARE_ID)
        .complains(other);
}

#[test]
fn an_inf_for_another_architecture_is_refused() {
    let inf = doctored::inf("NT$ARCH$", "NTarm64");
    Run::on("model")
        .inf(inf.path())
        .end()
        .exits(3)
        .complains("no models for")
        .complains("NTarm64");
}

#[test]
fn an_inf_that_is_not_there_is_named() {
    Run::on("model")
        .inf("/nowhere/edu_kmdf.inx")
        .end()
        .exits(3)
        .complains("/nowhere/edu_kmdf.inx");
}

#[test]
fn an_inf_with_a_missing_section_is_refused_with_the_line() {
    let inf = doctored::inf("[EduDevice.Service]", "[EduDevice.Servant]");
    Run::on("model")
        .inf(inf.path())
        .end()
        .exits(3)
        .complains("[EduDevice.Service]")
        .complains("does not exist");
}

#[test]
fn without_the_inf_asking_for_messages_the_device_gets_its_line() {
    let inf = doctored::inf(
        "MSISupported,       0x00010001, 1",
        "MSISupported,       0x00010001, 0",
    );
    Run::on("model")
        .inf(inf.path())
        .eductl(["factorial", "12"])
        .end()
        .exits(0)
        .says("line-based interrupt")
        .says("factorial 12 = 479001600");
}
