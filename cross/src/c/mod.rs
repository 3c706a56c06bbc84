//! Drivers in C and C++: a few files, compiled with clang against the generated headers and linked as the
//! Rust driver is, with the same driver entry.

mod overlay;
mod resource;
mod tracing;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use kmdf_abi::c::{DRIVER_INCLUDE, KIT_VERSION, RESOURCE_INCLUDE};

use crate::{
    arch::Arch,
    command,
    driver::Setup,
    error::{Error, Kind, Result},
    files::{self, Stamp},
    image::{self, Expectations, Report},
};

/// The repository's name in the symbols, as the Rust driver has it.
const ROOT_IN_PDB: &str = "/edu_kmdf";

const SEE_CLANG: &str = "see what clang says above; the headers are below target/cross/wdk";

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
    /// The C and C++ files, and scripts of resources.
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

    let headers = Headers::find(setup, source, &objects)?;
    let mut inputs = Vec::new();
    let mut refused = Vec::new();
    for file in &source.files {
        let language = Language::of(file)?;
        let extension = if language == Language::Resource {
            "res"
        } else {
            "obj"
        };
        let name = Path::new(file.file_name().unwrap_or_default()).with_extension(extension);
        let object = objects.join(name);
        if inputs.contains(&object) {
            return Err(Error::build(
                format!("two of the files are named {}", file.display()),
                "give each a name of its own",
            ));
        }
        let file = absolute(file)?;
        let made = match language {
            Language::Resource => version(setup, source, &headers, &file, &object),
            language => compile(setup, source, &headers, (&file, language), &object),
        };
        match made {
            // The other files' errors are of use, too.
            Err(error) if error.kind() == Kind::Build => refused.push(error),
            other => other?,
        }
        inputs.push(object);
    }
    match refused.len() {
        0 => {}
        1 => return Err(refused.remove(0)),
        many => {
            let steps: Vec<_> = refused.iter().map(Error::what).collect();
            let (all, steps) = (inputs.len(), steps.join("\n  "));
            return Err(Error::build(
                format!("{many} of {all} files did not compile:\n  {steps}"),
                SEE_CLANG,
            ));
        }
    }
    inputs.push(guids(setup, source, &headers, &objects)?);
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

/// What a file of a driver is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    C,
    Cpp,
    /// A script of resources.
    Resource,
}

impl Language {
    fn of(file: &Path) -> Result<Self> {
        let extension = file.extension().unwrap_or_default().to_string_lossy();
        match extension.to_ascii_lowercase().as_str() {
            "c" => Ok(Self::C),
            "cpp" | "cxx" | "cc" => Ok(Self::Cpp),
            "rc" => Ok(Self::Resource),
            _ => Err(Error::build(
                format!("{} is no C, C++ or resource file", file.display()),
                "name files that end in .c, .cpp, .cxx, .cc or .rc",
            )),
        }
    }

    /// What the compiler is told of it. C++ is that of Microsoft's `/kernel`: without exceptions and
    /// without run-time types. Nothing runs constructors of static objects in a kernel.
    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::C | Self::Resource => &["-x", "c"],
            Self::Cpp => &[
                "-x",
                "c++",
                "-std=c++17",
                "-fno-exceptions",
                "-fno-rtti",
                "-fno-threadsafe-statics",
                // The driver's own operator new returns NULL where it has no memory.
                "-Wno-microsoft-exception-spec",
                "-Werror=global-constructors",
            ],
        }
    }
}

/// Where a driver's headers are.
struct Headers {
    /// The driver's own, and what stands in for those that WPP would generate: `-I`.
    own: Vec<PathBuf>,
    /// The kit's: `-isystem`.
    kit: Vec<PathBuf>,
    /// All of them by names whose case does not matter: `-ivfsoverlay`.
    overlay: PathBuf,
}

