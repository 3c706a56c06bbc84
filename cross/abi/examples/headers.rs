//! Writes the WDK-shaped headers below a directory: `headers DIRECTORY [MINOR]`, for KMDF 1.MINOR and UMDF 2.MINOR.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let root = arguments.next().ok_or("usage: headers DIRECTORY [MINOR]")?;
    let minor = arguments.next().map_or(Ok(15), |minor| minor.parse())?;
    let headers = [
        kmdf_abi::c::headers(minor)?,
        kmdf_abi::c::driver_headers(minor)?,
        kmdf_abi::c::umdf_headers(minor)?,
    ];
    for header in headers.concat() {
        let path = Path::new(&root).join(header.path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(path, header.contents)?;
    }
    let checks = [
        ("layout_checks.c", kmdf_abi::c::layout_checks(minor)?),
        (
            "umdf_layout_checks.c",
            kmdf_abi::c::umdf_layout_checks(minor)?,
        ),
    ];
    for (name, contents) in checks {
        fs::write(Path::new(&root).join(name), contents)?;
    }
    Ok(())
}
