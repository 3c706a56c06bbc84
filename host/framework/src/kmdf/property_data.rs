//! Properties by key (DEVPROPKEY): those that PnP knows, and those that a driver assigns.

use std::{collections::BTreeMap, rc::Rc};

use kmdf_abi::{
    constants::{DEVPROP_TYPE_STRING, DEVPROP_TYPE_STRING_LIST, DEVPROP_TYPE_UINT32},
    ntstatus::{
        NtStatus, STATUS_ACCESS_DENIED, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND,
    },
    types::WDF_DEVICE_PROPERTY_DATA,
};
use kmdf_machine::cpu::stub::Call;

use super::{
    device::{Device, FIRST_CHILD, NO_SLOT},
    property::{ADDRESS, BUS_NUMBER, COMPATIBLE_IDS, ENUMERATOR, HARDWARE_ID, OBJECT_NAME, give},
};
use crate::host::{Host, services};

/// A DEVPROPKEY: a GUID, then a number.
type Key = [u8; 20];
/// What a driver has assigned: type and value, by key and language.
pub(crate) type Properties = BTreeMap<(Key, u32), (u32, Vec<u8>)>;

/// The category of `DEVPKEY_Device_HardwareIds` and relatives:
/// {a45c254e-df1c-4efd-8020-67d146a850e0}.
const DEVICE: [u8; 16] = [
    0x4E, 0x25, 0x5C, 0xA4, 0x1C, 0xDF, 0xFD, 0x4E, 0x80, 0x20, 0x67, 0xD1, 0x46, 0xA8, 0x50, 0xE0,
];
/// The numbers in that category, with type and DEVICE_REGISTRY_PROPERTY.
const KNOWN: [(u32, u32, u32); 6] = [
    (3, DEVPROP_TYPE_STRING_LIST, HARDWARE_ID),
    (4, DEVPROP_TYPE_STRING_LIST, COMPATIBLE_IDS),
    (16, DEVPROP_TYPE_STRING, OBJECT_NAME),
    (23, DEVPROP_TYPE_UINT32, BUS_NUMBER),
    (24, DEVPROP_TYPE_STRING, ENUMERATOR),
    (30, DEVPROP_TYPE_UINT32, ADDRESS),
];

services! {
    WdfDeviceQueryPropertyEx <= APC => query_device;
    WdfDeviceAllocAndQueryPropertyEx <= APC => allocate_device;
    WdfDeviceAssignProperty <= APC => assign;
    WdfFdoInitQueryPropertyEx <= PASSIVE => query_init;
    WdfFdoInitAllocAndQueryPropertyEx <= PASSIVE => allocate_init;
}

/// The key and the language that the WDF_DEVICE_PROPERTY_DATA at an address names.
fn key(host: &Host, address: u64) -> Result<(Key, u32), NtStatus> {
    let data: WDF_DEVICE_PROPERTY_DATA = host.memory.read(address);
    if data.Size as usize != size_of::<WDF_DEVICE_PROPERTY_DATA>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if data.PropertyKey.0 == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok((host.memory.read(data.PropertyKey.0), data.Lcid))
}

/// Which of PnP's own properties a key names: type and DEVICE_REGISTRY_PROPERTY.
fn known(key: &Key) -> Option<(u32, u32)> {
    let (category, number) = key.split_at(DEVICE.len());
    let number = u32::from_le_bytes(number.try_into().ok()?);
    let mut known = KNOWN.into_iter();
    let (_, kind, property) = known.find(|&(other, ..)| other == number)?;
    (category == DEVICE).then_some((kind, property))
}

/// What a call asks about: a slot, and the device, which has what was assigned to it.
type Asked = (usize, Option<Rc<Device>>);

fn of_device(host: &Host, call: &Call) -> Asked {
    let device = host.body::<Device>(call.arg(0));
    (device.slot, Some(device))
}

/// The device that will be created of a WDFDEVICE_INIT.
fn of_init(host: &Host, call: &Call) -> Result<Asked, NtStatus> {
    match host.known_device_init(call.arg(0)).slot {
        FIRST_CHILD.. => Err(STATUS_INVALID_DEVICE_REQUEST),
        slot => Ok((slot, None)),
    }
}

/// Type and value of a property.
fn value(
    host: &Host,
    (key, language): (Key, u32),
    (slot, device): Asked,
) -> Result<(u32, Vec<u8>), NtStatus> {
    if slot == NO_SLOT {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if let Some((kind, property)) = known(&key) {
        return Ok((kind, host.property(slot, property)?));
    }
    let assigned =
        device.and_then(|device| device.properties.borrow().get(&(key, language)).cloned());
    assigned.ok_or(STATUS_OBJECT_NAME_NOT_FOUND)
}

fn query_device(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = of_device(host, call);
    let key = key(host, call.arg(1))?;
    // A length without a buffer, or a buffer without a length.
    if (call.arg32(2) == 0) != (call.arg(3) == 0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    query(host, call, key, device)
}

fn query_init(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let key = key(host, call.arg(1))?;
    query(host, call, key, of_init(host, call)?)
}

/// WdfDeviceQueryPropertyEx(Device, DeviceProperty, BufferLength, PropertyBuffer, RequiredSize, Type),
/// and of a WDFDEVICE_INIT
fn query(host: &Host, call: &Call, key: (Key, u32), asked: Asked) -> Result<(), NtStatus> {
    host.memory.write(call.arg(4), &0_u32);
    host.memory.write(call.arg(5), &0_u32);
    let (kind, value) = value(host, key, asked)?;
    host.memory.write(call.arg(5), &kind);
    give(host, call, &value)
}

fn allocate_device(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = of_device(host, call);
    allocate(host, call, |_, _| Ok(device))
}

fn allocate_init(host: &Host, call: &Call) -> Result<(), NtStatus> {
    allocate(host, call, of_init)
}

/// WdfDeviceAllocAndQueryPropertyEx(Device, DeviceProperty, PoolType, PropertyMemoryAttributes,
/// PropertyMemory, Type), and of a WDFDEVICE_INIT
fn allocate(
    host: &Host,
    call: &Call,
    asked: impl FnOnce(&Host, &Call) -> Result<Asked, NtStatus>,
) -> Result<(), NtStatus> {
    let key = key(host, call.arg(1))?;
    host.memory.write(call.arg(4), &0_u64);
    let attributes = host.attributes(call.arg(3))?;
    let (kind, value) = value(host, key, asked(host, call)?)?;
    let memory = host.memory_with(&attributes, &value)?;
    host.memory.write(call.arg(4), &memory);
    host.memory.write(call.arg(5), &kind);
    Ok(())
}

/// WdfDeviceAssignProperty(Device, DeviceProperty, Type, Size, Data): no data takes it back. PnP's own
/// properties are not the driver's to change.
fn assign(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let key = key(host, call.arg(1))?;
    let (size, data) = (call.arg32(3), call.arg(4));
    if size == 0 && data != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if device.is_control() {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if known(&key.0).is_some() {
        return Err(STATUS_ACCESS_DENIED);
    }
    let mut properties = device.properties.borrow_mut();
    if data == 0 {
        properties.remove(&key);
    } else {
        let value = host.memory.read_bytes(data, size as usize);
        properties.insert(key, (call.arg32(2), value));
    }
    Ok(())
}
