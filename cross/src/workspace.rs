//! The scratch workspace: this workspace again, by links, with a lock file and a cargo
//! configuration of its own.
//!
//! The patched `wdk-build` must not show in the lock file that Windows uses, and cargo writes
//! the lock file beside the workspace's manifest. So the build runs in a directory that has the
//! same manifest and the same members (links to the checkout's directories), where cargo keeps
//! another `Cargo.lock` and finds `.cargo/config.toml` with the patch, the linker and the flags.
//!
//! A package that is a workspace of its own, because its driver model is another, gets a directory like that, in which
//! its own directory is the one with the manifest, the lock file and what cargo makes.

use std::{
    env,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::{
    arch::Arch,
    clang::Clang,
    edits::Edits,
    error::{Error, Result},
    files::{self, Stamp},
    layout::Layout,
    link,
    model::Model,
    toolchain::Toolchain,
    wdk::Kit,
};

/// Entries of the checkout that the scratch workspace has none or another of.
const NOT_LINKED: [&str; 5] = [".git", ".cargo", "target", "Cargo.lock", "Cargo.toml"];

/// `wdk-macros` keeps the functions of the framework in the output directory of the crate `scratch`, whatever framework it
/// is. So there the two workspaces must not share what is compiled: with another profile it is another directory.
const FUNCTIONS_OF_ITS_OWN: &str = "\n\
    [profile.release.package]\n\
    scratch = { codegen-units = 2 }\n\
    [profile.dev.package]\n\
    scratch = { codegen-units = 2 }\n";

/// What cargo is run with.
#[derive(Debug)]
pub struct Workspace {
    /// The checkout, by links.
    directory: PathBuf,
    /// Where the workspace's manifest is, in it.
    root: PathBuf,
}

/// What a workspace's manifests say, as far as it matters here.
#[derive(Debug)]
pub struct Manifest {
    /// The driver model.
    pub model: Model,
    /// The minor version of the model's framework.
    pub minor: u8,
    wdk_build_version: String,
    wdk_build_source: PathBuf,
}

impl Manifest {
    /// Asks cargo, which fetches what is not yet in its registry.
    pub fn read(manifest: &Path, toolchain: &Toolchain, arch: Arch) -> Result<Self> {
        let metadata = MetadataCommand::new()
            .cargo_path(&toolchain.cargo)
            .manifest_path(manifest)
            .other_options([
                "--locked".into(),
                format!("--filter-platform={}", arch.target()),
            ])
            .exec()
            .map_err(|error| {
                Error::build(
                    format!("cargo cannot read {}: {error}", manifest.display()),
                    "if Cargo.lock is out of date run `cargo update --workspace`; else check the \
                     network, which the first build needs for cargo's registry",
                )
            })?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &Metadata) -> Result<Self> {
        const NEXT: &str = "add it under [workspace.metadata.wdk.driver-model]";
        let driver = &metadata.workspace_metadata["wdk"]["driver-model"];
        let named = driver["driver-type"].as_str().and_then(Model::named);
        let model = named.ok_or_else(|| {
            Error::build("Cargo.toml has no driver-type that is KMDF or UMDF", NEXT)
        })?;
        let key = model.minor_key();
        let minor = driver[key]
            .as_u64()
            .and_then(|minor| u8::try_from(minor).ok())
            .ok_or_else(|| Error::build(format!("Cargo.toml has no {key}"), NEXT))?;
        let wdk_build = metadata
            .packages
            .iter()
            .find(|package| package.name == "wdk-build");
        let wdk_build = wdk_build.ok_or_else(|| {
            Error::build(
                "nothing in the workspace depends on wdk-build",
                "restore driver/Cargo.toml",
            )
        })?;
        let source = wdk_build
            .manifest_path
            .parent()
            .map(|path| path.as_std_path().to_owned());
        Ok(Self {
            model,
            minor,
            wdk_build_version: wdk_build.version.to_string(),
            wdk_build_source: source.unwrap_or_default(),
        })
    }
}

impl Workspace {
    /// Makes the scratch workspace ready.
    pub fn prepare(
        layout: &Layout,
        manifest: &Manifest,
        toolchain: &Toolchain,
        arch: Arch,
    ) -> Result<Self> {
        let directory = layout.workspace();
        let workspace = Self {
            root: directory.clone(),
            directory,
        };
        files::link_entries(layout.repository(), &workspace.directory, &NOT_LINKED)?;
        workspace.finish(layout.repository(), manifest, toolchain, arch)?;
        Ok(workspace)
    }

    /// Makes the scratch workspace of a package ready that is a workspace of its own, with the manifest `own`.
    ///
    /// What cargo compiles for this machine is the same in both workspaces, so the two share the directories for it.
    pub fn prepare_own(
        layout: &Layout,
        own: &Path,
        package: &str,
        manifest: &Manifest,
        toolchain: &Toolchain,
        arch: Arch,
    ) -> Result<Self> {
        let source = own.parent().unwrap_or(layout.repository());
        let relative = source.strip_prefix(layout.repository()).unwrap_or(source);
        let directory = layout.own_workspace(package);
        let (mut from, mut to) = (layout.repository().to_owned(), directory.clone());
        for part in relative {
            let part = part.to_string_lossy();
            let except: Vec<_> = NOT_LINKED.into_iter().chain([&*part]).collect();
            files::link_entries(&from, &to, &except)?;
            let manifest = from.join("Cargo.toml");
            if manifest.exists() {
                // Packages of the checkout have their versions and their dependencies from there.
                files::copy_if_changed(&manifest, &to.join("Cargo.toml"))?;
            }
            from.push(&*part);
            to.push(&*part);
        }
        files::link_entries(&from, &to, &NOT_LINKED)?;
        let workspace = Self {
            directory,
            root: to,
        };
        workspace.finish(source, manifest, toolchain, arch)?;
        for shared in ["release", "debug"] {
            let of_checkout = layout.workspace().join("target").join(shared);
            files::create_dir(&of_checkout)?;
            files::create_dir(&workspace.target())?;
            files::link(&of_checkout, &workspace.target().join(shared))?;
        }
        Ok(workspace)
    }

    /// Gives the workspace its manifest, its lock file, the patched crate and its configuration.
    fn finish(
        &self,
        source: &Path,
        manifest: &Manifest,
        toolchain: &Toolchain,
        arch: Arch,
    ) -> Result<()> {
        files::copy_if_changed(&source.join("Cargo.toml"), &self.root.join("Cargo.toml"))?;
        Edits::of_wdk_build().apply(
            &manifest.wdk_build_version,
            &manifest.wdk_build_source,
            &self.directory.join("patched/wdk-build"),
        )?;
        self.renew_lock(source)?;
        self.configure(toolchain, manifest, arch)
    }

    /// Where cargo puts all that it makes: below the lock file, by which wdk-build finds the manifest.
    fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    fn configure(&self, toolchain: &Toolchain, manifest: &Manifest, arch: Arch) -> Result<()> {
        let this =
            env::current_exe().map_err(|error| Error::io("find", Path::new("cross"), error))?;
        let linker = self.directory.join(link::NAME);
        files::link(&this, &linker)?;
        files::link(&toolchain.sysroot, &self.directory.join("sysroot"))?;
        let remapped = remapped(&self.directory, toolchain, manifest);
        let mut configuration = configuration(&linker, arch, &remapped);
        if self.root != self.directory {
            configuration.push_str(FUNCTIONS_OF_ITS_OWN);
        }
        files::write_if_changed(&self.directory.join(".cargo/config.toml"), configuration).map(drop)
    }

    /// Starts from the lock file of the checkout whenever that changed; in between cargo's own copy,
    /// in which the patched crate has no checksum, stays.
    fn renew_lock(&self, source: &Path) -> Result<()> {
        let lock = files::read(&source.join("Cargo.lock"))?;
        let stamp_path = self.root.join("Cargo.lock.stamp");
        let stamp = Stamp::of(&stamp_path, [&lock]);
        let copy = self.root.join("Cargo.lock");
        if !stamp.is_fresh() || !copy.exists() {
            files::write_if_changed(&copy, &lock)?;
            stamp.record()?;
        }
        Ok(())
    }

    /// Where cargo puts what it builds for `arch`; `profile` is cargo's name of the directory.
    #[must_use]
    pub fn built(&self, arch: Arch, profile: &str) -> PathBuf {
        self.target().join(arch.target()).join(profile)
    }

    /// cargo, in this workspace, with the environment the build needs; the arguments are missing.
    #[must_use]
    pub fn cargo(&self, toolchain: &Toolchain, kit: &Kit, clang: &Clang, arch: Arch) -> Command {
        let mut cargo = Command::new(&toolchain.cargo);
        cargo.current_dir(&self.root);
        // What the caller's shell or an outer cargo set must not change what is built.
        for variable in [
            "CARGO_INCREMENTAL",
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET_DIR",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "Version_Number",
        ] {
            cargo.env_remove(variable);
        }
        cargo
            .env("CARGO_TARGET_DIR", self.target())
            .env("CARGO_BUILD_TARGET", arch.target())
            .env("WDKContentRoot", kit.root())
            .envs(link::variables(
                &toolchain.lld,
                &self.directory,
                &toolchain.sysroot,
            ))
            .env("LIBCLANG_PATH", &clang.library);
        // The cc crate's names; it passes the flags before its own, as rust-lld must have them.
        let suffix = arch.target().replace('-', "_");
        cargo
            .env(format!("CC_{suffix}"), &clang.compiler)
            .env(format!("AR_{suffix}"), &toolchain.lld)
            .env(format!("ARFLAGS_{suffix}"), "-flavor link /lib");
        let mut library_paths = clang.library_paths.clone();
        if let Some(debian) = &toolchain.debian {
            library_paths.extend(debian.library_paths.iter().cloned());
            cargo
                .env("RUSTC", &debian.rustc)
                // Building the library with a stable compiler is what this is for.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_UNSTABLE_BUILD_STD", "core,alloc");
        }
        if let (false, Ok(paths)) = (library_paths.is_empty(), env::join_paths(&library_paths)) {
            cargo.env("LD_LIBRARY_PATH", paths);
        }
        cargo
    }
}

/// Which paths the compiler shall write down as others, so that no path of this machine is left
/// in image or symbols: the checkout's, cargo's registry's, and the library source's (where
/// rustc writes the second form itself if the source is not installed).
fn remapped(
    workspace: &Path,
    toolchain: &Toolchain,
    manifest: &Manifest,
) -> Vec<(PathBuf, String)> {
    let mut remapped = vec![(workspace.to_owned(), String::new())];
    if let Some(registry) = manifest.wdk_build_source.parent() {
        remapped.push((registry.to_owned(), "registry/".into()));
    }
    if let Some(commit) = toolchain.commit() {
        let library = toolchain.sysroot.join("lib/rustlib/src/rust");
        remapped.push((library, format!("/rustc/{commit}/")));
    }
    remapped
}

/// The scratch workspace's `.cargo/config.toml`.
fn configuration(linker: &Path, arch: Arch, remapped: &[(PathBuf, String)]) -> String {
    let flags = [
        "-Ctarget-feature=+crt-static",
        "-Clink-arg=/RELEASE",
        "-Clink-arg=/Brepro",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(
        remapped
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={}/={to}", from.display())),
    );
    let mut text = format!(
        "# Written by cross; docs/adr/0002-cross-build.md says why.\n\
         [patch.crates-io]\n\
         wdk-build = {{ path = \"patched/wdk-build\" }}\n\
         \n\
         [target.{}]\n\
         linker = \"{}\"\n\
         rustflags = [\n",
        arch.target(),
        linker.display()
    );
    for flag in flags {
        let _ = writeln!(text, "    {flag:?},");
    }
    text + "]\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_is_toml_with_the_patch_the_linker_and_the_flags() {
        let remapped = [(PathBuf::from("/src/a \"b\""), "x/".to_owned())];
        let text = configuration(Path::new("/w/lld-link"), Arch::Aarch64, &remapped);
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(
            table["patch"]["crates-io"]["wdk-build"]["path"].as_str(),
            Some("patched/wdk-build")
        );
        let target = &table["target"]["aarch64-pc-windows-msvc"];
        assert_eq!(target["linker"].as_str(), Some("/w/lld-link"));
        let flags = target["rustflags"].as_array().unwrap();
        assert!(
            flags
                .iter()
                .any(|flag| flag.as_str() == Some("-Clink-arg=/Brepro"))
        );
        let last = flags.last().and_then(toml::Value::as_str);
        assert_eq!(last, Some("--remap-path-prefix=/src/a \"b\"/=x/"));
    }
}
