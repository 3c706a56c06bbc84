//! An import that nothing exports is no obstacle until it is called; then it is named, with the
//! call stack.

use edu_tests::{doctored, program::Run};

#[test]
fn a_missing_import_is_named_with_the_call_stack_when_it_is_called() {
    let file = doctored::image_with_name("MmMapIoSpaceEx", "XmMapIoSpaceEx");
    Run::on("model")
        .driver(file.path())
        .eductl(["factorial", "12"])
        .end()
        .exits(7)
        .complains("ntoskrnl.exe!XmMapIoSpaceEx")
        .complains("EvtDevicePrepareHardware")
        .complains("driver call stack:");
}

#[test]
fn a_missing_import_does_not_matter_until_it_is_called() {
    // It is called when the device is removed.
    let file = doctored::image_with_name("MmUnmapIoSpace", "XmUnmapIoSpace");
    let ended = Run::on("model")
        .driver(file.path())
        .eductl(["factorial", "12"])
        .end()
        .exits(7)
        .says("factorial 12 = 479001600")
        .complains("ntoskrnl.exe!XmUnmapIoSpace")
        .complains("EvtDeviceReleaseHardware");
    assert!(!ended.stdout.contains("nothing left behind"), "{ended}");
}
