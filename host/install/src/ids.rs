//! The identifiers by which a device finds its driver.

use kmdf_bus::Identity;

/// A device's identifiers, each list the most specific first. They compare without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceIds {
    /// Hardware ids: what the device is.
    pub hardware: Vec<String>,
    /// Compatible ids: what it can be driven as.
    pub compatible: Vec<String>,
}

impl DeviceIds {
    /// The identifiers that the PCI bus driver gives a function.
    #[must_use]
    pub fn of_pci(identity: &Identity) -> Self {
        let Identity {
            vendor,
            device,
            subsystem_vendor,
            subsystem,
            revision,
            class,
            ..
        } = identity;
        let class = class & 0x00ff_ffff;
        let vendor_only = format!("PCI\\VEN_{vendor:04X}");
        let function = format!("{vendor_only}&DEV_{device:04X}");
        let board = format!("{function}&SUBSYS_{subsystem:04X}{subsystem_vendor:04X}");
        let revision = format!("&REV_{revision:02X}");
        let interface = format!("CC_{class:06X}");
        let subclass = format!("CC_{:04X}", class >> 8);
        Self {
            hardware: vec![
                format!("{board}{revision}"),
                board,
                format!("{function}&{interface}"),
                format!("{function}&{subclass}"),
            ],
            compatible: vec![
                format!("{function}{revision}"),
                function,
                format!("{vendor_only}&{interface}"),
                format!("{vendor_only}&{subclass}"),
                vendor_only,
                format!("PCI\\{interface}"),
                format!("PCI\\{subclass}"),
            ],
        }
    }

    /// The identifiers of a device that the root enumerates: the one it was installed with.
    #[must_use]
    pub fn of_root(id: &str) -> Self {
        Self {
            hardware: vec![id.to_owned()],
            compatible: Vec::new(),
        }
    }

    /// All identifiers, the most specific first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.hardware
            .iter()
            .chain(&self.compatible)
            .map(String::as_str)
    }
}
