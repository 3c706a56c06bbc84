//! The stages, one after the other.

use std::{
    fs::{self, File},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::{
    Error,
    answer_file::{self, Wishes},
    commands::Variant,
    config::Config,
    disk::{empty_disk, room},
    guest::Guest,
    iso::Iso,
    machine::Machine,
    medium::{self, Packages},
    progress::{self, Finished, Progress},
    qemu::Qemu,
    results::report,
    session::Session,
    stage::{Check, STAGES, Stage, Work},
    table::{self, Counts},
    work,
};

/// By how much everything is slower where QEMU has to interpret the processor.
const WITHOUT_KVM: f64 = 10.0;

/// What that means to whoever waits.
const WITHOUT_KVM_WARNING: &str = "   WITHOUT KVM: QEMU interprets the processor; this takes a day rather than hours. Whoever may open
   /dev/kvm has KVM: on most systems the members of the group kvm.";

/// Our medium's file.
pub const MEDIUM: &str = "edu_kmdf.iso";

/// What a run is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Windows' medium.
    pub iso: PathBuf,
    /// The working directory.
    pub directory: PathBuf,
    /// Where the packages are.
    pub packages: PathBuf,
    /// `scripts/windows`.
    pub scripts: PathBuf,
    /// qemu-system-x86_64.
    pub qemu: PathBuf,
    /// xorriso.
    pub xorriso: PathBuf,
    /// For the answer file.
    pub wishes: Wishes,
    /// Memory, in MiB.
    pub memory: u32,
    /// Processors.
    pub processors: u32,
    /// By how much every limit is longer.
    pub patience: f64,
    /// The stage to do again, with those after it.
    pub again: Option<Stage>,
    /// Where the results go for the documentation.
    pub docs: PathBuf,
    /// The sources' revision, for the results.
    pub revision: String,
}

/// Carries out one stage with a guest on a machine. What was found is there even if the stage ended early.
pub fn run_stage(
    stage: Stage,
    inputs: &str,
    port: UnixStream,
    machine: &mut dyn Machine,
    patience: f64,
    tell: &mut dyn FnMut(&Check),
) -> (Finished, Result<(), Error>) {
    let limit = Duration::from_mins(stage.minutes).mul_f64(patience);
    let mut session = Session {
        guest: Guest::new(port),
        machine,
        patience,
        deadline: Instant::now() + limit,
        checks: Vec::new(),
        windows: String::new(),
        tell,
    };
    let result = work::carry_out(stage, &mut session);
    let foreign = session.guest.foreign();
    if foreign > 0 {
        let seen = format!("{foreign} lines on the serial port are none of the guest's scripts'");
        session.note("serial port", None, &seen, 0.0);
    }
    let finished = Finished {
        stage: stage.name.into(),
        inputs: inputs.into(),
        checks: session.checks,
        windows: session.windows,
    };
    (finished, result)
}

/// Shows a check.
pub fn show(check: &Check) {
    match &check.wrong {
        None => println!("   ok      {:<58} {:>7.1} s", check.name, check.seconds),
        Some(why) => println!("   FAILED  {}: {why}", check.name),
    }
}

