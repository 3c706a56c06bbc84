//! That both ends of the serial port are of one protocol, as far as the text of the guest's scripts shows it.

use std::{collections::BTreeSet, fs, path::PathBuf};

use windows_vm::{
    guest::{PROTOCOL, Request},
    medium::GUEST_SCRIPTS,
};

fn windows() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../windows"))
}

#[test]
fn the_guests_script_does_each_request() {
    let agent = fs::read_to_string(windows().join("guest/agent.ps1")).expect("the script");
    let (file, arguments) = (String::new(), Vec::new());
    let requests = [
        Request::Run {
            file: file.clone(),
            arguments: arguments.clone(),
            seconds: 1,
        },
        Request::Start { file, arguments },
        Request::Finish { seconds: 1 },
        Request::Devices,
        Request::Crashes,
        Request::Restart,
        Request::Shutdown,
    ];
    for request in requests {
        let request = serde_json::to_value(&request).expect("JSON");
        for (name, value) in request.as_object().expect("an object") {
            let wanted = match (name.as_str(), value.as_str()) {
                ("do", Some(what)) => format!("'{what}' {{"),
                _ => format!("$Request.{name}"),
            };
            assert!(agent.contains(&wanted), "{wanted}");
        }
    }
    let version = agent
        .lines()
        .find_map(|line| line.trim().strip_prefix("protocol"));
    let version = version.and_then(|rest| rest.trim().strip_prefix("= ")?.parse().ok());
    assert_eq!(version, Some(PROTOCOL));
    for field in [
        "say",
        "windows",
        "test_mode",
        "'exit'",
        "seconds",
        "output",
        "errors",
        "instance",
        "status",
        "problem",
        "service",
        "version",
        "dumps",
        "events",
    ] {
        let set = |line: &str| {
            line.split(&['{', ';'])
                .any(|part| part.trim().starts_with(&format!("{field} ")))
        };
        assert!(agent.lines().any(set), "{field}");
    }
}

#[test]
fn each_script_of_the_guest_is_on_the_medium() {
    let guest = fs::read_dir(windows().join("guest")).expect("the scripts");
    let there: BTreeSet<_> = guest
        .map(|entry| format!("guest/{}", entry.expect("a file").file_name().display()))
        .chain(["common.ps1".to_owned()])
        .collect();
    let named: BTreeSet<_> = GUEST_SCRIPTS.into_iter().map(String::from).collect();
    assert_eq!(there, named);
}
