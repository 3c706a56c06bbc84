//! The fuzzers' targets as ordinary tests: on what the fuzzers have kept, and on some fresh bytes.
#![cfg(unix)]

use std::{fs, path::Path};

use edu_fuzz::{Fuzzed, PARSERS, hostile};
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, TestRunner},
};

/// Every file of a target's corpus, in order.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut files: Vec<_> = fs::read_dir(&directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("a directory can be listed").path())
        .map(|path| {
            let bytes = fs::read(&path).expect("a file can be read");
            (path.display().to_string(), bytes)
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", directory.display());
    files
}

fn holds((name, target): Fuzzed, fresh: u32, longest: usize) {
    for (path, bytes) in corpus(name) {
        println!("{path}");
        target(&bytes);
    }
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(fresh)
    });
    let result = runner.run(&vec(any::<u8>(), 0..longest), |bytes| {
        target(&bytes);
        Ok(())
    });
    assert!(result.is_ok(), "{name}: {}", result.unwrap_err());
}

#[test]
fn no_bytes_confuse_a_parser() {
    for parser in PARSERS {
        holds(parser, 2000, 300);
    }
}

#[test]
#[ignore = "needs the driver: sh scripts/build-driver.sh"]
fn no_device_and_no_app_make_the_driver_break_a_rule() {
    let target: Fuzzed = ("hostile", |bytes| drop(hostile(bytes)));
    holds(target, 500, 300);
}
