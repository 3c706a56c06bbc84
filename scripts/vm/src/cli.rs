//! The command line.

use std::{fs, path::PathBuf};

use clap::Parser;

use crate::{
    EXIT_CODES, Error,
    answer_file::Wishes,
    dry_run, run,
    run::Settings,
    stage::{STAGES, Stage},
};

/// Installs Windows in a virtual machine, without a hand, and runs the driver there: every command of
/// eductl, Driver Verifier and KMDF Verifier, the device pulled out under load; with both packages.
///
/// NOT RUN WITH WINDOWS YET.
#[derive(Debug, Parser)]
#[command(name = "sh scripts/vm.sh", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The ISO of Windows 10 or 11 for x64; the Enterprise evaluation needs no key
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    iso: Option<PathBuf>,

    /// Where everything is kept: disks, logs, what is finished (up to 40 GiB)
    #[arg(long, value_name = "DIRECTORY", default_value = "target/vm")]
    work: PathBuf,

    /// Where both packages are [default: vm.sh makes them]
    #[arg(long, value_name = "DIRECTORY")]
    packages: PathBuf,

    /// Which edition on the ISO: its number, or its name
    #[arg(long, value_name = "EDITION", default_value = "1")]
    edition: String,

    /// A product key, for an ISO that asks for one
    #[arg(
        long,
        value_name = "KEY",
        default_value = "",
        hide_default_value = true
    )]
    product_key: String,

    /// The language of the ISO
    #[arg(long, value_name = "LANGUAGE", default_value = "en-US")]
    language: String,

    /// The machine's memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(2048..))]
    memory: u32,

    /// The machine's processors
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    processors: u32,

    /// Make every time limit so many times as long; without KVM each is 10 times as long anyway
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = parse_factor)]
    patience: f64,

    /// Do this stage again, and those after it: windows, normal, normal-verified, normal-removed, passive,
    /// passive-verified, passive-removed
    #[arg(long, value_name = "STAGE", value_parser = parse_stage)]
    again: Option<Stage>,

    /// Go as far as it goes without Windows: answer file, medium, QEMU's command line, a recorded guest
    #[arg(long)]
    dry_run: bool,

    #[arg(long, hide = true)]
    qemu: PathBuf,
    #[arg(long, hide = true)]
    xorriso: PathBuf,
    #[arg(long, hide = true, default_value = "scripts/windows")]
    scripts: PathBuf,
    #[arg(long, hide = true, default_value = "docs/windows-results.md")]
    docs: PathBuf,
    #[arg(long, hide = true, default_value = "unknown")]
    revision: String,
}

impl Cli {
    /// Does what the command line says; whether every check passed.
    ///
    /// # Errors
    /// It does not go on.
    pub fn run(self) -> Result<bool, Error> {
        fs::create_dir_all(&self.work).map_err(Error::io(&self.work))?;
        let settings = Settings {
            iso: self.iso.clone().unwrap_or_default(),
            directory: self.work,
            packages: self.packages,
            scripts: self.scripts,
            qemu: self.qemu,
            xorriso: self.xorriso,
            wishes: Wishes {
                language: self.language,
                edition: self.edition,
                product_key: self.product_key,
            },
            memory: self.memory,
            processors: self.processors,
            patience: self.patience,
            again: self.again,
            docs: self.docs,
            revision: self.revision,
        };
        if self.dry_run {
            return dry_run::dry_run(&settings, self.iso.is_some()).map(|()| true);
        }
        run::run(&settings).map(|counts| counts.failed == 0)
    }
}

fn parse_factor(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(factor) if (0.1..=100.0).contains(&factor) => Ok(factor),
        _ => Err("a number from 0.1 to 100 is wanted".into()),
    }
}

fn parse_stage(text: &str) -> Result<Stage, String> {
    Stage::named(text).ok_or_else(|| {
        let names = STAGES.map(|stage| stage.name);
        format!("there are {}", names.join(", "))
    })
}
