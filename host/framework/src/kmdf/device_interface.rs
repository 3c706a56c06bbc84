//! How apps find a device: its interfaces and its symbolic links.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE,
        STATUS_OBJECT_NAME_COLLISION, STATUS_OBJECT_NAME_NOT_FOUND,
    },
    types::{GUID, UNICODE_STRING},
};
use kmdf_machine::{Event, cpu::stub::Call};
use kmdf_rules::rules;

use super::{device::Device, string::WdfString};
use crate::host::{Host, services};

/// A device interface: what apps open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// Its class, as the 16 bytes of a GUID.
    pub(crate) class: [u8; 16],
    /// What tells it from others of its class and device; empty without one.
    pub(crate) reference: String,
    /// Whether it can be opened, which it can at a started device only.
    pub(crate) enabled: bool,
    /// Whether it is to be enabled, once its device is started.
    state: bool,
    /// Whether the first start enables it.
    automatic: bool,
}

impl Interface {
    /// Whether a class and a reference string name it.
    fn is(&self, (class, reference): &([u8; 16], String)) -> bool {
        self.class == *class && self.reference == *reference
    }

    /// Its device is started: what is to happen at the first start does so now.
    pub(crate) fn start(&mut self) {
        self.state |= std::mem::take(&mut self.automatic);
        self.enabled = self.state;
    }

    /// The name that it has in the object manager, for a device whose links begin so.
    fn link(&self, device: &str) -> String {
        let (guid, file) = (guid_text(&self.class), self.file_name());
        format!(r"\??\{device}#{guid}{file}")
    }

    /// The name of the file that opening it opens: what follows the device's own name.
    pub(crate) fn file_name(&self) -> String {
        if self.reference.is_empty() {
            String::new()
        } else {
            format!(r"\{}", self.reference)
        }
    }
}

services! {
    WdfDeviceCreateDeviceInterface <= PASSIVE => create;
    WdfDeviceSetDeviceInterfaceState <= PASSIVE => set_state;
    WdfDeviceSetDeviceInterfaceStateEx <= PASSIVE => set_state_ex;
    WdfDeviceRetrieveDeviceInterfaceString <= PASSIVE => retrieve;
    WdfDeviceCreateSymbolicLink <= PASSIVE => create_link;
}

/// The class and the reference string that a call names.
fn named(host: &Host, call: &Call) -> Result<([u8; size_of::<GUID>()], String), NtStatus> {
    let class = host.memory.read(call.arg(1));
    let reference = match call.arg(2) {
        0 => String::new(),
        text => host.valid_text_at(text)?,
    };
    Ok((class, reference))
}

/// WdfDeviceCreateDeviceInterface(Device, InterfaceClassGUID, ReferenceString): the first start enables
/// it. When that has been, the driver has to.
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let (class, reference) = named(host, call)?;
    // The separators are IoRegisterDeviceInterface's to refuse.
    if device.is_control() || reference.contains(['\\', '/']) {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    device.interfaces.borrow_mut().push(Interface {
        class,
        reference,
        enabled: false,
        state: false,
        automatic: true,
    });
    Ok(())
}

/// WdfDeviceSetDeviceInterfaceState(Device, InterfaceClassGUID, ReferenceString, IsInterfaceEnabled):
/// the first start enables the interface all the same.
fn set_state(host: &Host, call: &Call) {
    change_state(host, call, "WdfDeviceSetDeviceInterfaceState", false);
}

/// WdfDeviceSetDeviceInterfaceStateEx: the same, and the first start changes nothing any more.
fn set_state_ex(host: &Host, call: &Call) {
    change_state(host, call, "WdfDeviceSetDeviceInterfaceStateEx", true);
}

fn change_state(host: &Host, call: &Call, what: &str, keeps: bool) {
    let device = host.body::<Device>(call.arg(0));
    let Ok(named) = named(host, call) else {
        host.violation(
            &rules::BAD_ARGUMENT,
            format!("{what} is called with an invalid reference string"),
        )
    };
    host.require_pnp(device.slot, what);
    let started = device.offers_interfaces();
    let mut interfaces = device.interfaces.borrow_mut();
    let mut interfaces = interfaces.iter_mut();
    let Some(interface) = interfaces.find(|interface| interface.is(&named)) else {
        return;
    };
    interface.state = call.flag(3);
    interface.enabled = started && interface.state;
    interface.automatic &= !keeps;
}

/// A GUID as Windows writes it, of its 16 bytes.
fn guid_text(class: &[u8; 16]) -> String {
    // Data1 to Data3 are numbers, lowest byte first; Data4 is bytes.
    let number = u128::from_be_bytes(*class);
    let first = ((number >> 96) as u32).swap_bytes();
    let second = ((number >> 80) as u16).swap_bytes();
    let third = ((number >> 64) as u16).swap_bytes();
    let fourth = (number >> 48) as u16;
    let fifth = number & 0xFFFF_FFFF_FFFF;
    format!("{{{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}}}")
}

