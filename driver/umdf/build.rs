//! Tells cargo how to link a UMDF driver.

fn main() -> Result<(), wdk_build::ConfigError> {
    wdk_build::configure_wdk_binary_build()?;
    // Where the DLL's entry point is. With std it would come by itself.
    println!("cargo::rustc-cdylib-link-arg=/DEFAULTLIB:libcmt.lib");
    Ok(())
}
