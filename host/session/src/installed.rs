//! Which devices the driver is installed for, and which interrupts they get.

use kmdf_framework::{Grant, Host};
use kmdf_install::{Inf, Installation, Platform};

use super::BootError;

/// Which interrupts a device is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interrupts {
    /// As PnP would: messages if the INF asks for them and the device has them, else its line.
    #[default]
    AsInstalled,
    /// The line, as after a rebalance that left no messages.
    Line,
    /// Exactly one message, as when PnP cannot grant all.
    OneMessage,
}

/// A device that the driver was installed for.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The slot of its function.
    pub slot: usize,
    /// What the INF did for it.
    pub installation: Installation,
    /// Its interrupts.
    pub grant: Grant,
    pub(super) added: bool,
}

/// Finds the devices that the INF names, and what it wants for each.
pub(super) fn install(
    host: &Host,
    inf: &Inf,
    interrupts: Interrupts,
) -> Result<Vec<Installed>, BootError> {
    let mut installed = Vec::new();
    let mut refused = None;
    for (slot, function) in host.slots.iter().enumerate() {
        let ids = host.device_ids(slot);
        match Installation::plan(inf, &ids, &Platform::default()) {
            Ok(installation) => {
                let messages = installation
                    .msi
                    .map_or(0, |msi| msi.limit.unwrap_or(u32::MAX));
                let identity = &function.identity;
                let silent = identity.most_messages() == 0 && !identity.interrupt_pin;
                let grant = match interrupts {
                    _ if silent => Grant::None,
                    Interrupts::Line => Grant::Line,
                    Interrupts::AsInstalled if messages == 0 => Grant::Line,
                    Interrupts::AsInstalled => Grant::Messages(messages),
                    Interrupts::OneMessage => Grant::Messages(messages.min(1)),
                };
                installed.push(Installed {
                    slot,
                    installation,
                    grant,
                    added: false,
                });
            }
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if installed.is_empty() => Err(error.into()),
        None if installed.is_empty() => Err(BootError::NoDevice),
        _ => Ok(installed),
    }
}
