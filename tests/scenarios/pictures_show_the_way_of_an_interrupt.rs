//! `--timeline` and `--trace`: what happened, for eyes and for Perfetto.

use std::{env, fs, path::Path};

use edu_tests::program::Run;
use serde_json::Value;

/// The picture of the README, from the root of the repository.
const PICTURE: &str = "docs/pictures/factorial.svg";
/// Set to draw it anew.
const DRAW: &str = "EDU_DRAW";

/// One factorial, drawn into a directory: the picture and the trace.
fn draw(directory: &Path) -> (String, Vec<Value>) {
    let picture = directory.join("run.svg");
    let trace = directory.join("run.json");
    Run::on("model")
        .arguments(["--timeline".as_ref(), picture.as_os_str()])
        .arguments(["--trace".as_ref(), trace.as_os_str()])
        .eductl(["factorial", "12"])
        .end()
        .exits(0);
    let text = |path| fs::read_to_string(path).expect("the run has written it");
    let trace: Value = serde_json::from_str(&text(&trace)).expect("the trace is JSON");
    let events = trace["traceEvents"].as_array().expect("a trace has events");
    (text(&picture), events.clone())
}

#[test]
fn the_picture_in_the_readme_is_what_the_command_draws() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (drawn, _) = draw(directory.path());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository");
    let picture = root.join(PICTURE);
    if env::var_os(DRAW).is_some() {
        fs::write(&picture, &drawn).expect("the picture can be written");
    }
    let kept = fs::read_to_string(&picture).unwrap_or_default();
    assert!(
        kept == drawn,
        "{PICTURE} is not of this driver. To draw it anew:\n    \
         {DRAW}=1 cargo test -p edu-tests --test scenarios \
         pictures_show_the_way_of_an_interrupt::the_picture -- --exact"
    );
}

#[test]
fn the_trace_nests_callbacks_and_gives_each_its_irql() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (_, events) = draw(directory.path());
    let mut open: Vec<&str> = Vec::new();
    let mut last = 0;
    let mut seen = Vec::new();
    for event in &events {
        let name = event["name"].as_str().expect("an event has a name");
        match event["ph"].as_str() {
            Some("B") => {
                open.push(name);
                seen.push((name, event["args"]["irql"].as_str()));
            }
            Some("E") => assert_eq!(open.pop(), Some(name), "{events:#?}"),
            Some("M") => continue,
            phase => assert_eq!(phase, Some("i"), "{event}"),
        }
        let at = event["ts"].as_u64().expect("an event has a time");
        assert!(at >= last, "{event} comes after {last}");
        last = at;
    }
    assert!(open.is_empty(), "{open:?} never end");
    for callback in [
        ("EvtIoDeviceControl", "PASSIVE_LEVEL"),
        ("EvtInterruptIsr", "DIRQL 7"),
        ("EvtInterruptDpc", "DISPATCH_LEVEL"),
    ] {
        assert!(
            seen.contains(&(callback.0, Some(callback.1))),
            "{callback:?} is not among {seen:?}"
        );
    }
}
