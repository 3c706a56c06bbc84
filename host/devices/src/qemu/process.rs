//! A QEMU of our own: how it is started, and how it ends.

use std::{
    fs::File,
    io,
    os::{
        fd::OwnedFd,
        unix::{fs::FileExt, net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use kmdf_bus::{
    DeviceError,
    memory::{SharedMemory, path_of},
};
use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{
        Resource, Rlimit, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit,
    },
};

use super::find::missing;

/// Size of the firmware image: the least QEMU takes.
const FIRMWARE_BYTES: usize = 64 << 10;

/// Firmware's first instructions, at the reset vector: cli; hlt; jmp back to hlt.
const HALT: [u8; 4] = [0xFA, 0xF4, 0xEB, 0xFD];

/// Where the reset vector is, counted from the end of the image.
const RESET_VECTOR_BYTES: usize = 16;

/// How long a QEMU that closed its connection may take to end by itself.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How many of a dead QEMU's lines are worth repeating. The first ones say why it died.
const LAST_WORDS: usize = 4;

/// The device that a QEMU is started for.
#[derive(Clone, Copy)]
pub(super) struct Device<'a> {
    /// What `-device` takes.
    pub(super) name: &'a str,
    /// Its address on bus 0.
    pub(super) address: &'a str,
    /// What it needs besides: names and values of options in turn.
    pub(super) backends: &'a [String],
}

/// A running QEMU. It ends with this value, and with the thread that started it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// What it writes to its standard error.
    words: File,
    /// Lives as long as QEMU may look at it.
    _firmware: File,
}

impl Process {
    /// Starts QEMU with one device, and gives the connection to it.
    pub(super) fn start(
        program: &Path,
        device: Device<'_>,
        memory: &SharedMemory,
    ) -> Result<(Self, UnixStream), DeviceError> {
        let failed = |error: io::Error| DeviceError::Died {
            during: format!("it was being started as {}", program.display()),
            how: error.to_string(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let words = nameless("what QEMU says").map_err(failed)?;
        let firmware = halting_firmware().map_err(failed)?;
        let below = memory.bytes_with_words() >> 20;
        let megabytes = below + (memory.high_bytes() >> 20);
        // What does not fit below goes on at 4 GiB.
        let split = match memory.high_bytes() {
            0 => String::new(),
            _ => format!(",max-ram-below-4g={below}M"),
        };

        let mut command = Command::new(program);
        command
            // No firmware runs, so the timers of a PC would only be noise on its interrupt pins.
            .arg("-machine")
            .arg(format!("q35,pit=off,hpet=off,memory-backend=ram{split}"))
            .args(["-accel", "tcg", "-display", "none"])
            .args(["-nodefaults", "-no-user-config"])
            .arg("-bios")
            .arg(path_of(&firmware))
            .args(["-m", &format!("{megabytes}M")])
            .arg("-object")
            .arg(format!(
                "memory-backend-file,id=ram,size={megabytes}M,share=on,mem-path={}",
                memory.path().display()
            ))
            .arg("-device")
            .arg(format!(
                "{},bus=pcie.0,addr={}",
                device.name, device.address
            ))
            // What is plugged into the device comes behind it.
            .args(device.backends)
            // The connection is its standard input: nothing in the file system, nothing to wait
            // for, and each side learns at once when the other one ends.
            .args(["-chardev", "socket,id=qtest,fd=0"])
            .args(["-qtest", "chardev:qtest", "-qtest-log", "none"])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::from(words.try_clone().map_err(failed)?));
        let parent = getpid();
        let leash = move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // A QEMU that aborts (old ones do, for a bad DMA) need not leave its memory on disk.
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            setrlimit(Resource::Core, none)?;
            if getppid() == Some(parent) {
                Ok(())
            } else {
                // The parent ended before the leash was on.
                Err(io::ErrorKind::NotConnected.into())
            }
        };
        // SAFETY: between fork and exec only async-signal-safe things may be done: `leash` makes
        // system calls and neither allocates nor takes a lock.
        unsafe { command.pre_exec(leash) };
        let child = command.spawn().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                missing(&program.display().to_string())
            } else {
                failed(error)
            }
        })?;
        let process = Self {
            child,
            words,
            _firmware: firmware,
        };
        Ok((process, ours))
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end of a QEMU that closed its connection, and says how it ended.
    pub(super) fn end(&mut self) -> String {
        let deadline = Instant::now() + END_LIMIT;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status.to_string(),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(1)),
                Ok(None) => {
                    self.kill();
                    break "it closed its connection but did not end".to_owned();
                }
                Err(error) => break error.to_string(),
            }
        };
        match self.last_words() {
            words if words.is_empty() => status,
            words => format!("{status}; it said: {words}"),
        }
    }

    /// Ends it.
    pub(super) fn kill(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn last_words(&self) -> String {
        let mut bytes = vec![0; 4096];
        let count = self.words.read_at(&mut bytes, 0).unwrap_or(0);
        bytes.truncate(count);
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.take(LAST_WORDS).collect::<Vec<_>>().join(" / ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn nameless(what: &str) -> io::Result<File> {
    Ok(File::from(memfd_create(what, MemfdFlags::CLOEXEC)?))
}

/// Firmware that halts the processor at once and for good.
fn halting_firmware() -> io::Result<File> {
    let file = nameless("firmware")?;
    let mut image = vec![0; FIRMWARE_BYTES];
    let vector = FIRMWARE_BYTES - RESET_VECTOR_BYTES;
    image[vector..vector + HALT.len()].copy_from_slice(&HALT);
    file.write_all_at(&image, 0)?;
    Ok(file)
}
