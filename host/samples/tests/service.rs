//! A driver that PnP knows nothing of, and the mistakes that only such a driver makes, or one that does not even
//! come to its driver object.

use std::{fs, path::Path};

use kmdf_host::{BootError, Interrupts, Machine, Operation, Package, Session, Stop};
use kmdf_samples::{READ_WRITE, control_code, driver};

/// IOCTL_SERVICE_COUNT
const COUNT: u32 = control_code(0x800, 0, 0);

/// The driver, as the service of that name.
fn service(name: &str) -> Result<Session, BootError> {
    let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.sys"));
    fs::copy(driver("service").image, &image).expect("there is room for a copy");
    let package = Package::without_inf(&image, None)?;
    Session::boot_package(&package, Machine::default(), Interrupts::default())
}

#[test]
fn a_driver_without_a_device_serves_apps() {
    let session = service("service").unwrap_or_else(|error| panic!("{error}"));
    let file = session.host().open_path(r"\\.\SampleService", READ_WRITE);
    let file = file.expect("it opens");
    for count in 1_u32..3 {
        let outcome = session.request(
            &file,
            Operation::Control {
                code: COUNT,
                input: Vec::new(),
                output_length: 4,
            },
        );
        let outcome = outcome.unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(outcome.output, count.to_le_bytes());
    }
    session.host().close(&file);
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
}

#[test]
fn mistakes_in_driver_entry_are_named() {
    for (name, rule) in [
        ("creates_no_driver", "DriverCreate"),
        ("changes_the_level_of_its_driver", "DriverAttributeChanged"),
        ("serializes_its_driver", "DriverAttributeChanged"),
        ("has_power", "NonPnPDrvPowerPolicyOwnerAPI"),
    ] {
        match service(name).map(drop) {
            Err(BootError::Stopped(Stop::BugCheck(report))) => {
                assert_eq!(report.rule, rule, "{name}: {report}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
