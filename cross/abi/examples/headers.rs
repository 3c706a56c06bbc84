//! Writes the WDK-shaped headers below a directory: `headers DIRECTORY [KMDF_MINOR]`.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let root = arguments
        .next()
        .ok_or("usage: headers DIRECTORY [KMDF_MINOR]")?;
    let minor = arguments.next().map_or(Ok(15), |minor| minor.parse())?;
    for header in kmdf_abi::c::headers(minor)?
        .into_iter()
        .chain(kmdf_abi::c::driver_headers(minor)?)
    {
        let path = Path::new(&root).join(header.path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(path, header.contents)?;
    }
    fs::write(
        Path::new(&root).join("layout_checks.c"),
        kmdf_abi::c::layout_checks(minor)?,
    )?;
    Ok(())
}
