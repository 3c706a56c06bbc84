//! The machine, as QEMU's command line.
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
//! device is removed at once, and nothing tells Windows. On QEMU the registers of a removed device read
//! 0 (those of a real one all ones), its configuration space all ones.

use std::path::{Path, PathBuf};

use crate::progress::EMPTY_DISK;

/// Where the device is on bus 0: beyond what QEMU places by itself.
pub const SLOT: u32 = 0x10;

/// What the device reaches. The driver asks for memory below 256 MiB unless DmaAddressBits says that it may
/// be elsewhere; with this it may say so.
pub const DMA_MASK: u32 = 0xffff_ffff;

/// The name of the device.
pub const DEVICE: &str = "edu0";

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
    #[must_use]
    pub fn arguments(&self, sockets: &Path) -> Vec<String> {
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
                format!("edu,id={DEVICE},bus=pci.0,addr={SLOT:#x},dma_mask={DMA_MASK:#x}"),
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
