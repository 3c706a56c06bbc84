//! A stage being carried out: guest, machine, and what was found.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    Error,
    answers::{self, Crashes, Device, Run},
    commands::{COMMANDS, Variant, wrong_exit},
    guest::{Guest, Hello, Request},
    machine::Machine,
    stage::Check,
};

/// How long Windows may take to restart, on KVM.
const RESTART: Duration = Duration::from_mins(15);

/// How long Windows may take to start or to remove a device.
const PNP: Duration = Duration::from_mins(2);

/// How long the guest's scripts may take for themselves.
const ANSWER: Duration = Duration::from_mins(1);

/// How long PowerShell scripts of the package may take.
const SCRIPT_SECONDS: u64 = 600;

/// A stage being carried out.
pub struct Session<'a> {
    /// The guest.
    pub guest: Guest,
    /// The machine it runs on.
    pub machine: &'a mut dyn Machine,
    /// By how much every limit is longer.
    pub patience: f64,
    /// When the stage must be over.
    pub deadline: Instant,
    /// What was found.
    pub checks: Vec<Check>,
    /// Which Windows.
    pub windows: String,
    /// Called with every check.
    pub tell: &'a mut dyn FnMut(&Check),
}

impl Session<'_> {
    /// A time limit on this machine, and within the stage's.
    fn limit(&self, limit: Duration) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        limit.mul_f64(self.patience).min(left)
    }

    /// Waits.
    pub fn pause(&mut self, time: Duration) {
        let time = self.limit(time);
        self.machine.pause(time);
    }

    /// Notes a check.
    pub fn note(&mut self, name: &str, wrong: Option<String>, seen: &str, seconds: f64) {
        let check = Check {
            name: name.into(),
            wrong,
            seen: seen.into(),
            seconds: (seconds * 10.0).round() / 10.0,
        };
        (self.tell)(&check);
        self.checks.push(check);
    }

    /// Waits for Windows: for its installation in the first stage, else for its start.
    ///
    /// # Errors
    /// It does not come, or without test mode.
    pub fn hello(&mut self, name: &str, limit: Duration) -> Result<(), Error> {
        let began = Instant::now();
        let hello = self.guest.hello(self.limit(limit))?;
        let Hello {
            windows, test_mode, ..
        } = hello;
        let wrong = (!test_mode).then(|| "Windows is not in test mode".to_owned());
        let ok = wrong.is_none();
        self.note(name, wrong, &windows, began.elapsed().as_secs_f64());
        self.windows = windows;
        if !ok {
            return Err(Error::CannotGoOn(
                "Windows is not in test mode: bcdedit did not do it".into(),
            ));
        }
        self.crashes()
    }

    /// Asks the guest. A restart in between is a bug check, or looks like one: it is noted.
    ///
    /// # Errors
    /// As of [`Guest::ask`].
    pub fn ask(&mut self, request: &Request, limit: Duration) -> Result<Value, Error> {
        let limit = self.limit(limit);
        let answer = self.guest.ask(request, limit);
        if let Err(Error::Restarted(asked)) = &answer {
            let limit = self.limit(ANSWER);
            let crashes = self.guest.ask(&Request::Crashes, limit)?;
            let crashes: Crashes = answers::read(crashes)?;
            self.note("no bug check", Some(described(&crashes, asked)), "", 0.0);
        }
        answer
    }

    /// Runs a program in Windows.
    ///
    /// # Errors
    /// As of [`Guest::ask`].
    pub fn run(&mut self, file: &str, arguments: &str, seconds: u64) -> Result<Run, Error> {
        // Longer than the guest waits itself.
        let limit = Duration::from_secs(seconds) + ANSWER;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "hours, in seconds"
        )]
        let seconds = (seconds as f64 * self.patience).ceil() as u64;
        let request = Request::Run {
            file: file.into(),
            arguments: words(arguments),
            seconds,
        };
        answers::read(self.ask(&request, limit)?)
    }

    /// Runs a script of a package, which must succeed.
    ///
    /// # Errors
    /// As of [`Guest::ask`].
    pub fn script(&mut self, variant: Variant, name: &str) -> Result<bool, Error> {
        let file = format!("{}\\{name}", on_medium(variant));
        let run = self.run(&file, "", SCRIPT_SECONDS)?;
        let wrong = wrong_exit(&run, 0, SCRIPT_SECONDS);
        let ok = wrong.is_none();
        self.note(name, wrong, "", run.seconds);
        Ok(ok)
    }

    /// Runs eductl, and says what is wrong.
    ///
    /// # Errors
    /// As of [`Guest::ask`].
    pub fn eductl(&mut self, variant: Variant, command: &str) -> Result<(), Error> {
        for known in COMMANDS.iter().filter(|known| known.arguments == command) {
            let file = eductl(variant);
            let run = self.run(&file, known.arguments, known.seconds)?;
            let wrong = known.wrong(&run, variant);
            let name = known.arguments.trim_end_matches(" --json");
            self.note(&format!("eductl {name}"), wrong, "", run.seconds);
        }
        Ok(())
    }

    /// Waits until the devices are as they must be: one, driven by our driver, or none.
    ///
    /// # Errors
    /// As of [`Guest::ask`].
    pub fn devices(&mut self, name: &str, there: bool) -> Result<bool, Error> {
        let began = Instant::now();
        let limit = self.limit(PNP);
        loop {
            let devices: Vec<Device> = answers::read(self.ask(&Request::Devices, ANSWER)?)?;
            let right = match devices.as_slice() {
                [] => !there,
                [device] => there && device.runs(),
                _ => false,
            };
            if right || began.elapsed() >= limit {
                let seen: Vec<_> = devices.iter().map(shown).collect();
                let seen = seen.join("; ");
                let wrong = (!right).then(|| match seen.as_str() {
                    "" => "there is no device".to_owned(),
                    seen => format!("the device: {seen}"),
                });
                self.note(name, wrong, &seen, began.elapsed().as_secs_f64());
                return Ok(right);
            }
            self.pause(Duration::from_secs(2));
        }
    }

    /// Notes whether there was a bug check since Windows was installed.
    ///
    /// # Errors
    /// There was: nothing after it means anything.
    pub fn crashes(&mut self) -> Result<(), Error> {
        let crashes: Crashes = answers::read(self.ask(&Request::Crashes, ANSWER)?)?;
        let wrong = crashes.any().then(|| described(&crashes, "a restart"));
        let ok = wrong.is_none();
        self.note("no bug check", wrong, "", 0.0);
        if ok {
            return Ok(());
        }
        Err(Error::CannotGoOn("there was a bug check".into()))
    }

    /// Restarts Windows.
    ///
    /// # Errors
    /// It does not come back.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.ask(&Request::Restart, ANSWER)?;
        self.hello("restart", RESTART)
    }

    /// Shuts Windows down, and QEMU with it.
    ///
    /// # Errors
    /// It does not end.
    pub fn shutdown(&mut self) -> Result<(), Error> {
        self.crashes()?;
        self.ask(&Request::Shutdown, ANSWER)?;
        let limit = self.limit(RESTART);
        self.machine.wait_for_end(limit)
    }
}

/// Where a package is on the medium.
fn on_medium(variant: Variant) -> String {
    format!("\\edu_kmdf\\{}", variant.name())
}

/// eductl on the medium.
#[must_use]
pub fn eductl(variant: Variant) -> String {
    on_medium(variant) + "\\eductl.exe"
}

/// The words of a command line; none of ours has a space in it.
#[must_use]
pub fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(Into::into).collect()
}

fn shown(device: &Device) -> String {
    let Device {
        instance,
        status,
        problem,
        service,
        version,
    } = device;
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
    format!(
        "{instance}: {status}, problem code {}, service {}, driver {}",
        problem.unwrap_or(0),
        or_none(service),
        or_none(version)
    )
}

fn described(crashes: &Crashes, asked: &str) -> String {
    if crashes.any() {
        let what: Vec<_> = crashes.events.iter().chain(&crashes.dumps).collect();
        format!("during {asked}: {what:?}")
    } else {
        format!("Windows restarted by itself during {asked}, without a dump")
    }
}
