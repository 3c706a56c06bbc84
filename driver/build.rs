//! Tells cargo how to link a KMDF driver, gives the image its version resource, and puts the INX
//! where the WDK's tools look for it.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use version_resource::VersionInfo;

fn main() -> Result<(), Box<dyn Error>> {
    let manifest_directory = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    place_inx(&manifest_directory)?;
    link_version_resource(&PathBuf::from(env::var("OUT_DIR")?))?;
    wdk_build::configure_wdk_binary_build()?;
    Ok(())
}

/// Copies `inf/edu_kmdf.inx` beside this package's manifest.
///
/// cargo-wdk and wdk-build's makefile take `<package>.inx` from there, after the build. A second
/// file in the repository would go stale, and a link in it becomes a text file on Windows. The copy
/// has CRLF: the checkout has LF on Windows, too, and stampinf and inf2cat of older kits find no
/// DriverVer in an INF with that.
fn place_inx(manifest_directory: &Path) -> Result<(), Box<dyn Error>> {
    let source = manifest_directory.join("../inf/edu_kmdf.inx");
    let copy = manifest_directory.join("edu_kmdf.inx");
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-changed={}", copy.display());
    let contents = fs::read_to_string(&source)
        .map_err(|error| format!("cannot read {}: {error}", source.display()))?;
    let contents: String = contents.lines().flat_map(|line| [line, "\r\n"]).collect();
    if fs::read(&copy).ok().as_deref() != Some(contents.as_bytes()) {
        fs::write(&copy, contents)
            .map_err(|error| format!("cannot write {}: {error}", copy.display()))?;
    }
    Ok(())
}

/// Has the linker take the version resource, whose version is the package's.
fn link_version_resource(out: &Path) -> Result<(), Box<dyn Error>> {
    let number = |part: &str| -> Result<u16, Box<dyn Error>> {
        Ok(env::var(format!("CARGO_PKG_VERSION_{part}"))?.parse()?)
    };
    let version = [number("MAJOR")?, number("MINOR")?, number("PATCH")?, 0];
    let version_text = version.map(|part| part.to_string()).join(".");
    let resource = VersionInfo {
        version,
        debug: env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some(),
        strings: &[
            ("FileDescription", "KMDF driver for QEMU's edu device"),
            ("FileVersion", &version_text),
            ("InternalName", "edu_kmdf"),
            ("LegalCopyright", &env::var("CARGO_PKG_LICENSE")?),
            ("OriginalFilename", "edu_kmdf.sys"),
            ("ProductName", "edu_kmdf"),
            ("ProductVersion", &version_text),
        ],
    };
    let path = out.join("version.res");
    fs::write(&path, resource.to_res())?;
    println!("cargo::rustc-cdylib-link-arg={}", path.display());
    Ok(())
}