/// WdfDeviceRetrieveDeviceInterfaceString(Device, InterfaceClassGUID, ReferenceString, String): the
/// name that the interface has in the object manager.
fn retrieve(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let named = named(host, call)?;
    if device.is_control() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let string = host.body::<WdfString>(call.arg(3));
    let interfaces = device.interfaces.borrow();
    let interface = interfaces
        .iter()
        .find(|interface| interface.is(&named))
        .ok_or(STATUS_OBJECT_NAME_NOT_FOUND)?;
    let name = device.link_name().ok_or(STATUS_INVALID_DEVICE_STATE)?;
    string.set(host, &interface.link(&name))
}

/// WdfDeviceCreateSymbolicLink(Device, SymbolicLinkName): a device has one at most, to its own name or
/// to that of the device that its bus made.
fn create_link(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let name: UNICODE_STRING = host.memory.read(call.arg(1));
    if name.Length == 0 {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let name = host.valid_text_at(call.arg(1))?;
    if device.link.borrow().is_some() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if device.is_control() && device.name.is_empty() {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if host.device_of_link(&name).is_some() {
        return Err(STATUS_OBJECT_NAME_COLLISION);
    }
    let text = format!("symbolic link {name}");
    host.record(Event::Host { text });
    *device.link.borrow_mut() = Some(name);
    Ok(())
}

/// The part of a symbolic link's name that apps put behind `\\.\`.
fn app_name(link: &str) -> &str {
    const DIRECTORIES: [&str; 5] = [
        r"\DosDevices\Global\",
        r"\DosDevices\",
        r"\??\Global\",
        r"\??\",
        r"\\.\",
    ];
    let below = |directory: &&str| {
        let head = link.get(..directory.len())?;
        let is_below = head.eq_ignore_ascii_case(directory);
        is_below.then(|| &link[directory.len()..])
    };
    DIRECTORIES.iter().find_map(below).unwrap_or(link)
}

impl Host {
    /// The device that a symbolic link leads to, and what of the name follows the link's.
    pub(crate) fn device_of_link(&self, path: &str) -> Option<(Rc<Device>, String)> {
        let path = app_name(path);
        let (name, rest) = path.split_at(path.find('\\').unwrap_or(path.len()));
        let mut devices = self.bodies::<Device>().into_iter();
        let device = devices.find(|device| {
            let link = device.link.borrow();
            link.as_ref()
                .is_some_and(|link| app_name(link).eq_ignore_ascii_case(name))
        })?;
        Some((device, rest.to_owned()))
    }

    /// The device that a name in the object manager leads to, and what of the name follows: the link of an
    /// interface that is enabled, a symbolic link, or the device's own name.
    pub(crate) fn device_named(&self, name: &str) -> Option<(Rc<Device>, String)> {
        for device in self.bodies::<Device>() {
            for interface in device.interfaces.borrow().iter() {
                let link = device.link_name().map(|own| interface.link(&own));
                let is_named = link.is_some_and(|link| link.eq_ignore_ascii_case(name));
                if interface.enabled && is_named {
                    return Some((Rc::clone(&device), interface.file_name()));
                }
            }
            let own = name.get(..device.name.len()).filter(|own| !own.is_empty());
            let rest = own.map_or("", |own| &name[own.len()..]);
            if own.is_some_and(|own| own.eq_ignore_ascii_case(&device.name))
                && (rest.is_empty() || rest.starts_with('\\'))
            {
                return Some((Rc::clone(&device), rest.to_owned()));
            }
        }
        self.device_of_link(name)
    }
}

impl Device {
    /// How the names of its interfaces begin; a child that PnP does not know yet has none.
    fn link_name(&self) -> Option<String> {
        match &self.pdo {
            None => Some(format!("SLOT#{:04}", self.slot)),
            Some(pdo) => pdo.known.get().then(|| pdo.init.path().replace('\\', "#")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{app_name, guid_text};

    #[test]
    fn a_link_is_opened_by_the_name_behind_its_directory() {
        for link in [
            r"\DosDevices\Toaster",
            r"\??\Toaster",
            r"\dosdevices\global\Toaster",
            r"\\.\Toaster",
        ] {
            assert_eq!(app_name(link), "Toaster", "{link}");
        }
    }

    #[test]
    fn a_guid_is_written_as_windows_writes_it() {
        let bytes = [
            0x5E, 0x0B, 0x1C, 0x6F, 0x0E, 0x5D, 0x0C, 0x4F, 0x9A, 0x53, 0x1A, 0x8D, 0x6A, 0x7C,
            0x41, 0xE0,
        ];
        assert_eq!(guid_text(&bytes), "{6f1c0b5e-5d0e-4f0c-9a53-1a8d6a7c41e0}");
    }
}
