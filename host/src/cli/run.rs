//! `run`: installs and loads the driver, starts the device, runs a program against it, and removes everything.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use clap::Args;
use kmdf_bus::PciFunction;
use kmdf_devices::trace::{Recorded, Recording};
use kmdf_host_client::SOCKET_VARIABLE;
use kmdf_install::User;
use kmdf_machine::{Checks, Parts as Machine, Record, Report, Schedule, Stop, strategy};
use kmdf_session::{BootError, Driver, Package, Server, Session};

use super::{
    Devices, Exit,
    machine::{Granted, NoDevice, make_device},
    number,
    pictures::{Pictures, Records},
    registry::Registry,
    transcript,
};

/// How many events a report can look back on.
const EVENT_LIMIT: usize = 1000;

/// The arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The driver's image, a .sys file for x64
    #[arg(long, value_name = "FILE.sys")]
    driver: PathBuf,
    /// The INF or INX to install it from; without it the driver is started as a service that creates
    /// its own devices
    #[arg(long, value_name = "FILE.inx", requires = "device")]
    inf: Option<PathBuf>,
    /// The PDB of the image [default: the one beside the image, if there is one]
    #[arg(long, value_name = "FILE.pdb")]
    pdb: Option<PathBuf>,
    /// A device of the machine (repeat for more); see below
    #[arg(long, value_name = "DEVICE")]
    device: Vec<String>,
    /// Connect the interrupt pins of all devices to one line
    #[arg(long)]
    shared_line: bool,
    /// Which interrupts PnP grants
    #[arg(long, value_enum, default_value_t)]
    interrupts: Granted,
    /// Leave no physical memory free below this address
    #[arg(long, value_name = "ADDRESS", default_value = "0", value_parser = number)]
    free_memory_from: u64,
    #[command(flatten)]
    registry: Registry,
    /// The user whose apps open the device; the INF's security descriptor decides what they may do
    #[arg(long, value_enum, default_value_t)]
    user: User,
    /// Number of processors
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    processors: u32,
    /// Draw scheduling decisions from this seed [default: the simplest order]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Socket through which apps reach the driver [default: a new path]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Write each device's register trace to DIRECTORY/N.trace
    #[arg(long, value_name = "DIRECTORY")]
    register_trace: Option<PathBuf>,
    /// Print every event as it happens
    #[arg(long)]
    events: bool,
    #[command(flatten)]
    pictures: Pictures,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// A program to run against the driver, with its arguments. Without one, apps can use the driver
    /// until this process gets SIGINT or SIGTERM
    #[arg(last = true)]
    program: Vec<String>,
}

impl Run {
    pub(super) fn run(self, devices: &dyn Devices) -> Exit {
        let mut recordings = Vec::new();
        let records = Records::default();
        let exit = match self.session(devices, &mut recordings, &records) {
            Ok(exit) => exit,
            Err(failure) => {
                let replay = failure
                    .exit()
                    .is_of_the_run()
                    .then(|| super::command_line(std::env::args()));
                transcript::failure(&failure, replay.as_deref(), self.json);
                failure.exit()
            }
        };
        // Where the file lies is the machine's own affair: a picture is the same everywhere.
        let driver = self.driver.file_name().unwrap_or(self.driver.as_os_str());
        let title = format!("{} on {}", driver.display(), self.device.join(", "));
        let written = self.write_traces(devices, &recordings).and_then(|()| {
            self.pictures
                .write(&title, &records, devices.register_names())
        });
        match written {
            Ok(()) => exit,
            Err(failure) => {
                transcript::failure(&failure, None, self.json);
                failure.exit()
            }
        }
    }

    fn session(
        &self,
        devices: &dyn Devices,
        recordings: &mut Vec<Recording>,
        records: &Records,
    ) -> Result<Exit, Failure> {
        let machine = self.machine(devices, recordings, records)?;
        let package = match &self.inf {
            Some(inf) => Package::read(&Driver {
                image: self.driver.clone(),
                symbols: self.pdb.clone(),
                inf: inf.clone(),
            })?,
            None => Package::without_inf(&self.driver, self.pdb.as_deref())?,
        };
        let directory = tempfile::tempdir().map_err(|error| Failure::file("a directory", error))?;
        let socket = self
            .socket
            .clone()
            .unwrap_or_else(|| directory.path().join("socket"));
        let package = package.with_registry(&self.registry.values());
        let session = Session::boot_package(&package, machine, self.interrupts.into())?;
        session.host().set_user(self.user);
        transcript::started(&session, &self.driver, self.inf.as_deref(), self.json);
        let mut server = Server::bind(&socket)
            .map_err(|error| Failure::file(&socket.display().to_string(), error))?;
        let program = self.serve(&session, &mut server)?;
        drop(server);
        let summary = session.shut_down().map_err(BootError::from)?;
        transcript::ended(&summary, program, self.json);
        Ok(if program.is_some_and(|status| !status.success()) {
            Exit::CommandFailed
        } else {
            Exit::Success
        })
    }

