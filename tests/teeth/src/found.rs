//! Where the driver with defects is.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use kmdf_host::Driver;

/// Names another image than the one that `scripts/build-teeth.sh` makes.
pub const VARIABLE: &str = "KMDF_TEETH_SYS";

/// The image, below the root of the repository.
pub const IMAGE: &str = "target/cross/c/teeth.sys";

/// What it is installed from, below the root of the repository.
pub const INF: &str = "tests/teeth/driver/teeth.inx";

/// The root of the repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap_or(Path::new("."))
}

/// The driver.
///
/// # Errors
/// It has not been built.
pub fn driver() -> io::Result<Driver> {
    let image = env::var_os(VARIABLE).map_or_else(|| root().join(IMAGE), PathBuf::from);
    if image.is_file() {
        return Ok(Driver {
            image,
            symbols: None,
            inf: root().join(INF),
        });
    }
    Err(io::Error::new(
        io::ErrorKind::NotFound,
        format!(
            "{} is not there. To make it: `sh scripts/build-teeth.sh`. To use another one: set \
             {VARIABLE}.",
            image.display()
        ),
    ))
}
