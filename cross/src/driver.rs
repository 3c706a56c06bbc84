//! The build, step by step.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    arch::Arch,
    clang::Clang,
    command,
    error::{Error, Result},
    files,
    image::{self, Expectations, Report, SIZE_BUDGET_BYTES},
    inf,
    layout::Layout,
    packages::Packages,
    source::Source,
    toolchain::{Choice, Toolchain},
    wdk::Kit,
    workspace::{Manifest, Workspace},
};

/// cargo's profiles, as far as wdk-build's tools know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// What ships.
    Release,
    /// With debug assertions.
    Dev,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "dev",
        }
    }

    fn directory(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Dev => "debug",
        }
    }
}

/// A scratch workspace with all that cargo needs to build the driver in it.
#[derive(Debug)]
pub struct Setup {
    layout: Layout,
    arch: Arch,
    toolchain: Toolchain,
    clang: Clang,
    kit: Kit,
    workspace: Workspace,
    /// Held while this lives: two builds at once would write the same files.
    _lock: File,
}

impl Setup {
    /// Finds or makes all of it, for drivers of KMDF 1.`kmdf_minor`; by default of the version that
    /// `Cargo.toml` names.
    ///
    /// # Errors
    ///
    /// If the machine lacks something that cannot be fetched, or a step fails.
    pub fn prepare(
        layout: Layout,
        arch: Arch,
        toolchain: Choice,
        kmdf_minor: Option<u8>,
    ) -> Result<Self> {
        let lock = files::lock(&layout.output().join("lock"))?;
        let packages = Packages::below(layout.packages());
        let toolchain = Toolchain::find(toolchain, arch, &packages)?;
        let clang = Clang::find(&packages)?;
        let manifest = Manifest::read(&layout.repository().join("Cargo.toml"), &toolchain, arch)?;
        let minor = kmdf_minor.unwrap_or(manifest.minor);
        let kit = Kit::find(layout.wdk(), manifest.model, minor)?;
        kit.make(arch, &toolchain.lld)?;
        let workspace = Workspace::prepare(&layout, &manifest, &toolchain, arch)?;
        let setup = Self {
            layout,
            arch,
            toolchain,
            clang,
            kit,
            workspace,
            _lock: lock,
        };
        setup.driver_entry(&setup.kit)?;
        Ok(setup)
    }

    /// Finds or makes all that this driver needs, which may be a workspace of its own.
    ///
    /// # Errors
    ///
    /// If the machine lacks something that cannot be fetched, or a step fails.
    pub fn prepare_for(
        layout: Layout,
        arch: Arch,
        toolchain: Choice,
        source: &Source,
    ) -> Result<Self> {
        let setup = Self::prepare(layout, arch, toolchain, None)?;
        let Some(own) = source.own_workspace(&setup.layout) else {
            return Ok(setup);
        };
        let (layout, toolchain) = (&setup.layout, &setup.toolchain);
        let manifest = Manifest::read(&own, toolchain, arch)?;
        let kit = Kit::find(layout.wdk(), manifest.model, manifest.minor)?;
        kit.make(arch, &toolchain.lld)?;
        setup.driver_entry(&kit)?;
        let package = source.package();
        let workspace = Workspace::prepare_own(layout, &own, package, &manifest, toolchain, arch)?;
        Ok(Self {
            kit,
            workspace,
            ..setup
        })
    }

    /// The checkout's paths.
    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What to build for.
    pub(crate) fn arch(&self) -> Arch {
        self.arch
    }

    /// The C compiler.
    pub(crate) fn clang(&self) -> &Clang {
        &self.clang
    }

    /// The linker.
    pub(crate) fn lld(&self) -> &Path {
        &self.toolchain.lld
    }

    /// Headers and libraries.
    pub(crate) fn kit(&self) -> &Kit {
        &self.kit
    }

    /// cargo with this setup; the caller adds the arguments.
    fn cargo(&self) -> Command {
        self.workspace
            .cargo(&self.toolchain, &self.kit, &self.clang, self.arch)
    }

    /// Runs cargo with these arguments and returns its exit code, or 4 if a signal ended it.
    ///
    /// # Errors
    ///
    /// If cargo cannot be started.
    pub fn run_cargo(&self, arguments: &[OsString]) -> Result<u8> {
        let status = self
            .cargo()
            .args(arguments)
            .status()
            .map_err(|error| Error::io("start", &self.toolchain.cargo, error))?;
        Ok(status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(4))
    }

    /// Builds the driver entry and puts it into the generated kit as the library the driver
    /// links. An `.rlib` is an archive, which is what the linker calls a library.
    fn driver_entry(&self, kit: &Kit) -> Result<()> {
        if !kit.is_generated() {
            return Ok(());
        }
        let package = kit.model().entry_package();
        command::run(
            self.cargo()
                .env("WDF_DRIVER_ENTRY_MINOR", kit.minor().to_string())
                .args(["build", "--quiet", "--release", "--package", package]),
            "building the driver entry",
            "see what cargo says above",
        )?;
        let name = format!("lib{}.rlib", package.replace('-', "_"));
        let built = self.workspace.built(self.arch, "release").join(name);
        files::copy_if_changed(&built, &kit.driver_entry(self.arch)).map(drop)
    }

    /// The oldest build of Windows that one of a driver's INFs installs on.
    fn oldest_build(&self, source: &Source) -> Result<u32> {
        source
            .infs(&self.layout)?
            .iter()
            .try_fold(u32::MAX, |oldest, inf| {
                Ok(oldest.min(inf::oldest_build(inf, self.arch)?))
            })
    }

    /// Builds a driver, puts the image and its symbols where others look for them, and checks
    /// the image. An image that breaks a rule is not left there.
    ///
    /// # Errors
    ///
    /// If cargo fails, or the image breaks a rule.
    pub fn build(&self, source: &Source, profile: Profile) -> Result<(PathBuf, Report)> {
        let mut cargo = self.cargo();
        cargo.args([
            "build",
            "--package",
            source.package(),
            "--profile",
            profile.name(),
        ]);
        if let Some(manifest) = source.link(&self.layout)? {
            cargo.arg("--manifest-path").arg(manifest);
        }
        command::run(
            &mut cargo,
            "building the driver",
            "see what cargo says above",
        )?;
        let built = self.workspace.built(self.arch, profile.directory());
        let built = |extension| built.join(source.package()).with_extension(extension);
        let image = self
            .layout
            .artifacts(self.arch)
            .join(source.package())
            .with_extension(self.kit.model().extension());
        let report = image::check(
            &built("dll"),
            &Expectations {
                arch: Some(self.arch),
                oldest_build: Some(self.oldest_build(source)?),
                size_budget_bytes: (profile == Profile::Release).then_some(SIZE_BUDGET_BYTES),
                symbols: Some(built("pdb")),
                model: self.kit.model(),
            },
        )
        .inspect_err(|_| {
            let _ = fs::remove_file(&image);
        })?;
        files::copy_if_changed(&built("pdb"), &image.with_extension("pdb"))?;
        files::copy_if_changed(&built("dll"), &image)?;
        Ok((image, report))
    }
}
