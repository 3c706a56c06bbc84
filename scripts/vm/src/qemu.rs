//! QEMU: the machine, and what is done to it.
//!
//! The machine is a `pc` (i440FX), started by its BIOS:
//!
//! - A BIOS starts Windows' medium without asking for a key where the disk is empty; UEFI's loader always
//!   asks. There is no Secure Boot, which test mode forbids, and no firmware to fetch.
//! - edu is a conventional PCI device. On this machine it sits on the root bus, where PCI devices come and
//!   go by ACPI; a q35 would need a bridge with a hot-plug controller in between.
//!
//! `device_del` only asks: ACPI tells Windows, which refuses while an app has the device open. To pull the
//! device out, the host itself writes the register that Windows' ACPI code would write to let it go. The
//! device is gone at once, and nothing tells Windows. On QEMU the registers of a device that is gone read
//! 0 (those of a real one all ones), its configuration space all ones.

use std::{
    fs::{self, File},
    io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    Error,
    machine::Machine,
    progress::EMPTY_DISK,
    qmp::{Qmp, write_ports},
};

/// Where the device is on bus 0: beyond what QEMU places by itself.
const SLOT: u32 = 0x10;

/// The name of the device.
const DEVICE: &str = "edu0";

/// The hot-plug controller of a `pc` (QEMU's docs/specs/acpi_pci_hotplug): which bus, and which slot to eject.
const SELECT_BUS: u16 = 0xae10;
const EJECT: u16 = 0xae08;

/// How long QEMU may take to begin, or to end once it is told.
const QUICK: Duration = Duration::from_secs(20);

/// What the machine is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// qemu-system-x86_64.
    pub program: PathBuf,
    /// The working directory: the files below are named from there, so that it can be moved.
    pub directory: PathBuf,
    /// The disk to begin with.
    pub disk: String,
    /// What is written goes there; it must not be there.
    pub overlay: String,
    /// Windows' medium.
    pub iso: PathBuf,
    /// Our medium.
    pub medium: String,
    /// Memory, in MiB.
    pub memory: u32,
    /// Processors.
    pub processors: u32,
    /// Whether KVM runs it.
    pub kvm: bool,
    /// The stage, for the names of logs.
    pub name: String,
}

impl Config {
    /// QEMU's arguments, with its sockets in a directory.
    fn arguments(&self, sockets: &Path) -> Vec<String> {
        let socket = |name: &str| sockets.join(name).display().to_string();
        let format = if self.disk == EMPTY_DISK {
            "raw"
        } else {
            "qcow2"
        };
        let path = |path: &Path| path.display().to_string().replace(',', ",,");
        let accelerator = if self.kvm { "kvm" } else { "tcg" };
        let drive = |node: &str, driver: &str, file: &str, more: &str| {
            format!("driver={driver},node-name={node},file.driver=file,file.filename={file}{more}")
        };
        let read_only = ",read-only=on";
        let iso = self.iso.canonicalize().unwrap_or_else(|_| self.iso.clone());
        [
            ("-name", "edu_kmdf".to_owned()),
            ("-nodefaults", String::new()),
            ("-no-user-config", String::new()),
            ("-S", String::new()),
            ("-machine", format!("pc,accel={accelerator}")),
            (
                "-cpu",
                "max,hv-relaxed,hv-vapic,hv-spinlocks=0x1fff,hv-time".into(),
            ),
            ("-smp", self.processors.to_string()),
            ("-m", self.memory.to_string()),
            // The answer file sets UTC.
            ("-rtc", "base=utc".into()),
            ("-device", "VGA".into()),
            ("-display", "none".into()),
            ("-vnc", format!("unix:{}", socket("vnc"))),
            ("-nic", "none".into()),
            ("-device", "ich9-ahci,id=ahci".into()),
            ("-blockdev", drive("disk", format, &self.disk, "")),
            ("-device", "ide-hd,bus=ahci.0,drive=disk,bootindex=0".into()),
            ("-blockdev", drive("iso", "raw", &path(&iso), read_only)),
            ("-device", "ide-cd,bus=ahci.1,drive=iso,bootindex=1".into()),
            ("-blockdev", drive("medium", "raw", &self.medium, read_only)),
            ("-device", "ide-cd,bus=ahci.2,drive=medium".into()),
            (
                "-device",
                format!("edu,id={DEVICE},bus=pci.0,addr={SLOT:#x}"),
            ),
            (
                "-chardev",
                format!(
                    "socket,id=com1,path={},server=on,wait=off,logfile=serial-{}.log",
                    socket("serial"),
                    self.name
                ),
            ),
            ("-serial", "chardev:com1".into()),
            ("-qmp", format!("unix:{},server=on,wait=off", socket("qmp"))),
            (
                "-qtest",
                format!("unix:{},server=on,wait=off", socket("qtest")),
            ),
            ("-qtest-log", "/dev/null".into()),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option.to_owned(), value])
        .filter(|word| !word.is_empty())
        .collect()
    }
}

/// A QEMU that runs. It ends with this value.
pub struct Qemu {
    child: Child,
    qmp: Qmp,
    sockets: TempDir,
    log: PathBuf,
}

