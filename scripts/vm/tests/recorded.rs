//! The host's part, with a guest that was written by hand, and with what can go wrong with one.

use std::os::unix::net::UnixStream;

use windows_vm::{
    Error,
    line::{self, Place},
    progress::Finished,
    recorded::{self, Nothing},
    run::run_stage,
    stage::{STAGES, Stage},
    table,
};

/// Plays a stage's guest.
fn play(stage: Stage, lines: Vec<String>, patience: f64) -> (Finished, Result<(), Error>, Nothing) {
    let (host, guest) = UnixStream::pair().expect("a socket");
    let player = recorded::play(lines, guest);
    let mut machine = Nothing::default();
    let (finished, result) = run_stage(stage, "", host, &mut machine, patience, &mut |_| ());
    let said = player.join().expect("the guest");
    if result.is_ok() {
        assert_eq!(said, None, "{stage}");
    }
    (finished, result, machine)
}

fn named(name: &str) -> Stage {
    Stage::named(name).expect("a stage")
}

fn lines(stage: &str) -> Vec<String> {
    let lines = recorded::of_stage(recorded::WRITTEN, named(stage));
    assert!(!lines.is_empty(), "{stage}");
    lines
}

/// Plays a stage whose lines were changed, and gives what ended it.
fn ends(stage: &str, lines: Vec<String>) -> Error {
    let (_, result, _) = play(named(stage), lines, 1.0);
    result.expect_err("an end")
}

/// Changes what the guest says in its line with this text, and seals it again.
fn say(lines: &mut [String], with: &str, from: &str, to: &str) {
    let line = lines
        .iter_mut()
        .find(|line| line.starts_with("< EDU ") && line.contains(with))
        .expect("a line");
    let (place, json) = line::read_guest(&line[2..]).expect("a right line");
    assert!(json.contains(from), "{json}");
    *line = format!("< {}", line::of_guest(place, &json.replace(from, to)));
}

fn failed(finished: &Finished) -> Vec<&str> {
    let failed = finished.checks.iter().filter(|check| check.wrong.is_some());
    failed.map(|check| check.name.as_str()).collect()
}

