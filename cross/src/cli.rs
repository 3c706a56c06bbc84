//! The command line of the cross build.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    arch::Arch,
    c,
    driver::{Profile, Setup},
    error::Result,
    image::{self, Expectations, Report},
    inf,
    layout::Layout,
    link,
    source::Source,
    toolchain::Choice,
};

/// Builds and checks KMDF and UMDF 2 drivers without Windows.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Environment:
  WDKContentRoot  build with this real kit instead of generated headers and libraries
  CLANG_PATH      the clang to compile wdk-sys's C file with
  LIBCLANG_PATH   the directory of the libclang to read the headers with

Exit codes:
  0  success
  1  a file or a command could not be used
  2  wrong arguments
  3  the machine lacks something; the message says what, and how to point to it
  4  a step of the build failed
  5  the image check refused the image
  6  the INF check refused the INF";

#[derive(Subcommand)]
enum Command {
    /// Build a driver in Rust with its symbols, check the image, and print its path.
    Build {
        #[command(flatten)]
        target: Target,
        /// The driver's package.
        #[arg(long, default_value = "edu_kmdf")]
        package: String,
        /// The manifest of a driver outside of this checkout; the driver is its package.
        #[arg(long, value_name = "Cargo.toml")]
        manifest_path: Option<PathBuf>,
        /// cargo's profile.
        #[arg(long, default_value = "release")]
        profile: Profile,
    },
    /// Check a driver image as the build does, and list its imports.
    Check {
        /// The .sys file, or the .dll of a UMDF driver.
        image: PathBuf,
        /// Its symbols, to find the entry point by name [default: the .pdb beside the image, if any].
        #[arg(long)]
        symbols: Option<PathBuf>,
        /// The architecture it must be for [default: any].
        #[arg(long)]
        arch: Option<Arch>,
        /// The INF or INX to install it from; the image must load on every Windows version that it names.
        #[arg(long, value_name = "FILE.inx")]
        inf: Option<PathBuf>,
        /// The largest size allowed.
        #[arg(long, value_name = "BYTES")]
        max_size: Option<usize>,
    },
    /// Check the INF of a KMDF driver by InfVerif's rules.
    Inf {
        /// The INF or INX files; an INX is stamped first.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The architecture to stamp an INX for.
        #[arg(long, default_value = "x86_64")]
        arch: Arch,
    },
    /// Compile C and C++ files into a KMDF driver with its symbols, check the image, and print its path.
    C {
        #[command(flatten)]
        target: Target,
        /// The KMDF version to build for; kmdf-abi must know it [default: that of Cargo.toml].
        #[arg(long, value_name = "1.MINOR", value_parser = kmdf_minor)]
        kmdf: Option<u8>,
        /// The image to make [default: target/cross/c/NAME.sys, named after the first file].
        #[arg(long, value_name = "FILE.sys")]
        out: Option<PathBuf>,
        /// A further directory with headers.
        #[arg(short = 'I', value_name = "DIRECTORY")]
        include: Vec<PathBuf>,
        /// A macro for the preprocessor.
        #[arg(short = 'D', value_name = "NAME[=VALUE]")]
        define: Vec<String>,
        /// The files: .c, .cpp, and .rc with a version.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run cargo as the build does, for example: cargo -- clippy -p edu_kmdf -- -D warnings
    Cargo {
        #[command(flatten)]
        target: Target,
        /// The driver whose workspace it is run in.
        #[arg(long, default_value = "edu_kmdf")]
        driver: String,
        /// cargo's arguments.
        #[arg(last = true, required = true)]
        arguments: Vec<OsString>,
    },
}

#[derive(Args)]
struct Target {
    /// The processor to build for.
    #[arg(long, default_value = "x86_64")]
    arch: Arch,
    /// The source of core and alloc for Windows.
    #[arg(long, default_value = "auto")]
    toolchain: Choice,
}

impl Target {
    fn prepare_driver(&self, driver: &Source) -> Result<Setup> {
        Setup::prepare_for(Layout::find()?, self.arch, self.toolchain, driver)
    }

    fn prepare_c(&self, kmdf_minor: Option<u8>) -> Result<Setup> {
        Setup::prepare(Layout::find()?, self.arch, self.toolchain, kmdf_minor)
    }
}

/// The minor version of a KMDF version, if its facts are known.
fn kmdf_minor(text: &str) -> std::result::Result<u8, String> {
    let minor = text.strip_prefix("1.").and_then(|minor| minor.parse().ok());
    let known = |minor: &u8| kmdf_abi::function_count((*minor).into()).is_some();
    minor.filter(known).ok_or_else(|| {
        let all: Vec<_> = kmdf_abi::minor_versions()
            .map(|minor| format!("1.{minor}"))
            .collect();
        format!("choose one of {}", all.join(", "))
    })
}

/// What the check found, for a person.
fn describe(report: &Report) -> String {
    let version = report
        .file_version
        .as_ref()
        .map_or("no version".into(), |v| format!("version {v}"));
    let imports = report
        .imports
        .iter()
        .fold(String::new(), |text, (module, names)| {
            text + "\n  imports from " + module + ": " + &names.join(" ")
        });
    let windows = report.oldest_windows.map_or_else(
        || "loads on every Windows 10 and 11 that has the framework's version".into(),
        |(version, name)| {
            format!("loads on Windows 10, version {version} and later, because of {name}")
        },
    );
    format!(
        "{} bytes, {version}{imports}\n  {windows}",
        report.size_bytes
    )
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Build {
            target,
            package,
            manifest_path,
            profile,
        } => {
            let source = match manifest_path {
                Some(manifest) => Source::outside(&manifest)?,
                None => Source::of_the_checkout(&package),
            };
            let (image, report) = target.prepare_driver(&source)?.build(&source, profile)?;
            eprintln!("cross: the image passed the check: {}", describe(&report));
            println!("{}", image.display());
        }
        Command::Check {
            image,
            symbols,
            arch,
            inf,
            max_size,
        } => {
            let oldest_build = inf
                .map(|inf| inf::oldest_build(&inf, arch.unwrap_or(Arch::X86_64)))
                .transpose()?;
            let beside = Some(image.with_extension("pdb")).filter(|path| path.exists());
            let expectations = Expectations {
                arch,
                oldest_build,
                size_budget_bytes: max_size,
                symbols: symbols.or(beside),
                ..Expectations::of(&image)
            };
            let report = image::check(&image, &expectations)?;
            if expectations.symbols.is_none() {
                println!("no symbols given or found: the entry point's name was not checked");
            }
            println!(
                "{} passed the check: {}",
                image.display(),
                describe(&report)
            );
        }
        Command::Inf { files, arch } => {
            for file in files {
                inf::check(&file, arch)?;
            }
        }
        Command::C {
            target,
            kmdf,
            out,
            include,
            define,
            files,
        } => {
            let source = c::Source {
                files,
                output: out,
                include,
                define,
            };
            let (image, report) = c::build(&target.prepare_c(kmdf)?, &source)?;
            eprintln!("cross: the image passed the check: {}", describe(&report));
            println!("{}", image.display());
        }
        Command::Cargo {
            target,
            driver,
            arguments,
        } => {
            let setup = target.prepare_driver(&Source::of_the_checkout(&driver))?;
            return Ok(setup.run_cargo(&arguments)?.into());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The program: what it is asked on its command line, and the exit code.
#[must_use]
pub fn main() -> ExitCode {
    if link::is_linker() {
        return link::run();
    }
    run(Cli::parse()).unwrap_or_else(|error| {
        eprintln!("error: {error}");
        error.exit_code()
    })
}
