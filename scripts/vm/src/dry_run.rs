//! What can be shown without Windows.

use std::{fs, time::Duration};

use crate::{
    Error, answer_file, disk,
    iso::{self, Iso},
    machine::Machine,
    medium::{self, Packages},
    recorded::{self, Nothing},
    run::{self, MEDIUM, Settings},
    stage::STAGES,
    table::{self, Counts},
};

/// How long a stopped machine is given to let its device go: it cannot.
const STOPPED: Duration = Duration::from_millis(200);

/// Goes as far as it goes without Windows. Without an ISO, one stands in.
///
/// # Errors
/// Something is not right.
pub fn dry_run(settings: &Settings, has_iso: bool) -> Result<(), Error> {
    let directory = settings.directory.join("dry-run");
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(Error::io(&directory))?;
    }
    fs::create_dir_all(&directory).map_err(Error::io(&directory))?;
    let mut settings = Settings {
        directory: directory.clone(),
        ..settings.clone()
    };
    if !has_iso {
        settings.iso = directory.join("stand-in.iso");
        let bytes = iso::stand_in("CCCOMA_X64FRE_EN-US_DV9");
        fs::write(&settings.iso, bytes).map_err(Error::io(&settings.iso))?;
    }
    let iso = Iso::read(&settings.iso)?;
    let what = if has_iso {
        "the ISO"
    } else {
        "a stand-in for the ISO"
    };
    done(&format!("{what}: {}, boots, UDF", iso.label));

    let answer_file = answer_file::fill_in(&settings.wishes)?;
    done("the answer file: well-formed, with all that Setup asks for");

    let packages = Packages::below(&settings.packages)?;
    for package in packages.without_eductl() {
        println!(
            "   LACKING {} in {}: a run would end here",
            medium::EDUCTL,
            package.display()
        );
    }
    let medium = directory.join(MEDIUM);
    medium::make(
        &settings.xorriso,
        &answer_file,
        &settings.scripts,
        &packages,
        &medium,
    )?;
    done("the medium: answer file, guest's scripts, both packages; read again");

    machine(&settings)?;

    let counts = recorded_guest()?;
    done(&format!(
        "a recorded guest, written by hand: {} stages, {} checks passed, {} failed",
        STAGES.len(),
        counts.passed,
        counts.failed
    ));
    println!("   not run: Windows");
    Ok(())
}

fn done(what: &str) {
    println!("   ok      {what}");
}

/// That QEMU takes the command line, and what is asked of it in a run.
fn machine(settings: &Settings) -> Result<(), Error> {
    disk::empty_disk(&settings.directory)?;
    let mut disks = Vec::new();
    // Each stage's disk lies on that of the stage before.
    for stage in STAGES.into_iter().take(2) {
        // A machine that stands still needs no KVM.
        let qemu = run::start(settings, stage, &mut false)?;
        drop(qemu.serial()?);
        disks.push(stage.name);
        qemu.quit()?;
    }
    done(&format!(
        "QEMU takes the command line; disks, each on the one before: {}",
        disks.join(", ")
    ));

    let mut qemu = run::start(settings, STAGES[1], &mut false)?;
    if qemu.device_del(STOPPED)? {
        return Err(Error::Qemu(
            "device_del takes the device without the guest".into(),
        ));
    }
    qemu.pull()?;
    if qemu.device_del(STOPPED).is_ok() {
        return Err(Error::Qemu("a removed device is asked for again".into()));
    }
    qemu.plug()?;
    qemu.pull()?;
    qemu.plug()?;
    qemu.picture(&settings.directory.join("screen.png"))?;
    qemu.quit()?;
    done("edu: device_del waits for the guest; surprise-removed, added again, twice");
    Ok(())
}

/// Has the host run all stages with a guest that was written by hand, and shows the table.
fn recorded_guest() -> Result<Counts, Error> {
    let mut stages = Vec::new();
    for stage in STAGES {
        let lines = recorded::of_stage(recorded::WRITTEN, stage);
        let (host, guest) =
            std::os::unix::net::UnixStream::pair().map_err(Error::io("a socket"))?;
        let player = recorded::play(lines, guest);
        let (finished, result) =
            run::run_stage(stage, "", host, &mut Nothing::default(), 1.0, &mut |_| ());
        let said = player.join().ok().flatten();
        if let Some(said) = said {
            return Err(Error::Protocol(format!("the host says {said}")));
        }
        result?;
        stages.push(finished);
    }
    let table = table::markdown(&stages);
    println!("\n   What a run shows, here of the recorded guest and not of Windows:\n");
    for line in table.lines() {
        println!("   {line}");
    }
    println!();
    Ok(table::count(&stages))
}
