//! The devices of a machine and its interrupts, as a command line names them.

use clap::ValueEnum;
use kmdf_bus::{DeviceError, PciFunction, RootDevice};
use kmdf_devices::qemu::{Qemu, QemuOptions};
use kmdf_session::Interrupts;

use super::Devices;

/// The devices that every program offers.
pub(super) const OWN_HELP: &str =
    "  qemu:DEVICE        a device of QEMU, written as for QEMU's -device option (qemu:edu), followed by the
                     options it needs: 'qemu:virtio-rng-pci,rng=r -object rng-builtin,id=r'
  root:ID            a root-enumerated device without hardware (root:ROOT\\ECHO)\n";

/// Which interrupts PnP grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Granted {
    /// As PnP does: messages if the INF asks for them and the device has them, otherwise the line
    #[default]
    Auto,
    /// The line
    Line,
    /// Exactly one message
    OneMessage,
}

impl From<Granted> for Interrupts {
    fn from(granted: Granted) -> Self {
        match granted {
            Granted::Auto => Self::AsInstalled,
            Granted::Line => Self::Line,
            Granted::OneMessage => Self::OneMessage,
        }
    }
}

/// Why there is no such device.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDevice {
    #[error("{0}: no such kind of device; `run --help` lists them")]
    Unknown(String),
    #[error(transparent)]
    Failed(#[from] DeviceError),
}

/// Makes the device that an option describes.
pub(super) fn make_device(
    spec: &str,
    devices: &dyn Devices,
) -> Result<Box<dyn PciFunction>, NoDevice> {
    if let Some(device) = spec.strip_prefix("qemu:") {
        let qemu = Qemu::start(QemuOptions::new(device))?;
        return Ok(Box::new(qemu));
    }
    if let Some(id) = spec.strip_prefix("root:") {
        return Ok(Box::new(RootDevice::new(id)));
    }
    match devices.make(spec) {
        Some(device) => Ok(device?),
        None => Err(NoDevice::Unknown(spec.to_owned())),
    }
}
