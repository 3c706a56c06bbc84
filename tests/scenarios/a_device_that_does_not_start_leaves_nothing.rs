//! The start fails at each of its steps: an error of its own, everything given back, the driver
//! unloads.

use edu_model::{Config, Faults, StuckBits};
use edu_spec::registers::offset;
use edu_tests::{
    Bench,
    program::Run,
    tamper::{Act, Moment, Tampered, nothing},
};
use edu_lab::EduModel;
use kmdf_host::{
    BootError, NtStatus,
    device::{Identity, PciFunction},
    ntstatus::{STATUS_DEVICE_CONFIGURATION_ERROR, STATUS_NO_SUCH_DEVICE},
};

/// Boots on a device that does not start, and gives the status it fails with. That nothing is left
/// is looked at by [`Run`] below, because a session that does not come up takes itself down.
fn refusal(device: impl PciFunction + 'static) -> NtStatus {
    match Bench::with_device(device).try_boot() {
        Err(BootError::Refused { step, status }) => {
            assert_eq!(step, "starting the device");
            status
        }
        Err(other) => panic!("it fails otherwise: {other}"),
        Ok(_) => panic!("the device starts"),
    }
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
        let device = with_identification(ones, zeros);
        assert_eq!(refusal(device), STATUS_NO_SUCH_DEVICE, "{ones:#x}, {zeros:#x}");
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
    let device = with_identity(|identity| identity.bars.clear(), nothing());
    assert_eq!(refusal(device), STATUS_DEVICE_CONFIGURATION_ERROR);
}

#[test]
fn a_device_whose_bar_is_too_short_is_wrongly_configured() {
    let device = with_identity(|identity| identity.bars[0].bytes = 0x80, nothing());
    assert_eq!(refusal(device), STATUS_DEVICE_CONFIGURATION_ERROR);
}

#[test]
fn a_device_that_goes_after_it_was_identified_starts_or_fails_but_leaves_nothing() {
    // It goes right after each of the accesses that the start makes, one after the other.
    for access in 1..=12 {
        let model = EduModel::new(Config::default());
        let device = Tampered::new(Box::new(model), removal_after(access));
        match Bench::with_device(device).try_boot() {
            Ok(lab) => {
                lab.shut_down();
            }
            Err(BootError::Refused { status, .. }) => assert_eq!(status, STATUS_NO_SUCH_DEVICE),
            Err(other) => panic!("after access {access}: {other}"),
        }
    }
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