/// The recording with its lines numbered and sealed anew.
fn sealed_again(recording: &str) -> String {
    let (mut boot, mut line, mut asked) = (0, 0, 0);
    let mut again = String::new();
    for text in recording.lines() {
        let json = text
            .splitn(4, ' ')
            .nth(3)
            .and_then(|rest| rest.rsplit_once(' '));
        let json = json.map(|(json, _)| json.to_owned());
        let new = match (text.split(' ').take(2).collect::<Vec<_>>().as_slice(), json) {
            (["=", _], _) => {
                asked = 0;
                text.to_owned()
            }
            ([">", "HOST"], Some(json)) => {
                asked += 1;
                format!("> {}", line::of_host(asked, &json))
            }
            (["<", "EDU"], Some(json)) => {
                let mut value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
                if value["say"] == "hello" {
                    (boot, line) = (boot + 1, 0);
                }
                line += 1;
                let old = format!(r#""to":{}"#, value["to"].take());
                let json = json.replacen(&old, &format!(r#""to":{asked}"#), 1);
                format!("< {}", line::of_guest(Place { boot, line }, &json))
            }
            _ => text.to_owned(),
        };
        again += &(new + "\n");
    }
    again
}

/// Whoever adds to the recording by hand has it numbered and sealed by `RECORDED=write`.
#[test]
fn the_recording_is_numbered_and_sealed() {
    let again = sealed_again(recorded::WRITTEN);
    if std::env::var_os("RECORDED").is_some_and(|what| what == "write") {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/recorded/guest.txt");
        std::fs::write(file, &again).expect("written");
    }
    assert!(
        again == recorded::WRITTEN,
        "RECORDED=write cargo test -p windows-vm writes it"
    );
}

#[test]
fn a_right_guest_passes_every_stage() {
    let finished: Vec<_> = STAGES
        .into_iter()
        .map(|stage| {
            let (finished, result, machine) = play(stage, lines(stage.name), 1.0);
            result.expect("a right guest");
            let pulls = machine
                .asked
                .iter()
                .filter(|asked| **asked == "pull")
                .count();
            let removes = stage.name.ends_with("removed");
            assert_eq!(pulls, if removes { 3 } else { 0 }, "{stage}");
            finished
        })
        .collect();
    assert_eq!(table::count(&finished).failed, 0);
    let table = table::markdown(&finished);
    assert!(
        table.contains("| eductl stress --count 10000 --depth 16 --threads 2 |  | ok 2.4 s |"),
        "{table}"
    );
}

#[test]
fn a_wrong_answer_fails_its_check_and_the_others_go_on() {
    let mut lines = lines("normal");
    say(
        &mut lines,
        r#"\"result\":479001600"#,
        "479001600",
        "479001601",
    );
    let (finished, result, _) = play(named("normal"), lines, 1.0);
    result.expect("the stage goes on");
    assert_eq!(failed(&finished), ["eductl factorial 12"]);
}

#[test]
fn a_driver_that_is_not_installed_ends_the_stage() {
    let mut lines = lines("normal");
    say(&mut lines, "Next, elevated", r#""exit":0"#, r#""exit":1"#);
    let (finished, result, _) = play(named("normal"), lines, 1.0);
    let error = result.expect_err("nothing is left to do");
    assert_eq!(
        (error.exit_code(), failed(&finished)),
        (1, vec!["install.ps1"])
    );
}

#[test]
fn windows_without_test_mode_is_the_end() {
    let mut lines = lines("windows");
    say(&mut lines, "hello", "true", "false");
    let error = ends("windows", lines);
    assert!(error.to_string().contains("test mode"), "{error}");
}

#[test]
fn a_bug_check_that_windows_tells_of_is_the_end() {
    let mut lines = lines("normal");
    say(
        &mut lines,
        "dumps",
        r#""dumps":[]"#,
        r#""dumps":["MEMORY.DMP"]"#,
    );
    let (finished, result, _) = play(named("normal"), lines, 1.0);
    assert_eq!(result.expect_err("the end").exit_code(), 1);
    assert_eq!(failed(&finished), ["no bug check"]);
}

#[test]
fn a_restart_that_nobody_asked_for_is_a_bug_check() {
    let mut all = lines("normal");
    let asked = all
        .iter()
        .position(|line| line.starts_with('>') && line.contains("stress"))
        .expect("a request");
    all.truncate(asked + 1);
    let mut say = |place, json: &str| all.push(format!("< {}", line::of_guest(place, json)));
    let place = |line| Place { boot: 900, line };
    say(
        place(1),
        r#"{"say":"hello","protocol":1,"windows":"10.0","test_mode":true}"#,
    );
    let number = lines("normal")[asked]
        .split(' ')
        .nth(2)
        .and_then(|number| number.parse::<u32>().ok())
        .expect("a number")
        + 1;
    all.push(format!(
        "> {}",
        line::of_host(number, r#"{"do":"crashes"}"#)
    ));
    let mut say = |place, json: &str| all.push(format!("< {}", line::of_guest(place, json)));
    say(
        place(2),
        &format!(
            r#"{{"say":"answer","to":{number},"value":{{"dumps":[],"events":["0x000000d1"]}}}}"#
        ),
    );
    let (finished, result, _) = play(named("normal"), all, 1.0);
    assert_eq!(result.expect_err("the end").exit_code(), 1);
    assert_eq!(failed(&finished), ["no bug check"]);
    let last = finished.checks.last().and_then(|check| check.wrong.clone());
    assert!(last.expect("a reason").contains("0x000000d1"));
}

#[test]
fn a_recording_that_is_cut_off_is_seen() {
    let all = lines("normal");
    for count in [0, 1, 2, all.len() / 2, all.len() - 1] {
        let error = ends("normal", all[..count].to_vec());
        assert_eq!(error.exit_code(), 6, "{count}: {error}");
    }
}

#[test]
fn a_guest_that_is_silent_runs_into_the_time_limit() {
    let (_, result, _) = play(named("normal"), vec!["!".into()], 0.0001);
    let error = result.expect_err("a limit");
    assert_eq!(error.exit_code(), 4, "{error}");
}

#[test]
fn a_damaged_line_and_a_lost_one_are_seen() {
    let at = lines("normal")
        .iter()
        .position(|line| line.contains("liveness"))
        .expect("a line")
        + 1;
    let mut damaged = lines("normal");
    damaged[at].remove(40);
    assert_eq!(ends("normal", damaged).exit_code(), 5);
    let mut cut = lines("normal");
    cut[at].truncate(60);
    assert_eq!(ends("normal", cut).exit_code(), 5);
    // The answer itself may be lost, too: then the next one comes instead.
    let mut lost = lines("normal");
    lost.drain(at..at + 2);
    assert_eq!(ends("normal", lost).exit_code(), 5);
    let mut twice = lines("normal");
    twice.insert(at, twice[at].clone());
    assert_eq!(ends("normal", twice).exit_code(), 5);
}

#[test]
fn noise_on_the_port_is_told_of_and_harms_nothing() {
    let mut noisy = lines("normal");
    for at in (0..noisy.len()).step_by(7) {
        noisy.insert(at, "< \u{fffd}\u{1b}[2J  EDU?".into());
    }
    let (finished, result, _) = play(named("normal"), noisy, 1.0);
    result.expect("noise is no line of the protocol");
    assert_eq!(failed(&finished), [""; 0]);
    assert!(
        finished
            .checks
            .iter()
            .any(|check| check.seen.contains("lines on the serial port"))
    );
}

#[test]
fn a_guest_of_another_protocol_is_refused() {
    let mut lines = lines("normal");
    say(&mut lines, "hello", r#""protocol":1"#, r#""protocol":2"#);
    let error = ends("normal", lines);
    assert!(error.to_string().contains("version 2"), "{error}");
}