impl Headers {
    /// Finds them. What has to be made for this driver goes below `objects`.
    fn find(setup: &Setup, source: &Source, objects: &Path) -> Result<Self> {
        let kit = setup.kit();
        let include = kit.root().join("Include");
        let of_kit = include.join(KIT_VERSION);
        let mut of_the_kit = Vec::new();
        if kit.is_generated() {
            of_the_kit.push(kit.root().join(DRIVER_INCLUDE));
        }
        of_the_kit.extend([
            of_kit.join("km/crt"),
            of_kit.join("km"),
            of_kit.join("shared"),
            include.join(format!("wdf/kmdf/1.{}", kit.minor())),
        ]);
        let mut own = Vec::new();
        for directory in &source.include {
            own.push(absolute(directory)?);
        }
        let mut beside = Vec::new();
        for file in &source.files {
            beside.extend(absolute(file)?.parent().map(Path::to_owned));
        }
        beside.sort();
        beside.dedup();
        let made = objects.join("wpp");
        if let Some(left_out) = tracing::leave_out(&source.files, &own, &made)? {
            eprintln!(
                "cross: WPP's tracing is left out; these do nothing: {}",
                left_out.functions.join(" ")
            );
            own.push(left_out.directory);
        }
        let overlay = objects.join("headers.yaml");
        let all: BTreeSet<_> = own.iter().chain(&beside).chain(&of_the_kit).collect();
        let there = all.into_iter().map(PathBuf::as_path).filter(|path| {
            // The kit's crt directory has headers in some kits only.
            path.exists() || !of_the_kit.iter().any(|kit| kit == path)
        });
        files::write_if_changed(&overlay, overlay::overlay(there)?)?;
        Ok(Self {
            own,
            kit: of_the_kit,
            overlay,
        })
    }
}

/// clang, with the kit on its path. It runs in the checkout, so that a file there has the same name
/// in the symbols wherever the checkout is.
fn clang(setup: &Setup, source: &Source, headers: &Headers) -> Command {
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
        // What Microsoft's compiler takes: `a.##b`, a variable of a header in several files, names of headers in
        // another case.
        .args(["-Wno-invalid-token-paste", "-fcommon"])
        .arg("-Wno-nonportable-include-path")
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
    for directory in &headers.own {
        command.arg("-I").arg(directory);
    }
    for directory in &headers.kit {
        command.arg("-isystem").arg(directory);
    }
    command.arg("-ivfsoverlay").arg(&headers.overlay);
    command
}

/// Compiles a file, unless the object is of the same text after preprocessing.
fn compile(
    setup: &Setup,
    source: &Source,
    headers: &Headers,
    (file, language): (&Path, Language),
    object: &Path,
) -> Result<()> {
    let repository = setup.layout().repository();
    let step = format!("compiling {}", file.display());
    let name = file.strip_prefix(repository).unwrap_or(file);
    let preprocess = &mut clang(setup, source, headers);
    preprocess.args(language.arguments());
    let text = command::capture(preprocess.arg("-E").arg(name), &step, SEE_CLANG)?.stdout;
    let mut compile = clang(setup, source, headers);
    compile.args(language.arguments());
    compile.arg("-c").arg(name).arg("-o").arg(object);
    let stamp_path = object.with_extension("stamp");
    let flags = format!("{compile:?}");
    let stamp = Stamp::of(&stamp_path, [flags.as_bytes(), &text]);
    if stamp.is_fresh() && object.exists() {
        return Ok(());
    }
    command::run(&mut compile, &step, SEE_CLANG)?;
    stamp.record()
}

/// Makes the version resource that a script describes.
fn version(
    setup: &Setup,
    source: &Source,
    headers: &Headers,
    file: &Path,
    resource: &Path,
) -> Result<()> {
    let step = format!("reading {}", file.display());
    let kit = setup.kit();
    let mut preprocess = clang(setup, source, headers);
    if kit.is_generated() {
        preprocess.arg("-I").arg(kit.root().join(RESOURCE_INCLUDE));
    }
    preprocess
        .args(Language::Resource.arguments())
        .args(["-DRC_INVOKED", "-E", "-P"])
        .arg(file);
    let text = command::capture(&mut preprocess, &step, SEE_CLANG)?.stdout;
    let version = resource::Version::parse(&String::from_utf8_lossy(&text)).map_err(|problem| {
        Error::build(
            format!("{}: {problem}", file.display()),
            "a driver's script has a VERSIONINFO and nothing else; leave the file out, or shorten it",
        )
    })?;
    files::write_if_changed(resource, version.to_res()).map(drop)
}

/// What the WDK has in `wdmguid.lib`: the GUIDs of its header, for a driver that only declares them.
fn guids(setup: &Setup, source: &Source, headers: &Headers, objects: &Path) -> Result<PathBuf> {
    let (file, object) = (objects.join("wdmguid.c"), objects.join("wdmguid.lib.obj"));
    files::write_if_changed(&file, "#include <initguid.h>\n#include <wdmguid.h>\n")?;
    compile(setup, source, headers, (&file, Language::C), &object)?;
    Ok(object)
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
        lld.arg(kit.system_libraries(arch).join(library));
    }
    lld.arg(kit.driver_entry(arch));
    command::capture(
        &mut lld,
        &format!("linking {}", output.display()),
        "an undefined symbol is a function that the kernel does not export (cross/exports), or one \
         that a header of the WDK defines inline and the generated ones do not; operator new and \
         operator delete are the driver's own",
    )
    .map(drop)
}
