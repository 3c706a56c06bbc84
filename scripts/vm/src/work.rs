//! What is done in each stage.

use std::time::Duration;

use crate::{
    Error, answers,
    answers::Run,
    commands::{COMMANDS, LOAD, REMOVED, Variant, wrong_exit},
    guest::Request,
    session::{Session, eductl, words},
    stage::{Stage, Work},
};

/// How long Windows may take to start, on KVM.
const START: Duration = Duration::from_mins(15);

/// How long `device_del` may take, where nothing holds the device.
const EJECT: Duration = Duration::from_mins(1);

/// How long it is given where an app has the device open: Windows may refuse.
const REFUSE: Duration = Duration::from_secs(15);

/// How long the load runs before the device goes.
const UNDER_LOAD: Duration = Duration::from_secs(3);

/// How long the app may take to notice that the device was removed.
const END_OF_LOAD_SECONDS: u64 = 60;

/// How often the device is surprise-removed under load.
const PULLS: usize = 3;

/// Carries a stage out.
///
/// # Errors
/// It cannot go on. Checks that fail are noted, and are no errors.
pub fn carry_out(stage: Stage, session: &mut Session) -> Result<(), Error> {
    match stage.work {
        Work::Windows => {
            session.hello("installation", Duration::from_mins(stage.minutes))?;
        }
        Work::Install(variant) => {
            session.hello("start", START)?;
            install(variant, session)?;
            use_it(variant, session)?;
        }
        Work::Verify(variant) => {
            session.hello("start", START)?;
            if !session.script(variant, "verifier-on.ps1")? {
                return Err(cannot("the verifiers are not on"));
            }
            session.restart()?;
            verifies(session)?;
            started(session)?;
            use_it(variant, session)?;
            session.script(variant, "verifier-report.ps1")?;
        }
        Work::Remove(variant) => {
            session.hello("start", START)?;
            started(session)?;
            eject(variant, session)?;
            for number in 1..=PULLS {
                pull(variant, session, number)?;
            }
            session.script(variant, "verifier-report.ps1")?;
        }
    }
    session.shutdown()
}

fn cannot(why: &str) -> Error {
    Error::CannotGoOn(why.to_owned())
}

fn install(variant: Variant, session: &mut Session) -> Result<(), Error> {
    if variant == Variant::Passive {
        session.script(variant, "verifier-off.ps1")?;
        session.restart()?;
    }
    let installed = session.script(variant, "install.ps1")?;
    let runs = session.devices("device started", true)?;
    let run = session.run("pnputil.exe", "/enum-devices /problem", 60)?;
    let has = run.output.contains("VEN_1234&DEV_11E8");
    let wrong = has.then(|| format!("it lists the device: {}", run.last_words()));
    session.note("pnputil: no problem code", wrong, "", run.seconds);
    if installed && runs {
        return Ok(());
    }
    Err(cannot("the driver is not installed"))
}

/// That Driver Verifier has the driver among those it watches.
fn verifies(session: &mut Session) -> Result<(), Error> {
    let run = session.run("verifier.exe", "/querysettings", 60)?;
    let missing: Vec<_> = ["edu_kmdf.sys", "wdf01000.sys"]
        .into_iter()
        .filter(|name| !run.output.to_lowercase().contains(name))
        .collect();
    let wrong = (!missing.is_empty())
        .then(|| format!("it does not watch {missing:?}: {}", run.last_words()));
    session.note("Driver Verifier is on", wrong, "", run.seconds);
    Ok(())
}

fn use_it(variant: Variant, session: &mut Session) -> Result<(), Error> {
    for command in COMMANDS {
        session.eductl(variant, command.arguments)?;
    }
    Ok(())
}

fn started(session: &mut Session) -> Result<(), Error> {
    if session.devices("device started", true)? {
        return Ok(());
    }
    Err(cannot("the device is not started"))
}

/// The device is taken away in the way that Windows is asked about, with no app on it.
fn eject(variant: Variant, session: &mut Session) -> Result<(), Error> {
    let removed = session
        .machine
        .device_del(EJECT.mul_f64(session.patience))?;
    let wrong = (!removed).then(|| "Windows did not let it go".to_owned());
    session.note("device_del, no app on it", wrong, "", 0.0);
    if !removed {
        session.machine.pull()?;
        session.run("pnputil.exe", "/scan-devices", 120)?;
    }
    comes_back(variant, session)
}

/// The device is surprise-removed under load. The first time Windows is asked before, and may refuse, for an
/// app has the device open.
fn pull(variant: Variant, session: &mut Session, number: usize) -> Result<(), Error> {
    let name = format!("surprise-removed under load, {number}");
    let load = Request::Start {
        file: eductl(variant),
        arguments: words(LOAD),
    };
    session.ask(&load, Duration::from_mins(1))?;
    session.pause(UNDER_LOAD);
    let asked = number == 1;
    let let_go = asked
        && session
            .machine
            .device_del(REFUSE.mul_f64(session.patience))?;
    if !let_go {
        session.machine.pull()?;
    }
    let seen = match (asked, let_go) {
        (true, true) => "device_del: Windows let it go",
        (true, false) => "device_del: Windows kept it, then pulled",
        (false, _) => "",
    };
    // Nothing tells Windows: it finds out when it looks.
    session.run("pnputil.exe", "/scan-devices", 120)?;
    let finish = Request::Finish {
        seconds: END_OF_LOAD_SECONDS,
    };
    let limit = Duration::from_secs(2 * END_OF_LOAD_SECONDS);
    let run: Run = answers::read(session.ask(&finish, limit)?)?;
    let wrong = wrong_exit(&run, REMOVED, END_OF_LOAD_SECONDS);
    session.note(&name, wrong, seen, run.seconds);
    comes_back(variant, session)
}

/// Windows sees the device go, and starts it when it is there again.
fn comes_back(variant: Variant, session: &mut Session) -> Result<(), Error> {
    if !session.devices("device removed", false)? {
        return Err(cannot("Windows does not see the device go"));
    }
    session.machine.plug()?;
    started(session)?;
    session.eductl(variant, "info --json")?;
    session.eductl(variant, "factorial 12 --json")
}
