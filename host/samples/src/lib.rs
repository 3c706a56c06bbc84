//! Shared by the tests of the sample drivers: the paths of the drivers, the names of device interfaces, and the model
//! of the toaster ([`ToasterDevice`]).
//!
//! The drivers are in C, in `echo/`, `toaster/`, `power/`, `card/`, `bus/`, `relay/`, `service/` and `probe/`; their tests, in
//! `tests/`, show how to test a driver with kmdf-host. docs/your-driver.md explains one of them.
#![forbid(unsafe_code)]

mod card;
mod toaster;

use std::{env, path::Path};

use kmdf_host::Driver;

pub use card::CardDevice;
pub use toaster::ToasterDevice;

/// `FILE_READ_DATA | FILE_WRITE_DATA`: what CreateFile with GENERIC_READ and GENERIC_WRITE asks for.
pub const READ_WRITE: u32 = 3;

/// A sample driver, as `sh scripts/build-samples.sh` makes it: built for KMDF 1.15, or for 1.33 when
/// the environment has `SAMPLES_KMDF=1.33`.
///
/// # Panics
/// It has not been made.
#[must_use]
pub fn driver(name: &str) -> Driver {
    match env::var("SAMPLES_KMDF") {
        Ok(version) if version != "1.15" => driver_in(name, &format!("{version}/")),
        _ => driver_in(name, ""),
    }
}

/// A sample driver that is built for the newest version only.
///
/// # Panics
/// It has not been made.
#[must_use]
pub fn newest_driver(name: &str) -> Driver {
    driver_in(name, "1.33/")
}

fn driver_in(name: &str, version: &str) -> Driver {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR"));
    let image = samples.join(format!("../../target/cross/samples/{version}{name}.sys"));
    assert!(
        image.is_file(),
        "{} is not there; `sh scripts/build-samples.sh` makes it",
        image.display()
    );
    Driver {
        image,
        symbols: None,
        inf: samples.join(format!("{name}/{name}.inx")),
    }
}

/// The 16 bytes of a GUID, of its parts as DEFINE_GUID has them.
#[must_use]
pub const fn guid(first: u32, second: u16, third: u16, rest: [u8; 8]) -> [u8; 16] {
    let number = (first.swap_bytes() as u128) << 96
        | (second.swap_bytes() as u128) << 80
        | (third.swap_bytes() as u128) << 64
        | u64::from_be_bytes(rest) as u128;
    number.to_be_bytes()
}

/// `CTL_CODE(FILE_DEVICE_UNKNOWN, function, method, access)`
#[must_use]
pub const fn control_code(function: u32, method: u32, access: u32) -> u32 {
    const FILE_DEVICE_UNKNOWN: u32 = 0x22;
    FILE_DEVICE_UNKNOWN << 16 | access << 14 | function << 2 | method
}