/// Runs all stages that are not finished, and writes the results.
///
/// # Errors
/// It does not go on; what is finished is kept.
pub fn run(settings: &Settings) -> Result<Counts, Error> {
    let directory = &settings.directory;
    let iso = Iso::read(&settings.iso)?;
    let packages = Packages::below(&settings.packages)?;
    if let Some(package) = packages.without_eductl().first() {
        return Err(Error::Input(format!(
            "there is no {} in the package {}: sh scripts/build-eductl.sh says why",
            medium::EDUCTL,
            package.display()
        )));
    }
    let answer_file = answer_file::fill_in(&settings.wishes)?;
    let inputs = inputs(&iso, &answer_file, &packages, &settings.scripts)?;
    let mut progress = Progress::read(directory)?;
    if let Some(stage) = progress.keep(&inputs, directory) {
        println!("   {stage} and what follows are done again: they were made with something else");
    }
    if let Some(stage) = settings.again {
        progress.finished.truncate(stage.index());
    }
    room(directory, progress.finished.is_empty())?;
    medium::make(
        &settings.xorriso,
        &answer_file,
        &settings.scripts,
        &packages,
        &directory.join(MEDIUM),
    )?;
    println!(
        "   {} ({}, {} MiB)",
        settings.iso.display(),
        iso.label,
        iso.bytes >> 20
    );
    let mut kvm = File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .is_ok();
    while let Some(stage) = STAGES.get(progress.finished.len()).copied() {
        println!("\n== {stage}\n");
        if stage.index() == 0 {
            empty_disk(directory)?;
        }
        let mut qemu = start(settings, stage, &mut kvm)?;
        if !kvm {
            println!("{WITHOUT_KVM_WARNING}");
        }
        println!("   screen  vnc+unix://{}", qemu.screen().display());
        let patience = settings.patience * if kvm { 1.0 } else { WITHOUT_KVM };
        let port = qemu.serial()?;
        qemu.run()?;
        let inputs = &inputs[stage.index()];
        let (finished, result) = run_stage(stage, inputs, port, &mut qemu, patience, &mut show);
        if let Err(error) = result {
            let picture = directory.join(format!("screen-{stage}.png"));
            if qemu.picture(&picture).is_ok() {
                println!("   screen  {}", picture.display());
            }
            println!(
                "   log     {}",
                directory.join(format!("serial-{stage}.log")).display()
            );
            let mut all = progress.finished.clone();
            all.push(finished);
            let text = report(settings, &iso, kvm, &all);
            write(&directory.join("results.md"), &text)?;
            return Err(error);
        }
        progress.finished.push(finished);
        progress.write(directory)?;
    }
    let text = report(settings, &iso, kvm, &progress.finished);
    println!("\n{}", table::markdown(&progress.finished));
    write(&directory.join("results.md"), &text)?;
    write(&settings.docs, &text)?;
    println!("   {}", settings.docs.display());
    Ok(table::count(&progress.finished))
}

/// What each stage is made with.
fn inputs(
    iso: &Iso,
    answer_file: &str,
    packages: &Packages,
    scripts: &Path,
) -> Result<Vec<String>, Error> {
    let mut windows = format!("{iso:?}\n{answer_file}");
    // What stays on the guest's disk. The other scripts are on the medium, which is made anew.
    for name in ["guest/begin.ps1", "guest/launch.ps1"] {
        let file = scripts.join(name);
        windows += &fs::read_to_string(&file).map_err(Error::io(file))?;
    }
    let hashes = [Variant::Normal, Variant::Passive].map(|variant| packages.hash(variant));
    let [normal, passive] = hashes;
    let (normal, passive) = (normal?, passive?);
    let each = STAGES.map(|stage| match stage.work {
        Work::Windows => windows.clone(),
        Work::Install(Variant::Normal) => normal.clone(),
        Work::Install(Variant::Passive) => passive.clone(),
        Work::Verify(_) | Work::Remove(_) => String::new(),
    });
    Ok(progress::chained(&each))
}

/// Starts QEMU for a stage, without KVM where it does not work.
///
/// # Errors
/// QEMU does not start.
pub fn start(settings: &Settings, stage: Stage, kvm: &mut bool) -> Result<Qemu, Error> {
    progress::remove_from(stage, &settings.directory)?;
    let config = |kvm| Config {
        program: settings.qemu.clone(),
        directory: settings.directory.clone(),
        disk: progress::disk_before(stage),
        overlay: progress::overlay(stage),
        iso: settings.iso.clone(),
        medium: MEDIUM.into(),
        memory: settings.memory,
        processors: settings.processors,
        kvm,
        name: stage.name.into(),
    };
    if *kvm {
        match Qemu::start(&config(true)) {
            Err(Error::Qemu(why)) => println!("   KVM does not work here: {why}"),
            other => return other,
        }
        *kvm = false;
        progress::remove_from(stage, &settings.directory)?;
    }
    Qemu::start(&config(false))
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).map_err(Error::io(file))
}
