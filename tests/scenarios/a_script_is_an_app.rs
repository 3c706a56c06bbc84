//! Scripts: `talk`, a client for any driver, and `explore --script`, a scenario without a program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use edu_spec::ioctl::{FACTORIAL, WAIT_EVENT};
use edu_tests::{found, program::Run};
use tempfile::TempDir;

const INTERFACE: &str = "{8D9E6F1A-2C5B-4E0D-9A37-51C46C0E11E8}";

/// A script in a directory of its own.
struct Script {
    _directory: TempDir,
    path: PathBuf,
}

impl Script {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("card.script");
        fs::write(&path, text).expect("it can be written");
        Self {
            _directory: directory,
            path,
        }
    }
}

/// 5!, and a wait that is canceled.
fn session() -> String {
    format!(
        "open edu {INTERFACE}\n\
         control edu {FACTORIAL:#x} in 05000000 out 4\n\
         expect success 78000000\n\
         start wait control edu {WAIT_EVENT:#x} in zero:8 out 32\n\
         cancel wait\n\
         wait wait\n\
         expect 0xC0000120\n\
         close edu\n"
    )
}

/// `edu-lab run … -- edu-lab talk SCRIPT`
fn talk(script: &Path) -> edu_tests::program::Ended {
    let line = format!(
        "'{}' talk '{}'",
        found::edu_lab().display(),
        script.display()
    );
    Run::on("model").shell(&line).end()
}

fn explore(arguments: &[&str], script: &Path) -> Output {
    Command::new(found::edu_lab())
        .arg(arguments[0])
        .arg("--driver")
        .arg(found::driver())
        .arg("--inf")
        .arg(found::inf())
        .args(["--device", "model", "--script"])
        .arg(script)
        .args(&arguments[1..])
        .output()
        .expect("edu-lab can be started")
}

#[test]
fn a_script_opens_sends_cancels_and_says_how_requests_ended() {
    let script = Script::new(&session());
    talk(&script.path)
        .exits(0)
        .says("edu: opened")
        .says("control: STATUS_SUCCESS, information 4\n  78 00 00 00")
        .says("wait: STATUS_CANCELLED, information 0")
        .says("edu: closed")
        .says("unloaded nothing left behind");
}

#[test]
fn what_a_script_expects_and_does_not_get_fails() {
    let script = Script::new(&session().replace("78000000", "79000000"));
    talk(&script.path)
        .exits(1)
        .complains("line 3: the last request gave [78, 00, 00, 00], and not [79, 00, 00, 00]");
}

#[test]
fn a_script_with_a_mistake_does_nothing() {
    let script = Script::new(&session().replace("close edu", "close card"));
    let ended = talk(&script.path);
    assert!(!ended.stdout.contains("edu: opened"), "{ended}");
    ended.exits(1).complains("line 8: there is no file `card`");
    talk(Path::new("/no/such.script"))
        .exits(1)
        .complains("/no/such.script");
}

#[test]
fn a_script_is_explored_and_what_is_found_is_replayed() {
    let pnp = "device sleep\ndevice wake\ndevice stop\ndevice start\n";
    let script = Script::new(&session().replace("start wait", &format!("{pnp}start wait")));
    let runs = ["explore", "--seeds", "0..20", "--disturb", "--fail-calls"];
    let explored = explore(&runs, &script.path);
    assert!(explored.status.success(), "{explored:?}");
    let wrong = Script::new(&session().replace("78000000", "79000000"));
    let explored = explore(&["explore", "--json", "--seeds", "0..1"], &wrong.path);
    assert_eq!(explored.status.code(), Some(1), "{explored:?}");
    let result: serde_json::Value =
        serde_json::from_slice(&explored.stdout).expect("the result is JSON");
    let replay = result["findings"][0]["replay"].as_str().expect("a command");
    let again = Command::new("sh").args(["-c", replay]).output();
    let again = again.expect("a shell can be started");
    let said = String::from_utf8_lossy(&again.stdout);
    assert_eq!(again.status.code(), Some(1), "{replay}\n{said}");
    assert!(
        said.contains("the request before line 3"),
        "{replay}\n{said}"
    );
}

#[test]
fn a_script_without_a_device_or_with_one_that_is_not_there_is_refused() {
    let script = Script::new(&session());
    let without = Command::new(found::edu_lab())
        .args(["explore", "--seeds", "0..1", "--driver"])
        .arg(found::driver())
        .arg("--inf")
        .arg(found::inf())
        .arg("--script")
        .arg(&script.path)
        .output()
        .expect("edu-lab can be started");
    assert_eq!(without.status.code(), Some(2), "{without:?}");
    let unknown = Command::new(found::edu_lab())
        .args(["explore", "--driver", "a.sys", "--inf", "a.inx"])
        .args(["--device", "edu", "--script"])
        .arg(&script.path)
        .output()
        .expect("edu-lab can be started");
    let said = String::from_utf8_lossy(&unknown.stderr);
    assert_eq!(unknown.status.code(), Some(2), "{said}");
    assert!(said.contains("no such kind of device"), "{said}");
}
