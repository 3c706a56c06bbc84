//! The command line of the cross build.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use cross::{
    arch::Arch,
    driver::{Profile, Setup},
    error::Result,
    layout::Layout,
    link,
    toolchain::Choice,
};

/// Builds and checks edu_kmdf.sys away from Windows.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a file or a command could not be used
  2  wrong arguments
  3  the machine lacks something; the message says what and how to name it
  4  a step of the build failed
  5  the image was refused by the image check";

#[derive(Subcommand)]
enum Command {
    /// Build edu_kmdf.sys and edu_kmdf.pdb, check the image, and print its path.
    Build {
        #[command(flatten)]
        target: Target,
        /// cargo's profile.
        #[arg(long, default_value = "release")]
        profile: Profile,
    },
}

#[derive(Args)]
struct Target {
    /// The processor to build for.
    #[arg(long, default_value = "x86_64")]
    arch: Arch,
    /// Where core and alloc for Windows come from.
    #[arg(long, default_value = "auto")]
    toolchain: Choice,
}

fn build(target: &Target, profile: Profile) -> Result<PathBuf> {
    Setup::prepare(Layout::find()?, target.arch, target.toolchain)?.build(profile)
}

fn run(cli: &Cli) -> Result<()> {
    match &cli.command {
        Command::Build { target, profile } => {
            let image = build(target, *profile)?;
            println!("{}", image.display());
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    if link::is_linker() {
        return link::run();
    }
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}
