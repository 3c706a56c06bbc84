//! QEMU is another program: it may not be there, and it may go.

use std::{
    fs,
    time::{Duration, Instant},
};

use edu_tests::program::{Run, Running};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn qemu_that_is_not_installed_is_named_with_what_to_do() {
    Run::on("qemu:edu")
        .qemu("/nowhere/qemu-system-x86_64")
        .eductl(["factorial", "12"])
        .end()
        .exits(4)
        .complains("/nowhere/qemu-system-x86_64 is not there")
        .complains("apt-get install qemu-system-x86");
}

#[test]
fn a_device_that_qemu_does_not_have_is_refused_in_qemus_words() {
    Run::on("qemu:edo")
        .end()
        .exits(4)
        .complains("'edo' is not a valid device model name");
}

#[test]
fn qemu_that_dies_in_the_middle_ends_the_run_and_the_app() {
    for interrupts in ["auto", "line"] {
        let running = Run::on("qemu:edu")
            .arguments(["--interrupts", interrupts])
            .eductl(["stress", "--count", "1000000"])
            .start();
        let qemu = child_named(&running, "qemu-system");
        let eductl = child_named(&running, "eductl");
        // By then the driver has started, and has completed many of its requests.
        wait_until("eductl is busy", || waits_of(eductl) > 100);
        kill_process(
            Pid::from_raw(qemu).expect("a process has an id"),
            Signal::KILL,
        )
        .expect("QEMU runs");
        running
            .end()
            .exits(4)
            .complains("the device died while")
            .complains("signal: 9")
            // What eductl says, before it goes.
            .says("the host went away: the device died while");
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The process id of the child whose program's name begins with `name`.
fn child_named(running: &Running, name: &str) -> i32 {
    let found = || {
        children(running.id())
            .into_iter()
            .find(|child| command_of(*child).starts_with(name))
    };
    wait_until(name, || found().is_some());
    found().expect("it was there")
}

/// The children of a process, of whichever of its threads.
fn children(parent: u32) -> Vec<i32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else {
        return Vec::new();
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|children| {
            children
                .split_whitespace()
                .filter_map(|child| child.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// How often a process and its threads have waited for something.
fn waits_of(process: i32) -> u64 {
    let Ok(tasks) = fs::read_dir(format!("/proc/{process}/task")) else {
        return 0;
    };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("status")).ok())
        .filter_map(|status| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse::<u64>().ok()
        })
        .sum()
}

fn command_of(process: i32) -> String {
    fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default()
}
