//! The start fails at each of its steps: an error of its own, everything given back, the driver
//! unloads.

use edu_lab::EduModel;
use edu_model::{Config, Faults, StuckBits};
use edu_spec::registers::offset;
use edu_tests::{
    Bench,
    program::Run,
    tamper::{Act, Moment, Tampered, nothing},
};
use kmdf_host::{
    BootError, Interrupts, NtStatus,
    device::{Identity, PciFunction},
    ntstatus::{STATUS_DEVICE_CONFIGURATION_ERROR, STATUS_NO_SUCH_DEVICE},
};

/// What the start on a device fails with, whatever the interrupts and the schedule.
fn refusal<F: PciFunction + 'static>(device: impl Fn() -> F) -> NtStatus {
    let statuses: Vec<_> = [Interrupts::AsInstalled, Interrupts::Line]
        .into_iter()
        .flat_map(|interrupts| (0..3).map(move |seed| (interrupts, seed)))
        .map(|(interrupts, seed)| {
            Bench::with_device(device())
                .interrupts(interrupts)
                .seed(seed)
                .start_is_refused()
        })
        .collect();
    assert!(
        statuses.iter().all(|&status| status == statuses[0]),
        "{statuses:?}"
    );
    statuses[0]
}

fn with_identity(change: impl FnOnce(&mut Identity), act: Act) -> Tampered {
    Tampered::new(Box::new(EduModel::new(Config::default())), act).with_identity(change)
}

fn with_identification(ones: u64, zeros: u64) -> EduModel {
    EduModel::new(Config {
        faults: Faults {
            stuck: vec![StuckBits {
                offset: offset::IDENTIFICATION,
                ones,
                zeros,
            }],
            ..Faults::default()
        },
        ..Config::default()
    })
}

#[test]
fn a_device_with_another_identification_is_no_such_device() {
    for (ones, zeros) in [(0, 0x01), (0x100, 0), (0, u64::MAX), (u64::MAX, 0)] {
        let device = || with_identification(ones, zeros);
        assert_eq!(
            refusal(device),
            STATUS_NO_SUCH_DEVICE,
            "{ones:#x}, {zeros:#x}"
        );
    }
}

#[test]
fn a_device_of_a_later_revision_is_started() {
    let lab = Bench::with_device(with_identification(0x0203_0000, 0)).boot();
    let file = lab.open();
    assert_eq!(lab.information(&file).identification.0, 0x0303_00ED);
    assert_eq!(lab.factorial(&file, 12), Ok(479_001_600));
    lab.shut_down();
}

#[test]
fn a_device_without_a_bar_is_wrongly_configured() {
    let device = || with_identity(|identity| identity.bars.clear(), nothing());
    assert_eq!(refusal(device), STATUS_DEVICE_CONFIGURATION_ERROR);
}

#[test]
fn a_device_whose_bar_is_too_short_is_wrongly_configured() {
    let device = || with_identity(|identity| identity.bars[0].bytes = 0x80, nothing());
    assert_eq!(refusal(device), STATUS_DEVICE_CONFIGURATION_ERROR);
}

#[test]
fn a_device_that_goes_during_the_start_starts_or_not_and_leaves_nothing() {
    let removed_after = |access| {
        let model = EduModel::new(Config::default());
        Bench::with_device(Tampered::new(Box::new(model), removal_after(access)))
    };
    // It goes right after each of the accesses that the start makes, one after the other.
    let mut refused = 0;
    let mut started = 0;
    for access in 1..=8 {
        match removed_after(access).try_boot() {
            Ok(lab) => {
                started += 1;
                lab.shut_down();
            }
            Err(BootError::Refused { step, status, .. }) => {
                assert_eq!(step, "starting the device");
                refused += 1;
                assert_eq!(removed_after(access).start_is_refused(), status);
            }
            Err(other) => panic!("after access {access}: {other}"),
        }
    }
    // The identification is read before anything else, and nothing that is read later can fail the
    // start: a device removed then is found by its first request.
    assert_eq!((refused, started), (0, 8));
}

/// From access number `access` on, every register reads all ones.
fn removal_after(access: u32) -> Act {
    let mut left = access;
    Box::new(move |moment, function, bus| {
        if matches!(moment, Moment::Read(_) | Moment::Written(_)) && left > 0 {
            left -= 1;
            if left == 0 {
                // What is behind a BAR that is off reads all ones.
                function.stop(bus)?;
            }
        }
        Ok(())
    })
}

#[test]
fn edu_lab_says_which_step_failed_with_which_status() {
    Run::on("model,stuck=0:0:0xff")
        .eductl(["factorial", "12"])
        .end()
        .exits(5)
        .complains("starting the device failed with STATUS_NO_SUCH_DEVICE");
}
