//! `edu-lab gallery`: a list of drivers, each run in the same ways.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use edu_spec::ioctl::FACTORIAL;
use edu_tests::{doctored, found};
use tempfile::TempDir;

const INTERFACE: &str = "{8D9E6F1A-2C5B-4E0D-9A37-51C46C0E11E8}";

fn gallery(list: &str, arguments: &[&str]) -> (TempDir, Output) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let script = format!(
        "open edu {INTERFACE}\ncontrol edu {FACTORIAL:#x} in 05000000 out 4\n\
         expect success|0xC0000120 78000000\nclose edu\n"
    );
    fs::write(directory.path().join("edu.script"), script).expect("it can be written");
    fs::write(directory.path().join("list"), list).expect("it can be written");
    let output = Command::new(found::edu_lab())
        .arg("gallery")
        .arg(directory.path().join("list"))
        .args(["--seeds", "5"])
        .args(arguments)
        .output()
        .expect("edu-lab can be started");
    (directory, output)
}

fn entry(driver: &Path) -> String {
    format!(
        "driver {}\n  inf {}\n  device model\n  script edu.script\n",
        driver.display(),
        found::inf().display()
    )
}

#[test]
fn each_driver_of_a_list_has_a_row_and_each_finding_a_command() {
    let broken = doctored::image_with_name("MmUnmapIoSpace", "MmUnmapIoSpacx");
    let list = entry(&found::driver()) + &entry(broken.path());
    let (directory, output) = gallery(&list, &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{text}{output:?}");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).collect();
    let [head, _, good, bad] = rows[..] else {
        panic!("{text}");
    };
    assert!(head.starts_with("| driver | KMDF |"), "{text}");
    let steps = "| ok | ok | ok | ok | ok | ok | ok | 5: ok |";
    assert!(good.contains(steps), "{text}");
    assert!(
        bad.contains("| found 1 |") && bad.contains("5: found 1"),
        "{text}"
    );
    let replay = text
        .lines()
        .find(|line| line.contains(" replay --driver "))
        .expect("a command");
    let again = Command::new("sh")
        .args(["-c", replay])
        .output()
        .expect("a shell can be started");
    assert_eq!(again.status.code(), Some(7), "{replay}");
    drop(directory);
}

#[test]
fn a_list_that_cannot_be_used_is_refused_with_its_line() {
    for (list, said) in [
        ("", "there is no driver in it"),
        ("inf a.inf\n", ":1: `inf` is about no driver"),
        ("driver nowhere.sys\n", "nowhere.sys: No such file"),
    ] {
        let (_directory, output) = gallery(list, &[]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{error}");
        assert!(error.contains(said), "{error}");
    }
    let list = entry(&found::driver()).replace("device model", "device camera");
    let (_directory, output) = gallery(&list, &[]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("camera: no such kind of device"), "{error}");
}

#[test]
fn a_file_that_is_no_driver_is_a_row_that_says_so() {
    let list = entry(&found::inf());
    let (_directory, output) = gallery(&list, &["--json"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3), "{text}");
    let result: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(result["drivers"][0]["refused"].is_string(), "{text}");
}
