//! What PnP knows of a device: its properties, as far as they follow from how it was found.

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER_2,
    STATUS_OBJECT_NAME_NOT_FOUND,
};
use kmdf_install::DeviceIds;
use kmdf_machine::cpu::stub::Call;

use super::device::{Device, FIRST_CHILD, NO_SLOT, is_child};
use super::pdo_init::DeviceText;
use crate::host::{Host, services};

/// `DevicePropertyHardwareID` and other values of DEVICE_REGISTRY_PROPERTY.
const DESCRIPTION: u32 = 0;
pub(super) const HARDWARE_ID: u32 = 1;
pub(super) const COMPATIBLE_IDS: u32 = 2;
const LOCATION: u32 = 0xA;
pub(super) const OBJECT_NAME: u32 = 0xB;
const BUS_TYPE: u32 = 0xC;
const LEGACY_BUS_TYPE: u32 = 0xD;
pub(super) const BUS_NUMBER: u32 = 0xE;
pub(super) const ENUMERATOR: u32 = 0xF;
pub(super) const ADDRESS: u32 = 0x10;
/// The first number that is no property.
const END: u32 = 0x18;

services! {
    WdfFdoInitQueryProperty <= PASSIVE => query_init;
    WdfDeviceQueryProperty <= PASSIVE => query_device;
    WdfFdoInitAllocAndQueryProperty <= PASSIVE => allocate_init;
    WdfDeviceAllocAndQueryProperty <= PASSIVE => allocate_device;
}

impl Host {
    /// The identifiers of the device in a slot.
    pub fn device_ids(&self, slot: usize) -> DeviceIds {
        let slot = &self.slots[slot];
        match &slot.root_id {
            Some(id) => DeviceIds::of_root(id),
            None => DeviceIds::of_pci(&slot.identity),
        }
    }

    /// The value of a DEVICE_REGISTRY_PROPERTY of the device in a slot.
    pub(super) fn property(&self, slot: usize, property: u32) -> Result<Vec<u8>, NtStatus> {
        if property >= END {
            return Err(STATUS_INVALID_PARAMETER_2);
        }
        if is_child(slot) {
            return self.child_property(slot, property);
        }
        let ids = self.device_ids(slot);
        let is_pci = self.slots[slot].root_id.is_none();
        Ok(match property {
            HARDWARE_ID => strings(&ids.hardware),
            COMPATIBLE_IDS if !ids.compatible.is_empty() => strings(&ids.compatible),
            OBJECT_NAME => text(&format!(r"\Device\NTPNP_{slot:04}")),
            ENUMERATOR => text(if is_pci { "PCI" } else { "ROOT" }),
            BUS_NUMBER if is_pci => 0_u32.to_le_bytes().to_vec(),
            // Device number in the upper half, function number in the lower.
            ADDRESS if is_pci => ((slot as u32) << 16).to_le_bytes().to_vec(),
            _ => return Err(STATUS_OBJECT_NAME_NOT_FOUND),
        })
    }
}

impl Host {
    /// The same for the device of a child, of which the bus driver has said it.
    fn child_property(&self, slot: usize, property: u32) -> Result<Vec<u8>, NtStatus> {
        let mut devices = self.bodies::<Device>().into_iter();
        let device = devices.rfind(|device| device.slot == slot);
        let pdo = device.as_ref().and_then(|device| device.pdo.as_ref());
        // PnP knows nothing of one that it has not asked about.
        let Some(pdo) = pdo.filter(|pdo| pdo.known.get()) else {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        };
        let none = Err(STATUS_OBJECT_NAME_NOT_FOUND);
        let parent = self.device_of_list(&pdo.init.list);
        let bus = parent.and_then(|parent| parent.bus_information.get());
        let bus =
            |range: std::ops::Range<usize>| bus.map_or(none.clone(), |bus| Ok(bus[range].to_vec()));
        let said = pdo.init.text();
        let said =
            |part: fn(&DeviceText) -> &str| said.map_or(none.clone(), |said| Ok(text(part(said))));
        match property {
            DESCRIPTION => said(|said| &said.description),
            LOCATION => said(|said| &said.location),
            HARDWARE_ID if !pdo.init.hardware.is_empty() => Ok(strings(&pdo.init.hardware)),
            COMPATIBLE_IDS if !pdo.init.compatible.is_empty() => Ok(strings(&pdo.init.compatible)),
            OBJECT_NAME => Ok(text(&format!(r"\Device\{:08x}", slot - FIRST_CHILD))),
            BUS_TYPE => bus(0..16),
            LEGACY_BUS_TYPE => bus(16..20),
            BUS_NUMBER => bus(20..24),
            ENUMERATOR => {
                let id = pdo.init.path();
                Ok(text(id.split('\\').next().unwrap_or_default()))
            }
            _ => none.clone(),
        }
    }
}

