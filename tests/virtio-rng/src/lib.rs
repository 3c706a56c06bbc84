//! virtio's entropy device in software, scenarios and counts for its drivers, and the path of the driver in this
//! repository.
#![cfg(unix)]

mod counts;
mod model;
mod scenarios;

pub use counts::{PerRead, per_read};
pub use model::{Lies, RngModel};
pub use scenarios::{INTERFACE, READ, all, all_of};

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
