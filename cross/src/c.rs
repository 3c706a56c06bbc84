//! Drivers in C: a few files, compiled with clang against the generated headers and linked as the
//! Rust driver is, with the same driver entry.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use kmdf_abi::c::{DRIVER_INCLUDE, KIT_VERSION};

use crate::{
    arch::Arch,
    command,
    driver::Setup,
    error::{Error, Result},
    files::{self, Stamp},
    image::{self, Expectations, Report},
};

/// The repository's name in the symbols, as the Rust driver has it.
const ROOT_IN_PDB: &str = "/edu_kmdf";

/// The libraries of a KMDF driver, in the kit.
const LIBRARIES: [&str; 5] = [
    "ntoskrnl.lib",
    "hal.lib",
    "wmilib.lib",
    "BufferOverflowFastFailK.lib",
    "WdfLdr.lib",
];

/// A driver in C.
#[derive(Debug, Clone)]
pub struct Source {
    /// The C files.
    pub files: Vec<PathBuf>,
    /// The image to make; its symbols go beside it. Default: `target/cross/c/`, named as the first
    /// file.
    pub output: Option<PathBuf>,
    /// More directories to find headers in.
    pub include: Vec<PathBuf>,
    /// Macros: `NAME` or `NAME=VALUE`.
    pub define: Vec<String>,
}

/// Compiles what changed, links, and checks the image as that of the Rust driver is checked, but
/// for its size. An image that breaks a rule is not left there.
///
/// # Errors
///
/// If clang or the linker refuses, or the image breaks a rule.
pub fn build(setup: &Setup, source: &Source) -> Result<(PathBuf, Report)> {
    let first = source
        .files
        .first()
        .ok_or_else(|| Error::build("there is no C file to compile", "name one or more"))?;
    let output = source.output.clone().unwrap_or_else(|| {
        let name = Path::new(first.file_name().unwrap_or_default()).with_extension("sys");
        setup.layout().output().join("c").join(name)
    });
    let output = absolute(&output)?;
    let symbols = output.with_extension("pdb");
    let objects = output.with_extension("objects");
    files::create_dir(&objects)?;

    let mut inputs = Vec::new();
    for file in &source.files {
        let name = Path::new(file.file_name().unwrap_or_default()).with_extension("obj");
        let object = objects.join(name);
        if inputs.contains(&object) {
            return Err(Error::build(
                format!("two of the C files are named {}", file.display()),
                "give each a name of its own",
            ));
        }
        compile(setup, source, &absolute(file)?, &object)?;
        inputs.push(object);
    }
    link(setup, &inputs, &output)?;
    let expectations = Expectations {
        arch: Some(setup.arch()),
        symbols: Some(symbols),
        ..Expectations::default()
    };
    let report = image::check(&output, &expectations).inspect_err(|_| {
        let _ = fs::remove_file(&output);
    })?;
    Ok((output, report))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Error::io("find", path, error))
}

