//! Devices that do wrong: the driver survives, and the person is told.

use edu_model::Config;
use edu_spec::registers::offset;
use edu_tests::{Bench, for_each_seed, program::Run, tamper::SharedModel};
use kmdf_host::ntstatus::{STATUS_CANCELLED, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_NO_SUCH_DEVICE};

#[test]
fn eductl_fails_when_a_factorial_is_wrong() {
    Run::on("model,wrong-factorial")
        .eductl(["factorial", "12"])
        .end()
        .exits(1)
        .says("factorial 12 = 479001601: WRONG, it is 479001600")
        .says("nothing left behind");
}

#[test]
fn eductl_stress_counts_every_wrong_factorial() {
    let ended = Run::on("model,wrong-factorial=0x80000000")
        .eductl(["stress", "--count", "500", "--json"])
        .end()
        .exits(1);
    let found = ended.json("wrong");
    assert_eq!(found["wrong"], 500, "{ended}");
    assert_eq!(found["completed"], 500, "{ended}");
}

#[test]
fn a_device_that_reads_all_ones_from_the_beginning_is_not_started() {
    Run::on("model,removed-at=0")
        .eductl(["factorial", "12"])
        .end()
        .exits(5)
        .complains("starting the device")
        .complains(&STATUS_NO_SUCH_DEVICE.to_string());
}

#[test]
fn a_device_that_goes_while_it_computes_gives_no_result_that_is_wrong() {
    /// The first step of many, each twice as long: with a seed time passes before 12! begins as well.
    const STEP_NS: u64 = 1000;
    let mut right = 0;
    let mut ended = 0;
    for step in 0..22 {
        for_each_seed(4, |seed| {
            let model = SharedModel::new(Config::default());
            let lab = Bench::with_device(model.clone()).seed(seed).boot();
            let file = lab.open();
            assert_eq!(lab.factorial(&file, 5), Ok(120));
            let irp = lab.submit_factorial(&file, 12);
            model.with(|edu| {
                let at = edu.now() + (STEP_NS << step);
                edu.faults_mut().removed_at_ns = Some(at);
            });
            lab.run_until_quiet();
            // No interrupt comes from a removed device: the app gives up.
            lab.session().host().cancel(&irp);
            lab.wait_for(std::slice::from_ref(&irp));
            let outcome = irp.outcome().expect("it has ended");
            if outcome.status.is_success() {
                assert_eq!(outcome.output, 479_001_600_u32.to_le_bytes());
                right += 1;
            } else {
                assert!(
                    [STATUS_CANCELLED, STATUS_DEVICE_DOES_NOT_EXIST].contains(&outcome.status),
                    "{:?}",
                    outcome.status
                );
                ended += 1;
            }
            lab.shut_down();
        });
    }
    assert!(
        right > 0 && ended > 0,
        "{right} right, {ended} ended without a result"
    );
}

#[test]
fn requests_to_a_removed_device_fail_at_once() {
    let model = SharedModel::new(Config::default());
    let lab = Bench::with_device(model.clone()).boot();
    let file = lab.open();
    model.with(|edu| edu.faults_mut().removed_at_ns = Some(edu.now()));
    model.with(|edu| {
        let now = edu.now();
        let _ = edu.advance(&mut Nowhere, now + 1);
    });
    assert_eq!(lab.factorial(&file, 12), Err(STATUS_DEVICE_DOES_NOT_EXIST));
    // The driver's own answers need no device.
    assert_eq!(lab.statistics(&file).factorials_completed, 0);
    lab.shut_down();
}

#[test]
fn a_status_that_reads_all_ones_is_no_cause_and_is_never_acknowledged() {
    let model = SharedModel::new(Config::default());
    let lab = Bench::with_device(model.clone()).boot();
    let file = lab.open();
    model.with(|edu| {
        edu.faults_mut().stuck.push(edu_model::StuckBits {
            offset: offset::INTERRUPT_STATUS,
            ones: u64::from(u32::MAX),
            zeros: 0,
        });
    });
    let irp = lab.submit_factorial(&file, 12);
    let from = lab.records().len();
    lab.run_until(|| {
        edu_tests::timeline::calls_of(&lab.records_since(from), "EvtInterruptIsr")
            .iter()
            .any(|call| call.value.is_some())
    });
    assert_eq!(lab.statistics(&file).device_removed, 1);
    let isr = edu_tests::timeline::calls_of(&lab.records(), "EvtInterruptIsr");
    assert_eq!(isr.len(), 1);
    assert_eq!(isr[0].claimed(), Some(false));
    assert!(isr[0].writes.is_empty());
    lab.session().host().cancel(&irp);
    lab.wait_for(std::slice::from_ref(&irp));
    lab.shut_down();
}

/// A machine without anything around the device.
struct Nowhere;

impl edu_model::Machine for Nowhere {
    fn message(&mut self, _: u32) {}
    fn line(&mut self, _: bool) {}
    fn read_memory(&mut self, _: u64, bytes: &mut [u8]) {
        bytes.fill(0xFF);
    }
    fn write_memory(&mut self, _: u64, _: &[u8]) {}
}
