//! Writing to the registry.

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INTEGER_OVERFLOW, STATUS_INVALID_PARAMETER, STATUS_OBJECT_NAME_NOT_FOUND,
};
use kmdf_install::RegistryValue;
use kmdf_machine::cpu::stub::Call;

use super::Key;
use crate::{
    host::{Host, services},
    kmdf::{collection::Collection, memory::Memory, object::Body, string::WdfString},
};

services! {
    WdfRegistryCreateKey <= PASSIVE => create;
    WdfRegistryRemoveValue <= PASSIVE => remove_value;
    WdfRegistryAssignULong <= PASSIVE => assign_ulong;
    WdfRegistryAssignValue <= PASSIVE => assign_value;
    WdfRegistryAssignMemory <= PASSIVE => assign_memory;
    WdfRegistryAssignUnicodeString <= PASSIVE => assign_unicode_string;
    WdfRegistryAssignString <= PASSIVE => assign_string;
    WdfRegistryAssignMultiString <= PASSIVE => assign_multi_string;
}

/// Sets the value that a WDFKEY and a UNICODE_STRING name, the first two arguments, to what the
/// others give.
fn set(
    host: &Host,
    call: &Call,
    value: impl FnOnce() -> Result<RegistryValue, NtStatus>,
) -> Result<(), NtStatus> {
    let key = host.body::<Key>(call.arg(0));
    let name = host.valid_text_at(call.arg(1))?;
    let value = value()?;
    host.with_key(key.root, |root| root.create(&key.path).set(&name, value));
    Ok(())
}

/// The value of that type with those bytes.
fn value_of(kind: u32, bytes: Vec<u8>) -> RegistryValue {
    let text = || {
        let units: Vec<_> = bytes
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match (kind, bytes.len()) {
        (0, _) => RegistryValue::None(bytes),
        (1, _) => RegistryValue::String(text().trim_end_matches('\0').to_owned()),
        (2, _) => RegistryValue::ExpandString(text().trim_end_matches('\0').to_owned()),
        (3, _) => RegistryValue::Binary(bytes),
        (4, 4) => {
            RegistryValue::Dword(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        }
        (7, _) => RegistryValue::MultiString(
            text()
                .trim_end_matches('\0')
                .split('\0')
                .map(str::to_owned)
                .collect(),
        ),
        _ => RegistryValue::Other { kind, bytes },
    }
}

/// WdfRegistryCreateKey(ParentKey, KeyName, DesiredAccess, CreateOptions, CreateDisposition,
/// KeyAttributes, Key)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    /// `REG_CREATED_NEW_KEY`, `REG_OPENED_EXISTING_KEY`
    const CREATED: u32 = 1;
    const OPENED: u32 = 2;
    if call.arg(0) == 0 {
        host.unsupported("a registry key by its full path");
    }
    let parent = host.body::<Key>(call.arg(0));
    host.memory.write(call.arg(6), &0_u64);
    let attributes = host.attributes(call.arg(5))?;
    let path = format!("{}\\{}", parent.path, host.valid_text_at(call.arg(1))?);
    let existed = host.with_key(parent.root, |root| {
        let existed = root.open(&path).is_some();
        root.create(&path);
        existed
    });
    if call.arg(4) != 0 {
        let disposition = if existed { OPENED } else { CREATED };
        host.memory.write(call.arg(4), &disposition);
    }
    host.create_key(parent.root, path, &attributes, call.arg(6))
}

/// WdfRegistryRemoveValue(Key, ValueName)
fn remove_value(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let key = host.body::<Key>(call.arg(0));
    let name = host.valid_text_at(call.arg(1))?;
    let removed = host.with_key(key.root, |root| root.create(&key.path).remove(&name));
    removed.map(drop).ok_or(STATUS_OBJECT_NAME_NOT_FOUND)
}

fn assign_ulong(host: &Host, call: &Call) -> Result<(), NtStatus> {
    set(host, call, || Ok(RegistryValue::Dword(call.arg32(2))))
}

/// WdfRegistryAssignValue(Key, ValueName, ValueType, ValueLength, Value)
fn assign_value(host: &Host, call: &Call) -> Result<(), NtStatus> {
    set(host, call, || {
        let bytes = host.memory.read_bytes(call.arg(4), call.arg32(3) as usize);
        Ok(value_of(call.arg32(2), bytes))
    })
}

/// WdfRegistryAssignMemory(Key, ValueName, ValueType, Memory, MemoryOffsets)
fn assign_memory(host: &Host, call: &Call) -> Result<(), NtStatus> {
    set(host, call, || {
        let memory = host.body::<Memory>(call.arg(3));
        let (offset, bytes) = match call.arg(4) {
            0 => (0, memory.bytes()),
            // WDFMEMORY_OFFSET: BufferOffset, BufferLength.
            offsets => (
                host.memory.read::<u64>(offsets),
                host.memory.read::<u64>(offsets + 8),
            ),
        };
        let end = offset.checked_add(bytes).ok_or(STATUS_INTEGER_OVERFLOW)?;
        if end > memory.bytes() {
            return Err(STATUS_INTEGER_OVERFLOW);
        }
        // No length means all that the object has, from the offset on or not.
        let bytes = if bytes == 0 { memory.bytes() } else { bytes };
        let from = memory.buffer() + offset;
        let bytes = host.memory.read_bytes(from, bytes as usize);
        Ok(value_of(call.arg32(2), bytes))
    })
}

/// WdfRegistryAssignUnicodeString(Key, ValueName, Value)
fn assign_unicode_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    set(host, call, || {
        Ok(RegistryValue::String(host.valid_text_at(call.arg(2))?))
    })
}

fn assign_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    set(host, call, || {
        let text = host.body::<WdfString>(call.arg(2)).text(host);
        Ok(RegistryValue::String(text))
    })
}

/// WdfRegistryAssignMultiString(Key, ValueName, StringsCollection)
fn assign_multi_string(host: &Host, call: &Call) -> Result<(), NtStatus> {
    set(host, call, || {
        let collection = host.body::<Collection>(call.arg(2));
        let handles = collection.handles();
        if handles
            .iter()
            .any(|&handle| host.object(handle).kind != WdfString::KIND)
        {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let texts = handles
            .into_iter()
            .map(|handle| host.body::<WdfString>(handle).text(host))
            .collect();
        Ok(RegistryValue::MultiString(texts))
    })
}