    fn machine(
        &self,
        devices: &dyn Devices,
        recordings: &mut Vec<Recording>,
        records: &Records,
    ) -> Result<Machine, Failure> {
        let mut functions: Vec<Box<dyn PciFunction>> = Vec::new();
        for spec in &self.device {
            let function = make_device(spec, devices)?;
            if self.register_trace.is_some() {
                let (recorded, recording) = Recorded::new(function);
                functions.push(Box::new(recorded));
                recordings.push(recording);
            } else {
                functions.push(function);
            }
        }
        Ok(Machine {
            processors: self.processors,
            shared_lines: Machine::lines(functions.len(), self.shared_line),
            functions,
            strategy: strategy(self.seed, Schedule::default()),
            event_limit: EVENT_LIMIT,
            observer: self.pictures.observer(
                records,
                self.events
                    .then(|| Box::new(|record: &Record| eprintln!("{record}")) as _),
            ),
            checks: Checks::All,
            free_memory_from: self.free_memory_from,
        })
    }

    /// Serves the program until it ends, or whoever comes until a signal does.
    fn serve(&self, session: &Session, server: &mut Server) -> Result<Option<ExitStatus>, Failure> {
        let Some((name, arguments)) = self.program.split_first() else {
            let signals = signals().map_err(|error| Failure::file("signal handlers", error))?;
            transcript::serving(server.path(), self.json);
            session
                .serve(server, || {
                    signals.load(std::sync::atomic::Ordering::Relaxed)
                })
                .map_err(BootError::from)?;
            server.goodbye("the host was asked to end");
            return Ok(None);
        };
        let mut child = Command::new(name)
            .args(arguments)
            .env(SOCKET_VARIABLE, server.path())
            .spawn()
            .map_err(|error| Failure::file(name, error))?;
        let outcome = session.serve(server, || matches!(child.try_wait(), Ok(Some(_)) | Err(_)));
        let status = finish(&mut child);
        outcome.map_err(BootError::from)?;
        Ok(Some(status.map_err(|error| Failure::file(name, error))?))
    }

    fn write_traces(&self, devices: &dyn Devices, recordings: &[Recording]) -> Result<(), Failure> {
        let Some(directory) = &self.register_trace else {
            return Ok(());
        };
        let failed = |error| Failure::file(&directory.display().to_string(), error);
        fs::create_dir_all(directory).map_err(failed)?;
        for (index, recording) in recordings.iter().enumerate() {
            let text = recording
                .trace()
                .with_names(devices.register_names())
                .to_string();
            fs::write(directory.join(format!("{index}.trace")), text).map_err(failed)?;
        }
        Ok(())
    }
}

/// Waits for a program whose driver is gone: it has been told, and gets a moment to say so.
fn finish(child: &mut Child) -> std::io::Result<ExitStatus> {
    const TURNS: u32 = 200;
    const TURN: Duration = Duration::from_millis(10);
    for _ in 0..TURNS {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(TURN);
    }
    child.kill()?;
    child.wait()
}

/// A flag that SIGINT and SIGTERM set.
fn signals() -> std::io::Result<std::sync::Arc<std::sync::atomic::AtomicBool>> {
    let flag = std::sync::Arc::default();
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, std::sync::Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// Why `run` failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error(transparent)]
    Device(#[from] NoDevice),
    #[error("{what}: {error}")]
    File { what: String, error: std::io::Error },
}

impl Failure {
    pub(super) fn file(what: &str, error: std::io::Error) -> Self {
        Self::File {
            what: what.to_owned(),
            error,
        }
    }

    /// The report that the run ended with, if it did with one.
    pub(super) fn report(&self) -> Option<&Report> {
        match self {
            Self::Boot(BootError::Stopped(Stop::BugCheck(report) | Stop::Unsupported(report))) => {
                Some(report)
            }
            _ => None,
        }
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Device(NoDevice::Failed(_)) => Exit::DeviceFailed,
            Self::Device(NoDevice::Unknown(_)) => Exit::Usage,
            Self::File { .. } => Exit::BadInput,
            Self::Boot(error) => match error {
                BootError::Refused { .. } => Exit::DriverFailed,
                BootError::NoDevice => Exit::Usage,
                BootError::Stopped(Stop::BugCheck(_)) => Exit::BugCheck,
                BootError::Stopped(Stop::Unsupported(_)) => Exit::NotPlayed,
                BootError::Stopped(Stop::Device(_)) => Exit::DeviceFailed,
                BootError::Stopped(Stop::Stuck(_)) => Exit::Stuck,
                _ => Exit::BadInput,
            },
        }
    }
}
