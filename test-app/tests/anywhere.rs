//! The program as a shell sees it, on every system: nothing here needs a device. On Windows, and under Wine
//! (`sh scripts/test.sh eductl`), these are the only tests of the whole program.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
};

use clap::CommandFactory;
use eductl::{cli::Cli, exit};
use serde_json::Value;

/// Every command, with what it must be given.
const COMMANDS: &[&[&str]] = &[
    &["info"],
    &["liveness"],
    &["factorial", "5"],
    &["raise", "1"],
    &["wait"],
    &["read", "0", "1"],
    &["write", "0", "--hex", "00"],
    &["cancel"],
    &["stats"],
    &["watch"],
    &["stress"],
    &["control", "0"],
];

/// What is said where there is no device, before the interface and behind it.
const NO_DEVICE: [&str; 2] = if cfg!(windows) {
    [
        "no edu device with index 4294967295 is present (interface ",
        "give the virtual machine -device edu",
    ]
} else {
    [
        "no kmdf-host answers at /nonexistent/host.sock",
        "start a host that runs the driver",
    ]
};

/// eductl, with a device that is not there, whether or not another one is.
fn eductl<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eductl"));
    command
        .args(["--device", "4294967295"])
        .args(args)
        .env("KMDF_HOST_SOCKET", "/nonexistent/host.sock")
        .env_remove("COLUMNS")
        .stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[track_caller]
fn ends(output: &Output, code: u8) {
    assert_eq!(output.status.code(), Some(code.into()), "{output:?}");
    assert!(!text(&output.stderr).contains("panicked"), "{output:?}");
}

/// A pipe that nobody reads from.
fn unread() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// What cannot be written to.
fn unwritable() -> Stdio {
    if cfg!(windows) {
        File::open(env!("CARGO_BIN_EXE_eductl")).unwrap().into()
    } else {
        File::create("/dev/full").unwrap().into()
    }
}

#[test]
fn every_command_is_tried_here() {
    let tried: Vec<_> = COMMANDS.iter().map(|command| command[0]).collect();
    let command = Cli::command();
    let all: Vec<_> = command
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    assert_eq!(tried, all);
}

