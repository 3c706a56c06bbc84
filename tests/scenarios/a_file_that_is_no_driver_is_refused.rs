//! Images that cannot be run are refused by name and reason, before anything is started.

use edu_tests::{doctored, found, program::Run};

/// `IMAGE_FILE_MACHINE_ARM64`
const ARM64: u16 = 0xAA64;
/// `IMAGE_FILE_MACHINE_I386`
const I386: u16 = 0x014C;

fn refused(driver: &std::path::Path, because: &[&str]) {
    let mut ended = Run::on("model")
        .driver(driver)
        .eductl(["factorial", "12"])
        .end()
        .exits(3)
        .complains("error: ")
        .complains(&driver.display().to_string());
    for text in because {
        ended = ended.complains(text);
    }
    assert!(!ended.stdout.contains("factorial"), "eductl ran{ended}");
}

#[test]
fn a_text_is_no_pe() {
    let file =
        doctored::image_of(b"This is not a driver, it is a sentence, and a long enough one.");
    refused(file.path(), &["MZ"]);
}

#[test]
fn an_empty_file_is_no_pe() {
    let file = doctored::image_of(b"");
    refused(file.path(), &["MZ"]);
}

#[test]
fn a_program_of_this_system_is_no_pe() {
    refused(&found::eductl(), &["[7f, 45, 4c, 46]", "MZ"]);
}

#[test]
fn an_image_for_another_machine_is_named_with_its_machine() {
    for (machine, name) in [(ARM64, "ARM64"), (I386, "x86")] {
        let file = doctored::image_for_machine(machine);
        refused(file.path(), &[name, "x64"]);
    }
    if let Some(driver) = found::driver_for_arm64() {
        refused(&driver, &["ARM64", "x64"]);
    }
}

#[test]
fn an_image_that_was_cut_off_is_refused() {
    let file = doctored::image(|bytes| bytes.truncate(bytes.len() / 2));
    refused(file.path(), &[]);
}

#[test]
fn an_image_that_changed_after_it_was_linked_fails_its_checksum() {
    let file = doctored::image(|bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    refused(file.path(), &["checksum"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    refused(
        std::path::Path::new("/nowhere/edu_kmdf.sys"),
        &["No such file"],
    );
}
