//! The command line.

use std::{
    fs,
    path::{self, Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use clap::Parser;

use crate::{
    EXIT_CODES, Error,
    answer_file::Wishes,
    dry_run,
    iso::Iso,
    run,
    run::Settings,
    stage::{STAGES, Stage},
};

/// Installs Windows in a virtual machine, without a hand, and runs the driver there: every command of
/// eductl, Driver Verifier and KMDF Verifier, the device surprise-removed under load; with both packages.
///
/// NOT RUN WITH WINDOWS YET.
#[derive(Debug, Parser)]
#[command(name = "sh scripts/vm.sh", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// The ISO of Windows 10 or 11 for x64; the Enterprise evaluation needs no key
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    iso: Option<PathBuf>,

    /// Where everything is kept: disks, logs, what is finished (up to 40 GiB)
    /// [default: target/vm]
    #[arg(long, value_name = "DIRECTORY")]
    work: Option<PathBuf>,

    /// Where both packages are, as package.sh makes them [default: they are made]
    #[arg(long, value_name = "DIRECTORY")]
    packages: Option<PathBuf>,

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

    #[arg(long, hide = true, default_value = "")]
    called_from: PathBuf,
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
        let from = |path: &PathBuf| self.called_from.join(path);
        let iso = self.iso.as_ref().map(from);
        if let Some(iso) = &iso {
            // Before anything is made.
            Iso::read(iso)?;
        }
        let directory = self.work.as_ref().map_or_else(|| "target/vm".into(), from);
        fs::create_dir_all(&directory).map_err(Error::io(&directory))?;
        let packages = match &self.packages {
            Some(packages) => from(packages),
            None => make_packages(&directory, self.dry_run)?,
        };
        let has_iso = iso.is_some();
        let settings = Settings {
            iso: iso.unwrap_or_default(),
            directory,
            packages,
            scripts: self.scripts,
            // It is run from the working directory.
            qemu: path::absolute(&self.qemu).map_err(Error::io(&self.qemu))?,
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
            return dry_run::dry_run(&settings, has_iso).map(|()| true);
        }
        run::run(&settings).map(|counts| counts.failed == 0)
    }
}

/// Makes both packages. The same time gives the same packages as long as their sources are the same, so that
/// what is finished stays finished.
fn make_packages(directory: &Path, dry_run: bool) -> Result<PathBuf, Error> {
    let file = directory.join("made");
    if !file.exists() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = now.unwrap_or_default().as_secs();
        fs::write(&file, seconds.to_string()).map_err(Error::io(&file))?;
    }
    let made = fs::read_to_string(&file).map_err(Error::io(&file))?;
    for options in [&[][..], &["--passive"]] {
        let mut command = Command::new("sh");
        command.arg("scripts/package.sh").args(options);
        command.env("SOURCE_DATE_EPOCH", made.trim());
        if dry_run {
            // Nothing outside is made for a try.
            command.env("EDU_KMDF_IDENTITY", directory.join("identity"));
        }
        let status = command.status().map_err(Error::io("scripts/package.sh"))?;
        if !status.success() {
            return Err(Error::Input("there is no package: see above".into()));
        }
    }
    Ok("target/package".into())
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