/// A text with its zero.
fn text(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}

/// Texts, each with a zero, and one more.
fn strings(all: &[String]) -> Vec<u8> {
    let mut bytes: Vec<u8> = all.iter().flat_map(|one| text(one)).collect();
    bytes.extend([0, 0]);
    bytes
}

/// The slot of a WDFDEVICE_INIT that is not for a control device.
fn slot_of_init(host: &Host, call: &Call) -> Result<usize, NtStatus> {
    match host.known_device_init(call.arg(0)).slot {
        FIRST_CHILD.. => Err(STATUS_INVALID_DEVICE_REQUEST),
        slot => Ok(slot),
    }
}

/// The slot of a device that is no control device.
fn slot_of_device(host: &Host, call: &Call) -> Result<usize, NtStatus> {
    in_slot(host.body::<Device>(call.arg(0)).slot)
}

fn in_slot(slot: usize) -> Result<usize, NtStatus> {
    match slot {
        NO_SLOT => Err(STATUS_INVALID_DEVICE_REQUEST),
        slot => Ok(slot),
    }
}

fn query_init(host: &Host, call: &Call) -> Result<(), NtStatus> {
    query(host, call, slot_of_init(host, call)?)
}

fn query_device(host: &Host, call: &Call) -> Result<(), NtStatus> {
    query(host, call, slot_of_device(host, call)?)
}

/// WdfDeviceQueryProperty(Device, DeviceProperty, BufferLength, PropertyBuffer, ResultLength), and of a
/// WDFDEVICE_INIT
pub(super) fn query(host: &Host, call: &Call, slot: usize) -> Result<(), NtStatus> {
    let value = host.property(slot, call.arg32(1))?;
    give(host, call, &value)
}

/// Gives a value to a call with BufferLength, PropertyBuffer and ResultLength at these places.
pub(super) fn give(host: &Host, call: &Call, value: &[u8]) -> Result<(), NtStatus> {
    host.memory.write(call.arg(4), &(value.len() as u32));
    if (call.arg32(2) as usize) < value.len() || call.arg(3) == 0 {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    host.memory.write_bytes(call.arg(3), value);
    Ok(())
}

fn allocate_init(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(4), &0_u64);
    host.attributes(call.arg(3))?;
    allocate(host, call, slot_of_init(host, call)?)
}

fn allocate_device(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(4), &0_u64);
    host.attributes(call.arg(3))?;
    allocate(host, call, slot_of_device(host, call)?)
}

/// WdfDeviceAllocAndQueryProperty(Device, DeviceProperty, PoolType, PropertyMemoryAttributes,
/// PropertyMemory), and of a WDFDEVICE_INIT
pub(super) fn allocate(host: &Host, call: &Call, slot: usize) -> Result<(), NtStatus> {
    let value = host.property(slot, call.arg32(1))?;
    let attributes = host.attributes(call.arg(3))?;
    let memory = host.memory_with(&attributes, &value)?;
    host.memory.write(call.arg(4), &memory);
    Ok(())
}
