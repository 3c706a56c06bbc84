//! The build, step by step.

use std::path::PathBuf;

use crate::{
    arch::Arch,
    command,
    error::{Error, Result},
    files,
    layout::Layout,
    clang::Clang,
    packages::Packages,
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
}

impl Setup {
    /// Finds or makes all of it.
    pub fn prepare(layout: Layout, arch: Arch, toolchain: Choice) -> Result<Self> {
        let packages = Packages::below(layout.packages());
        let toolchain = Toolchain::find(toolchain, arch, &packages)?;
        let clang = Clang::find(&packages)?;
        let manifest = Manifest::read(&layout, &toolchain, arch)?;
        let kit = Kit::find(layout.wdk(), manifest.kmdf_minor)?;
        kit.make(arch, &toolchain.lld)?;
        let workspace = Workspace::prepare(&layout, &manifest, &toolchain, arch)?;
        let setup = Self { layout, arch, toolchain, clang, kit, workspace };
        setup.driver_entry()?;
        Ok(setup)
    }

    /// cargo with this setup; the caller adds the arguments.
    #[must_use]
    pub fn cargo(&self) -> std::process::Command {
        self.workspace.cargo(&self.toolchain, &self.kit, &self.clang, self.arch)
    }

    /// Builds the driver entry and puts it into the generated kit as the library the driver
    /// links. An `.rlib` is an archive, which is what the linker calls a library.
    fn driver_entry(&self) -> Result<()> {
        if !self.kit.is_generated() {
            return Ok(());
        }
        command::run(
            self.cargo().args(["build", "--quiet", "--release", "--package", "wdf-driver-entry"]),
            "building the driver entry",
            "see what cargo says above",
        )?;
        let built = self.workspace.built(self.arch, "release").join("libwdf_driver_entry.rlib");
        files::copy_if_changed(&built, &self.kit.driver_entry(self.arch)).map(drop)
    }

    /// Builds the driver, and puts the image and its symbols where others look for them.
    /// Returns the path of the image.
    pub fn build(&self, profile: Profile) -> Result<PathBuf> {
        command::run(
            self.cargo().args(["build", "--package", "edu_kmdf", "--profile", profile.name()]),
            "building the driver",
            "see what cargo says above",
        )?;
        let built = self.workspace.built(self.arch, profile.directory());
        let artifacts = self.layout.artifacts(self.arch);
        let image = artifacts.join("edu_kmdf.sys");
        files::copy_if_changed(&built.join("edu_kmdf.dll"), &image)?;
        files::copy_if_changed(&built.join("edu_kmdf.pdb"), &artifacts.join("edu_kmdf.pdb"))?;
        if !image.exists() {
            return Err(Error::build(format!("no {}", image.display()), "run this again"));
        }
        Ok(image)
    }
}
