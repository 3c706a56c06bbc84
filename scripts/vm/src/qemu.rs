//! QEMU: how it is started, and what is done to its machine.

use std::{
    fs::{self, File},
    io,
    os::unix::net::UnixStream,
    path::{self, Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    Error,
    config::{Config, DEVICE, DMA_MASK, SLOT},
    machine::Machine,
    qmp::{Qmp, write_ports},
};

/// The hot-plug controller of a `pc` (QEMU's docs/specs/acpi_pci_hotplug): which bus, and which slot to eject.
const SELECT_BUS: u16 = 0xae10;
const EJECT: u16 = 0xae08;

/// How long QEMU may take to begin, or to end once it is told.
const QUICK: Duration = Duration::from_secs(20);

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

    /// The guest's serial port.
    ///
    /// # Errors
    /// QEMU has ended.
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
        // QEMU runs in the working directory.
        let file = path::absolute(file).map_err(Error::io(file))?;
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
        Err(Error::Qemu("the device cannot be surprise-removed".into()))
    }

    fn plug(&mut self) -> Result<(), Error> {
        let arguments = json!({
            "driver": "edu", "id": DEVICE, "bus": "pci.0", "addr": format!("{SLOT:#x}"),
            "dma_mask": DMA_MASK,
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
