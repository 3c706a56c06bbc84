//! The stand-in for the kit: a directory in the shape that `wdk-build` looks for, with headers
//! generated from facts and import libraries made from names.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use kmdf_abi::c::{KIT_VERSION, UnknownMinor, driver_headers, headers};

use crate::{
    arch::Arch,
    command,
    error::{Error, Result},
    exports,
    files::{self, Stamp},
};

/// Libraries that `wdk-build` names and that nothing written in Rust takes anything from:
/// security cookies are made by the C compiler's `/GS`, and `arm64rt` has helpers for C code.
/// Code that did need them would fail to link, with the names it lacks.
const EMPTY: [&str; 2] = ["BufferOverflowFastFailK", "arm64rt"];

/// A kit, real or made here.
#[derive(Debug)]
pub struct Kit {
    root: PathBuf,
    generated: bool,
    minor: u8,
}

impl Kit {
    /// The kit that `WDKContentRoot` names, else one made in `directory` for this KMDF version.
    pub fn find(directory: PathBuf, minor: u8) -> Result<Self> {
        let Some(root) = env::var_os("WDKContentRoot").map(PathBuf::from) else {
            return Ok(Self {
                root: directory,
                generated: true,
                minor,
            });
        };
        if !root.join("Include").is_dir() || !root.join("Lib").is_dir() {
            return Err(Error::missing(
                format!(
                    "WDKContentRoot is {}, which has no Include and Lib",
                    root.display()
                ),
                "point it at the kit's root, or unset it to build with generated headers",
            ));
        }
        Ok(Self {
            root,
            generated: false,
            minor,
        })
    }

    /// What `WDKContentRoot` must be for the build.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the kit is made here, driver entry included.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.generated
    }

    /// Writes headers and import libraries for `arch`, unless they are there.
    pub fn make(&self, arch: Arch, lld: &Path) -> Result<()> {
        if !self.generated {
            return Ok(());
        }
        self.headers()?;
        self.libraries(arch, lld)
    }

    fn headers(&self) -> Result<()> {
        let minor = u32::from(self.minor);
        let both = || Ok([headers(minor)?, driver_headers(minor)?].concat());
        let headers = both().map_err(|error: UnknownMinor| {
            Error::build(
                error.to_string(),
                "choose one of them, by --kmdf or as target-kmdf-version-minor in Cargo.toml",
            )
        })?;
        for header in headers {
            files::write_if_changed(&self.root.join(header.path), header.contents)?;
        }
        Ok(())
    }

    fn libraries(&self, arch: Arch, lld: &Path) -> Result<()> {
        let directory = self.kernel_libraries(arch);
        files::create_dir(&self.framework_libraries(arch))?;
        for module in exports::MODULES.iter() {
            import_library(&directory, module.library, &module.definition(), arch, lld)?;
        }
        for name in EMPTY {
            let definition = format!("LIBRARY \"{name}\"\nEXPORTS\n");
            import_library(&directory, name, &definition, arch, lld)?;
        }
        Ok(())
    }

    /// KMDF 1.x.
    #[must_use]
    pub fn minor(&self) -> u8 {
        self.minor
    }

    /// Where the kernel's import libraries are.
    pub fn kernel_libraries(&self, arch: Arch) -> PathBuf {
        self.root
            .join("Lib")
            .join(KIT_VERSION)
            .join("km")
            .join(arch.wdk())
    }

    fn framework_libraries(&self, arch: Arch) -> PathBuf {
        self.root
            .join(format!("Lib/wdf/kmdf/{}/1.{}", arch.wdk(), self.minor))
    }

    /// Where the driver entry goes.
    #[must_use]
    pub fn driver_entry(&self, arch: Arch) -> PathBuf {
        self.framework_libraries(arch).join("WdfDriverEntry.lib")
    }
}

/// Makes an import library from a module-definition file, unless it was made from the same one.
fn import_library(
    directory: &Path,
    name: &str,
    definition: &str,
    arch: Arch,
    lld: &Path,
) -> Result<()> {
    let library = directory.join(format!("{name}.lib"));
    let stamp_path = directory.join(format!("{name}.stamp"));
    let stamp = Stamp::of(&stamp_path, [definition, arch.machine()]);
    if stamp.is_fresh() && library.exists() {
        return Ok(());
    }
    let definition_path = directory.join(format!("{name}.def"));
    files::write_if_changed(&definition_path, definition)?;
    command::capture(
        Command::new(lld)
            .args(["-flavor", "link", "/lib", "/nologo"])
            .arg(format!("/machine:{}", arch.machine()))
            .arg(format!("/def:{}", definition_path.display()))
            .arg(format!("/out:{}", library.display())),
        &format!("making the import library {}", library.display()),
        "see what rust-lld says above",
    )?;
    stamp.record()
}