/// clang, with the kit on its path. It runs in the checkout, so that a file there has the same name
/// in the symbols wherever the checkout is.
fn clang(setup: &Setup, source: &Source) -> Result<Command> {
    let (clang, kit, repository) = (setup.clang(), setup.kit(), setup.layout().repository());
    let mut command = Command::new(&clang.compiler);
    command.current_dir(repository);
    if let (false, Ok(paths)) = (
        clang.library_paths.is_empty(),
        env::join_paths(&clang.library_paths),
    ) {
        command.env("LD_LIBRARY_PATH", paths);
    }
    let machine = match setup.arch() {
        Arch::X86_64 => "_AMD64_",
        Arch::Aarch64 => "_ARM64_",
    };
    command
        .arg(format!("--target={}", setup.arch().target()))
        .args(["-nostdinc", "-fms-extensions", "-fms-compatibility"])
        .args(["-O2", "-g", "-gcodeview", "-fno-strict-aliasing"])
        .args(["-Wall", "-Wno-unknown-pragmas", "-Wno-ignored-pragmas"])
        .arg(format!(
            "-fdebug-prefix-map={}={ROOT_IN_PDB}",
            repository.display()
        ))
        .arg(format!("-fdebug-compilation-dir={ROOT_IN_PDB}"))
        .args([
            format!("-D{machine}"),
            "-D_WIN64".into(),
            "-D_KERNEL_MODE".into(),
        ])
        .arg("-DKMDF_VERSION_MAJOR=1")
        .arg(format!("-DKMDF_VERSION_MINOR={}", kit.minor()));
    for macro_ in &source.define {
        command.arg(format!("-D{macro_}"));
    }
    for directory in &source.include {
        command.arg("-I").arg(absolute(directory)?);
    }
    let include = kit.root().join("Include");
    let of_kit = include.join(KIT_VERSION);
    if kit.is_generated() {
        command.arg("-isystem").arg(kit.root().join(DRIVER_INCLUDE));
    }
    for directory in [
        of_kit.join("km/crt"),
        of_kit.join("km"),
        of_kit.join("shared"),
        include.join(format!("wdf/kmdf/1.{}", kit.minor())),
    ] {
        command.arg("-isystem").arg(directory);
    }
    Ok(command)
}

/// Compiles a file, unless the object is of the same text after preprocessing.
fn compile(setup: &Setup, source: &Source, file: &Path, object: &Path) -> Result<()> {
    let repository = setup.layout().repository();
    let step = format!("compiling {}", file.display());
    let next = "see what clang says above; the headers are below target/cross/wdk/Include";
    let name = file.strip_prefix(repository).unwrap_or(file);
    let text = command::capture(clang(setup, source)?.arg("-E").arg(name), &step, next)?.stdout;
    let mut compile = clang(setup, source)?;
    compile.arg("-c").arg(name).arg("-o").arg(object);
    let stamp_path = object.with_extension("stamp");
    let flags = format!("{compile:?}");
    let stamp = Stamp::of(&stamp_path, [flags.as_bytes(), &text]);
    if stamp.is_fresh() && object.exists() {
        return Ok(());
    }
    command::run(&mut compile, &step, next)?;
    stamp.record()
}

/// Links as wdk-build has the Rust driver linked. Functions with the same code stay apart, so that
/// each keeps its name in call stacks.
fn link(setup: &Setup, objects: &[PathBuf], output: &Path) -> Result<()> {
    let (kit, arch) = (setup.kit(), setup.arch());
    let directory = output.parent().unwrap_or(Path::new("."));
    let name = |path: &Path| path.strip_prefix(directory).unwrap_or(path).to_owned();
    let mut lld = Command::new(setup.lld());
    lld.current_dir(directory)
        .args([
            "-flavor",
            "link",
            "/NOLOGO",
            "/DRIVER",
            "/KERNEL",
            "/NODEFAULTLIB",
        ])
        .args(["/SUBSYSTEM:NATIVE", "/ENTRY:FxDriverEntry", "/MANIFEST:NO"])
        .args([
            "/NXCOMPAT",
            "/DYNAMICBASE",
            "/HIGHENTROPYVA",
            "/INTEGRITYCHECK",
        ])
        .args(["/OPT:REF,NOICF", "/RELEASE", "/Brepro", "/DEBUG"])
        .arg(format!("/MACHINE:{}", arch.machine()))
        .arg(format!("/OUT:{}", name(output).display()))
        .arg(format!(
            "/PDB:{}",
            name(&output.with_extension("pdb")).display()
        ))
        .arg(format!("/PDBSOURCEPATH:{ROOT_IN_PDB}"))
        .args(objects.iter().map(|object| name(object)));
    for library in LIBRARIES {
        lld.arg(kit.kernel_libraries(arch).join(library));
    }
    lld.arg(kit.driver_entry(arch));
    command::capture(
        &mut lld,
        &format!("linking {}", output.display()),
        "an undefined symbol is a function that the kernel does not export (cross/exports), or one \
         that a header of the WDK defines inline and the generated ones do not",
    )
    .map(drop)
}