#[test]
fn the_help_lists_commands_and_exit_codes() {
    let output = eductl(["--help"]).output().unwrap();
    ends(&output, 0);
    assert!(output.stderr.is_empty(), "{output:?}");
    let help = text(&output.stdout).replace("\r\n", "\n");
    assert!(help.contains(exit::HELP), "{help}");
    assert_eq!(help.contains("--socket"), !cfg!(windows), "{help}");
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {} ", command[0])), "{help}");
        let output = eductl([command[0], "--help"]).output().unwrap();
        ends(&output, 0);
        assert!(text(&output.stdout).contains("Usage: eductl"), "{output:?}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = Command::new(env!("CARGO_BIN_EXE_eductl"))
        .arg("--version")
        .output()
        .unwrap();
    ends(&output, 0);
    let version = concat!("eductl ", env!("CARGO_PKG_VERSION"));
    assert_eq!(text(&output.stdout).trim_end(), version);
}

#[test]
fn without_a_device_every_command_says_so_and_ends_with_code_3() {
    let [reason, hint] = NO_DEVICE;
    for command in COMMANDS {
        let output = eductl(command.iter().copied()).output().unwrap();
        ends(&output, 3);
        assert!(output.stdout.is_empty(), "{output:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with(&format!("eductl: {reason}")), "{said}");
        assert!(said.contains(&format!("\n  hint: {hint}")), "{said}");
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}

#[test]
fn without_a_device_every_command_gives_one_line_of_json() {
    let [reason, hint] = NO_DEVICE;
    for command in COMMANDS {
        let output = eductl(command.iter().copied())
            .arg("--json")
            .output()
            .unwrap();
        ends(&output, 3);
        assert!(output.stderr.is_empty(), "{output:?}");
        let said = text(&output.stdout);
        assert_eq!(said.lines().count(), 1, "{said}");
        let found: Value = serde_json::from_str(said).unwrap();
        let field = |name: &str| found["error"][name].as_str().unwrap();
        assert_eq!(found["command"], command[0]);
        assert_eq!(field("kind"), "no_device");
        assert!(field("message").starts_with(reason), "{said}");
        assert!(field("hint").starts_with(hint), "{said}");
    }
}

#[test]
fn what_is_beyond_a_limit_ends_with_code_2_and_says_why() {
    for (args, why) in [
        (&["no-such-command"][..], "unrecognized subcommand"),
        (&["factorial"], "not provided"),
        (&["factorial", "4294967296"], "above 4294967295"),
        (&["factorial", "0x1_0000_0000"], "above 4294967295"),
        (&["factorial", ""], "decimal"),
        (
            &["read", "18446744073709551616", "1"],
            "above 18446744073709551615",
        ),
        (&["read", "0", "1048577"], "from 1 to 1048576"),
        (&["write", "0", "--hex", "0"], "even number"),
        (
            &["write", "0", "--fill", "256", "--length", "1"],
            "above 255",
        ),
        (&["stress", "--depth", "1025"], "1025"),
        (&["watch", "--interval", "9"], "9"),
        (&["info", "--timeout", "86400.5"], "at most 86400"),
    ] {
        let output = eductl(args.iter().copied()).output().unwrap();
        ends(&output, 2);
        assert!(output.stdout.is_empty(), "{output:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with("error: ") && said.contains(why), "{said}");
    }
}

#[test]
fn what_is_at_a_limit_is_taken() {
    let digits = "00".repeat(8_000);
    let long = format!("{}/file", "directory/".repeat(40));
    for args in [
        &["factorial", "4294967295"][..],
        &["read", "0xFFFF_FFFF_FFFF_FFFF", "1048576"],
        &["write", "0", "--hex", &digits],
        &["write", "0", "--input", &long],
        &[
            "stress",
            "--depth",
            "1024",
            "--threads",
            "64",
            "--count",
            "18446744073709551615",
        ],
        &["watch", "--interval", "3600000"],
        &["info", "--timeout", "86400"],
    ] {
        let output = eductl(args.iter().copied()).output().unwrap();
        ends(&output, 3);
    }
}

#[test]
fn an_argument_that_is_no_unicode_is_told_from_a_panic() {
    let odd = odd();
    ends(&eductl([]).arg(&odd).output().unwrap(), 2);
    let output = eductl(["factorial"]).arg(&odd).output().unwrap();
    ends(&output, 2);
    // A path may be anything.
    let output = eductl(["read", "0", "1", "--output"])
        .arg(&odd)
        .output()
        .unwrap();
    ends(&output, 3);
}

#[cfg(unix)]
fn odd() -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xFF])
}

#[cfg(windows)]
fn odd() -> OsString {
    std::os::windows::ffi::OsStringExt::from_wide(&[u16::from(b'a'), 0xD800])
}

#[test]
fn a_reader_that_has_seen_enough_changes_no_exit_code() {
    let mut child = eductl(["--help"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut first).unwrap();
    drop(output);
    assert!(first.starts_with("Uses the edu driver"), "{first}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    for (args, code) in [(&["--help"][..], 0), (&["info", "--json"], 3)] {
        let output = eductl(args.iter().copied())
            .stdout(unread())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        ends(&output, code);
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn an_error_that_nobody_reads_changes_no_exit_code() {
    for (args, code) in [(&["info"][..], 3), (&["factorial"], 2)] {
        for stderr in [unread(), unwritable()] {
            let output = eductl(args.iter().copied())
                .stderr(stderr)
                .output()
                .unwrap();
            ends(&output, code);
        }
    }
    // Nor does it where results are lost, too.
    let status = eductl(["info", "--json"])
        .stdout(unwritable())
        .stderr(unread())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(7));
}

#[test]
fn results_that_cannot_be_written_end_with_code_7() {
    for args in [&["--help"][..], &["stress", "--help"], &["info", "--json"]] {
        let mut child = eductl(args.iter().copied())
            .stdout(unwritable())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let stderr = child.stderr.take().unwrap();
        BufReader::new(stderr).read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7), "{args:?}: {said}");
        assert!(
            said.starts_with("eductl: the results could not be written: "),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