impl Qemu {
    /// Starts QEMU; the machine stands still. What it writes goes to the overlay.
    ///
    /// # Errors
    /// It does not start, or refuses its command line.
    pub fn start(config: &Config) -> Result<Self, Error> {
        let sockets = TempDir::new().map_err(Error::io("a directory for sockets"))?;
        let arguments = config.arguments(sockets.path());
        let log = config.directory.join(format!("qemu-{}.log", config.name));
        let said = File::create(&log).map_err(Error::io(&log))?;
        let mut child = Command::new(&config.program)
            .args(&arguments)
            .current_dir(&config.directory)
            .stdin(Stdio::null())
            .stdout(said.try_clone().map_err(Error::io(&log))?)
            .stderr(said)
            .spawn()
            .map_err(Error::io(&config.program))?;
        let qmp = match monitor(&mut child, &sockets.path().join("qmp"), &log) {
            Ok(qmp) => qmp,
            Err(error) => {
                end(&mut child);
                return Err(error);
            }
        };
        let mut qemu = Self {
            child,
            qmp,
            sockets,
            log,
        };
        qemu.qmp.command(
            "blockdev-snapshot-sync",
            &json!({
                "node-name": "disk", "snapshot-node-name": "overlay",
                "snapshot-file": config.overlay, "format": "qcow2",
            }),
        )?;
        Ok(qemu)
    }

    /// Whether KVM runs the machine.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn has_kvm(&mut self) -> Result<bool, Error> {
        let answer = self.qmp.command("query-kvm", &json!({}))?;
        Ok(answer["enabled"] == true)
    }

    /// The guest's serial port.
    ///
    /// # Errors
    /// QEMU is gone.
    pub fn serial(&self) -> Result<UnixStream, Error> {
        let socket = self.sockets.path().join("serial");
        UnixStream::connect(&socket).map_err(Error::io(socket))
    }

    /// Where a VNC viewer sees the screen.
    #[must_use]
    pub fn screen(&self) -> PathBuf {
        self.sockets.path().join("vnc")
    }

    /// Lets the machine run.
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn run(&mut self) -> Result<(), Error> {
        self.qmp.command("cont", &json!({})).map(|_| ())
    }

    /// Takes a picture of the screen (PNG).
    ///
    /// # Errors
    /// QEMU refuses.
    pub fn picture(&mut self, file: &Path) -> Result<(), Error> {
        let arguments = json!({ "filename": file, "format": "png" });
        self.qmp.command("screendump", &arguments).map(|_| ())
    }

    /// Ends QEMU in its own way.
    ///
    /// # Errors
    /// It does not end.
    pub fn quit(mut self) -> Result<(), Error> {
        self.qmp.command("quit", &json!({}))?;
        self.wait_for_end(QUICK)
    }
}

impl Machine for Qemu {
    fn device_del(&mut self, limit: Duration) -> Result<bool, Error> {
        self.qmp.command("device_del", &json!({ "id": DEVICE }))?;
        self.qmp.wait_for("DEVICE_DELETED", DEVICE, limit)
    }

    fn pull(&mut self) -> Result<(), Error> {
        let socket = self.sockets.path().join("qtest");
        write_ports(&socket, &[(SELECT_BUS, 0), (EJECT, 1 << SLOT)])?;
        if self.qmp.wait_for("DEVICE_DELETED", DEVICE, QUICK)? {
            return Ok(());
        }
        Err(Error::Qemu("the device cannot be pulled out".into()))
    }

    fn plug(&mut self) -> Result<(), Error> {
        let arguments = json!({
            "driver": "edu", "id": DEVICE, "bus": "pci.0", "addr": format!("{SLOT:#x}"),
        });
        self.qmp.command("device_add", &arguments).map(|_| ())
    }

    fn wait_for_end(&mut self, limit: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    let said = fs::read_to_string(&self.log).unwrap_or_default();
                    return Err(Error::Qemu(format!("{status}: {}", said.trim())));
                }
                Ok(None) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(50));
                }
                Ok(None) => {
                    let what = "shutting down".to_owned();
                    return Err(Error::TimeLimit { what, limit });
                }
                Err(error) => return Err(Error::io("QEMU")(error)),
            }
        }
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Ends a process that may have ended. Nothing can be done about one that does not.
fn end(child: &mut Child) {
    let _: io::Result<()> = child.kill();
    let _: io::Result<_> = child.wait();
}

/// Connects to a QEMU that begins, or says why it ended.
fn monitor(child: &mut Child, socket: &Path, log: &Path) -> Result<Qmp, Error> {
    let deadline = Instant::now() + QUICK;
    loop {
        if let Ok(qmp) = Qmp::connect(socket) {
            return Ok(qmp);
        }
        let ended = child.try_wait().map_err(Error::io("QEMU"))?;
        if ended.is_some() || Instant::now() >= deadline {
            let said = fs::read_to_string(log).unwrap_or_default();
            return Err(Error::Qemu(format!("it does not start: {}", said.trim())));
        }
        thread::sleep(Duration::from_millis(20));
    }
}
