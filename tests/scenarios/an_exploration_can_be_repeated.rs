//! `edu-lab explore`: what it finds can be replayed from a shell, and does not depend on its threads.

use std::process::{Command, Output};

use edu_tests::{doctored, found};
use serde_json::Value;

fn explore(driver: &std::path::Path, arguments: &[&str]) -> (Value, Output) {
    let output = Command::new(found::edu_lab())
        .args(["explore", "--json", "--driver"])
        .arg(driver)
        .arg("--inf")
        .arg(found::inf())
        .args(arguments)
        .output()
        .expect("edu-lab can be started");
    let text = String::from_utf8_lossy(&output.stdout);
    let result =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{output:?}"));
    (result, output)
}

#[test]
fn every_finding_is_found_again_by_the_command_that_it_prints() {
    // Removing the device ends in a function that the host does not play.
    let driver = doctored::image_with_name("MmUnmapIoSpace", "MmUnmapIoSpacx");
    let (result, output) = explore(
        driver.path(),
        &[
            "--scenario",
            "factorial",
            "--scenario",
            "hostile",
            "--seeds",
            "3..5",
            "--disturb",
            "--fail-calls",
        ],
    );
    assert_eq!(output.status.code(), Some(7), "{result}");
    let findings = result["findings"].as_array().expect("a list");
    assert!(findings.len() > 5, "{result}");
    for finding in findings {
        let replay = finding["replay"].as_str().expect("a command");
        let again = Command::new("sh")
            .args(["-c", replay])
            .output()
            .expect("a shell can be started");
        let said = String::from_utf8_lossy(&again.stdout);
        assert_eq!(
            again.status.code().map(i64::from),
            finding["exit"].as_i64(),
            "{replay}\n{said}"
        );
        assert!(said.contains("MmUnmapIoSpacx"), "{replay}\n{said}");
    }
}

#[test]
fn the_threads_of_an_exploration_change_nothing_of_what_it_comes_to() {
    let explored = |threads| {
        let (mut result, output) = explore(
            &found::driver(),
            &[
                "--scenario",
                "sleep",
                "--scenario",
                "hostile",
                "--seeds",
                "0..30",
                "--disturb",
                "--fail-calls",
                "--twice",
                "--threads",
                threads,
            ],
        );
        assert!(output.status.success(), "{result}");
        let members = result.as_object_mut().expect("an object");
        members.retain(|name, _| !name.ends_with("_per_second"));
        result
    };
    assert_eq!(explored("1"), explored("3"));
}

#[test]
fn a_command_whose_reader_goes_away_ends_as_it_would() {
    let driver = found::driver();
    let driver = driver.to_str().expect("a path in UTF-8");
    let inf = found::inf();
    let inf = inf.to_str().expect("a path in UTF-8");
    let of_driver = ["--driver", driver, "--inf", inf];
    let commands = [
        vec!["rules"],
        vec!["check", "--all", driver],
        [
            &["explore", "--scenario", "factorial", "--seeds", "0..1"][..],
            &of_driver,
        ]
        .concat(),
        [&["replay", "--scenario", "factorial"][..], &of_driver].concat(),
        [
            &["run", "--device", "model"][..],
            &of_driver,
            &["--", "true"],
        ]
        .concat(),
    ];
    for arguments in commands {
        // Nobody reads: the first line that is said finds the pipe closed.
        let (reader, writer) = std::io::pipe().expect("a pipe can be made");
        drop(reader);
        let output = Command::new(found::edu_lab())
            .args(&arguments)
            .stdout(writer)
            .output()
            .expect("edu-lab can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{said}");
        assert!(!said.contains("panicked"), "{arguments:?}\n{said}");
    }
}
