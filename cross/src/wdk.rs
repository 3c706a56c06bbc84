//! The stand-in for the kit: a directory in the shape that `wdk-build` looks for, with headers
//! generated from facts and import libraries made from names.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use kmdf_abi::c::{KIT_VERSION, UnknownMinor, driver_headers, headers, umdf_headers};

use crate::{
    arch::Arch,
    command,
    error::{Error, Result},
    exports,
    files::{self, Stamp},
    model::Model,
};

/// Libraries that `wdk-build` names and that nothing written in Rust takes anything from:
/// security cookies are made by the C compiler's `/GS`, and `arm64rt` has helpers for C code.
/// Code that did need them would fail to link, with the names it lacks.
const EMPTY: [&str; 2] = ["BufferOverflowFastFailK", "arm64rt"];

/// The C run-time library of user mode. What a driver without it needs, its entry point, is in the stub library.
const EMPTY_IN_USER_MODE: [&str; 1] = ["libcmt"];

/// A kit, real or made here.
#[derive(Debug)]
pub struct Kit {
    root: PathBuf,
    generated: bool,
    model: Model,
    minor: u8,
}

impl Kit {
    /// The kit that `WDKContentRoot` names, else one made in `directory`, for this version of the model's framework.
    pub fn find(directory: PathBuf, model: Model, minor: u8) -> Result<Self> {
        let Some(root) = env::var_os("WDKContentRoot").map(PathBuf::from) else {
            return Ok(Self {
                root: directory,
                generated: true,
                model,
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
            model,
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
        let all = || match self.model {
            Model::Kmdf => Ok([headers(minor)?, driver_headers(minor)?].concat()),
            Model::Umdf => umdf_headers(minor),
        };
        let headers = all().map_err(|error: UnknownMinor| {
            let key = self.model.minor_key();
            Error::build(
                error.to_string(),
                format!("choose one of them, as {key} in Cargo.toml or, in the kernel, by --kmdf"),
            )
        })?;
        for header in headers {
            files::write_if_changed(&self.root.join(header.path), header.contents)?;
        }
        Ok(())
    }

    fn libraries(&self, arch: Arch, lld: &Path) -> Result<()> {
        let directory = self.system_libraries(arch);
        files::create_dir(&self.framework_libraries(arch))?;
        let mut libraries = BTreeMap::<_, Vec<_>>::new();
        for module in exports::modules(self.model) {
            let parts = libraries.entry(module.library).or_default();
            parts.push((module.name, module.definition()));
        }
        for (name, parts) in &libraries {
            match &parts[..] {
                [(_, definition)] => import_library(&directory, name, definition, arch, lld)?,
                parts => umbrella_library(&directory, name, parts, arch, lld)?,
            }
        }
        let empty: &[&str] = match self.model {
            Model::Kmdf => &EMPTY,
            Model::Umdf => &EMPTY_IN_USER_MODE,
        };
        for name in empty {
            let definition = format!("LIBRARY \"{name}\"\nEXPORTS\n");
            import_library(&directory, name, &definition, arch, lld)?;
        }
        Ok(())
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> Model {
        self.model
    }

    /// The framework's minor version.
    #[must_use]
    pub fn minor(&self) -> u8 {
        self.minor
    }

    /// Where the system's import libraries are.
    pub fn system_libraries(&self, arch: Arch) -> PathBuf {
        self.root
            .join("Lib")
            .join(KIT_VERSION)
            .join(self.model.system())
            .join(arch.wdk())
    }

    fn framework_libraries(&self, arch: Arch) -> PathBuf {
        let (framework, major) = (self.model.framework(), self.model.major());
        self.root.join(format!(
            "Lib/wdf/{framework}/{}/{major}.{}",
            arch.wdk(),
            self.minor
        ))
    }

    /// Where the driver entry goes.
    #[must_use]
    pub fn driver_entry(&self, arch: Arch) -> PathBuf {
        self.framework_libraries(arch)
            .join(self.model.entry_library())
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

/// Makes one library of several modules' import libraries, unless it was made from the same ones.
fn umbrella_library(
    directory: &Path,
    name: &str,
    parts: &[(&str, String)],
    arch: Arch,
    lld: &Path,
) -> Result<()> {
    let library = directory.join(format!("{name}.lib"));
    let stamp_path = directory.join(format!("{name}.stamp"));
    let definitions = parts.iter().map(|(_, definition)| definition.as_str());
    let stamp = Stamp::of(&stamp_path, definitions.chain([arch.machine()]));
    if stamp.is_fresh() && library.exists() {
        return Ok(());
    }
    let mut command = Command::new(lld);
    command
        .args(["-flavor", "link", "/lib", "/nologo"])
        .arg(format!("/out:{}", library.display()));
    for (module, definition) in parts {
        import_library(directory, module, definition, arch, lld)?;
        command.arg(directory.join(format!("{module}.lib")));
    }
    command::capture(
        &mut command,
        &format!("making the library {}", library.display()),
        "see what rust-lld says above",
    )?;
    stamp.record()
}
