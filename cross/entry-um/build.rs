//! Writes down which UMDF version the driver is built for, as `cross` says. The framework's function table of that version
//! gives the count.

use std::{env, error::Error, fs, path::Path};

/// UMDF 2.x.
const MINOR: &str = "WDF_DRIVER_ENTRY_MINOR";

/// Where nobody says it, as for this crate's tests.
const LOWEST: u32 = 15;

/// From here on the binding has another structure, which this crate does not have.
const FIRST_WITH_BIND_INFO_2: u32 = 25;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={MINOR}");

    let minor = match env::var(MINOR) {
        Ok(minor) => minor.parse()?,
        Err(_) => LOWEST,
    };
    let functions = kmdf_abi::umdf::function_count(minor)
        .ok_or_else(|| format!("kmdf-abi has no facts about UMDF 2.{minor}"))?;
    if minor >= FIRST_WITH_BIND_INFO_2 {
        return Err(format!(
            "a driver of UMDF 2.{minor} may be newer than its framework, and this build cannot bind such a driver: \
             choose target-umdf-version-minor below {FIRST_WITH_BIND_INFO_2}"
        )
        .into());
    }
    let source = format!(
        "/// The framework version that the driver is built for: 2.{minor}.\n\
         pub const MINOR: u32 = {minor};\n\
         /// How many functions the table of that version has.\n\
         pub const FUNCTION_COUNT: u32 = {functions};\n\
         /// The framework puts the address of its function table here. The driver's headers\n\
         /// declare the variable by this name, which has the version in it.\n\
         #[unsafe(export_name = \"WdfFunctions_020{minor:02}\")]\n\
         pub static mut FUNCTIONS: *const Function = ptr::null();\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("version.rs"), source)?;
    Ok(())
}
