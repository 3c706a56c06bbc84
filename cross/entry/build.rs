//! Writes down which KMDF version the driver is built for: `cross` says it for a driver of another
//! version than this workspace's, else the workspace's manifest does. The framework's function table
//! of that version gives the count.

use std::{env, error::Error, fs, path::Path};

/// KMDF 1.x, where it is not the one of the manifest.
const MINOR: &str = "WDF_DRIVER_ENTRY_MINOR";

/// The first framework version that a driver may be newer than.
const FIRST_WITH_BIND_INFO_2: u32 = 25;

fn main() -> Result<(), Box<dyn Error>> {
    let manifest = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../Cargo.toml");
    println!("cargo::rerun-if-changed={}", manifest.display());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={MINOR}");

    let minor: u32 = match env::var(MINOR) {
        Ok(minor) => minor.parse()?,
        Err(_) => of_manifest(&fs::read_to_string(&manifest)?.parse()?)?,
    };
    println!("cargo::rustc-check-cfg=cfg(driver_says_minimum)");
    if minor >= FIRST_WITH_BIND_INFO_2 {
        println!("cargo::rustc-cfg=driver_says_minimum");
    }
    let functions = kmdf_abi::function_count(minor)
        .ok_or_else(|| format!("kmdf-abi has no facts about KMDF 1.{minor}"))?;

    let source = format!(
        "/// The framework version that the driver is built for: 1.{minor}.\n\
         pub const MINOR: u32 = {minor};\n\
         /// How many functions the table of that version has.\n\
         pub const FUNCTION_COUNT: u32 = {functions};\n\
         /// The framework puts the address of its function table here. The driver's headers\n\
         /// declare the variable by this name, which has the version in it.\n\
         #[unsafe(export_name = \"WdfFunctions_010{minor:02}\")]\n\
         pub static mut FUNCTIONS: *const Function = ptr::null();\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("version.rs"), source)?;
    Ok(())
}

/// The version that the workspace's driver is built for.
fn of_manifest(manifest: &toml::Table) -> Result<u32, Box<dyn Error>> {
    let minor =
        manifest["workspace"]["metadata"]["wdk"]["driver-model"]["target-kmdf-version-minor"]
            .as_integer()
            .ok_or("target-kmdf-version-minor is not a number")?;
    Ok(u32::try_from(minor)?)
}
