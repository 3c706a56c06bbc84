//! The driver on the model and on QEMU's device, explored, and what a read costs it.
#![cfg(unix)]

use kmdf_host::{
    Interrupts, Machine, Operation, Session,
    device::{
        PciFunction,
        qemu::{Qemu, QemuOptions},
    },
    explore::{Cause, Runs, Target, explore},
    ntstatus::STATUS_SUCCESS,
};
use virtio_rng_tests::{INTERFACE, READ, RngModel, all, driver, per_read};

fn session(device: Box<dyn PciFunction>, interrupts: Interrupts) -> Session {
    let machine = Machine {
        functions: vec![device],
        ..Machine::default()
    };
    Session::boot(&driver(), machine, interrupts).unwrap_or_else(|error| panic!("{error}"))
}

fn read(session: &Session, length: usize) -> Vec<u8> {
    let file = session.open(INTERFACE, READ).expect("it opens");
    let outcome = session
        .request(&file, Operation::Read { offset: 0, length })
        .unwrap_or_else(|stop| panic!("{stop}"));
    session.host().close(&file);
    assert_eq!(outcome.status, STATUS_SUCCESS);
    outcome.output
}

/// Reads with each kind of interrupt, and checks what was granted and how many interrupts came.
fn reads_by(device: impl Fn() -> Box<dyn PciFunction>) {
    for interrupts in [
        Interrupts::AsInstalled,
        Interrupts::OneMessage,
        Interrupts::Line,
    ] {
        let session = session(device(), interrupts);
        let granted = session.host().granted_interrupts(0);
        let expected = match interrupts {
            Interrupts::AsInstalled => "MSI-X, 2 of 2 messages",
            Interrupts::OneMessage => "MSI-X, 1 of 2 messages",
            Interrupts::Line => "line-based interrupt",
        };
        assert_eq!(granted, expected);
        let first = read(&session, 64);
        assert_eq!(first.len(), 64);
        assert_ne!(first, read(&session, 64), "{interrupts:?}");
        assert!(read(&session, 10_000).len() <= 4096);
        assert!(read(&session, 0).is_empty());
        let summary = session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(summary.counts.interrupts, 3, "{interrupts:?}");
        assert_eq!(summary.counts.dpc_calls, 3, "{interrupts:?}");
    }
}

#[test]
fn random_bytes_come_by_two_messages_by_one_and_by_a_line() {
    reads_by(|| Box::new(RngModel::new()));
}

#[test]
#[ignore = "needs QEMU: scripts/test.sh runs it"]
fn random_bytes_come_from_qemus_device() {
    reads_by(|| {
        let device = Qemu::start(QemuOptions::new("virtio-rng-pci"));
        Box::new(device.unwrap_or_else(|error| panic!("{error}")))
    });
}

/// Explores every scenario, and panics with the first finding. Returns the number of runs with an event at a boundary.
fn explored(runs: &Runs) -> u64 {
    let target = Target::read(driver(), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let explored = explore(&target, &all(), runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!(
            "{}, with {}: {}",
            finding.scenario, finding.way, finding.wrong
        );
    }
    assert!(explored.schedules >= 5 * runs.seeds.end);
    explored.boundary_runs
}

#[test]
fn a_read_is_one_register_write_one_interrupt_and_one_dpc() {
    let read = per_read(driver(), INTERFACE).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!((read.reads, read.writes), (0, 1), "{read:?}");
    assert_eq!((read.isr_calls, read.dpcs), (1, 1), "{read:?}");
    assert_eq!(read.allocations, 0, "{read:?}");
}

#[test]
fn nothing_is_lost_in_schedules_with_calls_that_fail_and_devices_that_lie() {
    explored(&Runs {
        seeds: 0..30,
        fail_calls: true,
        disturb: true,
        causes: vec![Cause::Device, Cause::Cancel, Cause::Sleep, Cause::Remove],
        threads: 2,
        ..Runs::default()
    });
}

#[test]
fn nothing_is_accessed_without_order() {
    explored(&Runs {
        seeds: 0..4,
        races: true,
        disturb: true,
        causes: vec![Cause::Device, Cause::Cancel, Cause::Sleep, Cause::Remove],
        threads: 2,
        ..Runs::default()
    });
}

#[test]
#[ignore = "takes minutes: every boundary of every scenario with every cause"]
fn nothing_is_lost_whatever_happens_at_any_instruction() {
    let runs = explored(&Runs {
        seeds: 0..500,
        fail_calls: true,
        disturb: true,
        causes: vec![
            Cause::Device,
            Cause::DeviceElsewhere,
            Cause::Cancel,
            Cause::Others,
            Cause::Close,
            Cause::Sleep,
            Cause::Stop,
            Cause::Remove,
            Cause::SurpriseRemove,
        ],
        every_boundary: true,
        threads: 2,
        ..Runs::default()
    });
    assert!(runs > 10_000);
}
