//! virtio's entropy device in software, scenarios for its driver, and where that driver is.
#![cfg(unix)]

mod model;
mod scenarios;

pub use model::{Lies, RngModel};
pub use scenarios::{INTERFACE, READ, all};

use std::{env, path::PathBuf};

use kmdf_host::Driver;

/// The driver that `sh scripts/build-driver.sh` makes, or the one that the environment variable `VIRTIO_RNG_SYS` names.
///
/// # Panics
/// It has not been built.
#[must_use]
pub fn driver() -> Driver {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let image = env::var_os("VIRTIO_RNG_SYS").map_or_else(
        || root.join("target/cross/x86_64/virtio_rng.sys"),
        PathBuf::from,
    );
    assert!(
        image.is_file(),
        "{} is not there; `sh scripts/build-driver.sh` makes it",
        image.display()
    );
    Driver {
        image,
        symbols: None,
        inf: root.join("driver/virtio-rng/virtio_rng.inx"),
    }
}
