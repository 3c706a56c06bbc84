//! Event tracing: providers that a driver registers, and what they write. Every provider is enabled
//! as if a session wanted all of it.

use std::{cell::RefCell, collections::BTreeMap};

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_HANDLE, STATUS_SUCCESS};
use kmdf_machine::{Event, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, services};

/// `EVENT_CONTROL_CODE_ENABLE_PROVIDER`
const ENABLE: u64 = 1;
/// `TRACE_LEVEL_VERBOSE`
const VERBOSE: u64 = 5;
/// Size of an EVENT_DATA_DESCRIPTOR: address, length, type.
const DESCRIPTOR_BYTES: u64 = 16;
/// The most descriptors that an event can have.
const MOST_DESCRIPTORS: u32 = 128;

/// The providers that are registered, by handle: where driver code was when it registered them.
#[derive(Default)]
pub(crate) struct Providers {
    registered: RefCell<BTreeMap<u64, u64>>,
}

impl Providers {
    /// Where those were registered that still are.
    pub fn sites(&self) -> Vec<u64> {
        self.registered.borrow().values().copied().collect()
    }
}

services! {
    EtwRegister <= PASSIVE => register;
    EtwUnregister <= PASSIVE => unregister;
    EtwSetInformation <= PASSIVE => set_information;
    EtwProviderEnabled <= HIGH => enabled;
    EtwEventEnabled <= HIGH => enabled;
    EtwWrite <= HIGH => write;
    EtwWriteTransfer <= HIGH => write_transfer;
    EtwWriteEx <= HIGH => write_ex;
    EtwWriteString <= HIGH => write_string;
}

/// EtwRegister(ProviderId, EnableCallback, CallbackContext, RegHandle)
fn register(kernel: &Kernel, call: &Call) -> NtStatus {
    // The id must be there to be read.
    kernel.memory.read::<[u8; 16]>(call.arg(0));
    let handle = kernel.memory.new_handle();
    let providers = &kernel.objects().providers;
    providers
        .registered
        .borrow_mut()
        .insert(handle, kernel.call_site());
    kernel.memory.write(call.arg(3), &handle);
    let (callback, context) = (call.arg(1), call.arg(2));
    if callback != 0 {
        let arguments = [call.arg(0), ENABLE, VERBOSE, u64::MAX, 0, 0, context];
        kernel.call_driver("EtwEnableCallback", handle, callback, &arguments);
    }
    STATUS_SUCCESS
}

fn is_registered(kernel: &Kernel, handle: u64) -> bool {
    let providers = kernel.objects().providers.registered.borrow();
    providers.contains_key(&handle)
}

/// EtwUnregister(RegHandle)
fn unregister(kernel: &Kernel, call: &Call) -> NtStatus {
    let providers = &kernel.objects().providers;
    let removed = providers.registered.borrow_mut().remove(&call.arg(0));
    if removed.is_none() {
        kernel.violation(
            &rules::ETW_UNREGISTER,
            format!("{:#x} is not a handle of EtwRegister's", call.arg(0)),
        );
    }
    STATUS_SUCCESS
}

/// EtwSetInformation(RegHandle, InformationClass, EventInformation, InformationLength)
fn set_information(kernel: &Kernel, call: &Call) -> NtStatus {
    if is_registered(kernel, call.arg(0)) {
        STATUS_SUCCESS
    } else {
        STATUS_INVALID_HANDLE
    }
}

/// EtwProviderEnabled(RegHandle, Level, Keyword), EtwEventEnabled(RegHandle, EventDescriptor)
fn enabled(kernel: &Kernel, call: &Call) -> bool {
    is_registered(kernel, call.arg(0))
}

/// EtwWrite(RegHandle, EventDescriptor, ActivityId, UserDataCount, UserData)
fn write(kernel: &Kernel, call: &Call) -> NtStatus {
    note(kernel, call, call.arg32(3), call.arg(4))
}

/// EtwWriteTransfer(RegHandle, EventDescriptor, ActivityId, RelatedActivityId, UserDataCount,
/// UserData)
fn write_transfer(kernel: &Kernel, call: &Call) -> NtStatus {
    note(kernel, call, call.arg32(4), call.arg(5))
}

/// EtwWriteEx(RegHandle, EventDescriptor, Filter, Flags, ActivityId, RelatedActivityId,
/// UserDataCount, UserData)
fn write_ex(kernel: &Kernel, call: &Call) -> NtStatus {
    note(kernel, call, call.arg32(6), call.arg(7))
}

/// EtwWriteString(RegHandle, Level, Keyword, ActivityId, String)
fn write_string(kernel: &Kernel, call: &Call) -> NtStatus {
    if !is_registered(kernel, call.arg(0)) {
        return STATUS_INVALID_HANDLE;
    }
    let text = super::string::wide_text(kernel, call.arg(4));
    kernel.record(Event::DebugPrint { text });
    STATUS_SUCCESS
}

/// Takes an event down, as TraceLogging's metadata describe it, if they are there.
fn note(kernel: &Kernel, call: &Call, count: u32, data: u64) -> NtStatus {
    /// `EVENT_DATA_DESCRIPTOR_TYPE_EVENT_METADATA`, `…_PROVIDER_METADATA`
    const EVENT_METADATA: u8 = 1;
    const PROVIDER_METADATA: u8 = 2;
    if !is_registered(kernel, call.arg(0)) {
        return STATUS_INVALID_HANDLE;
    }
    if count > MOST_DESCRIPTORS {
        kernel.violation(
            &rules::ETW_WRITE,
            format!("an event has {count} pieces of data"),
        );
    }
    let mut schema = None;
    let mut payload = Vec::new();
    for index in 0..u64::from(count) {
        let descriptor = data + index * DESCRIPTOR_BYTES;
        let address: u64 = kernel.memory.read(descriptor);
        let length: u32 = kernel.memory.read(descriptor + 8);
        let blob = kernel.memory.read_bytes(address, length as usize);
        match kernel.memory.read::<u8>(descriptor + 12) {
            kind @ (EVENT_METADATA | PROVIDER_METADATA) => {
                if !has_its_length(&blob) {
                    kernel.violation(
                        &rules::ETW_WRITE,
                        format!("metadata of {length} bytes say that they have another length"),
                    );
                }
                if kind == EVENT_METADATA {
                    schema = Some(blob);
                }
            }
            _ => payload.extend(blob),
        }
    }
    let text = if let Some(schema) = schema {
        describe(&schema, &payload).unwrap_or_else(|| {
            kernel.violation(
                &rules::ETW_WRITE,
                "the metadata of an event do not fit what it has",
            )
        })
    } else {
        let id: u16 = kernel.memory.read(call.arg(1));
        format!("event {id} ({} bytes)", payload.len())
    };
    kernel.record(Event::DebugPrint {
        text: format!("traces {text}"),
    });
    STATUS_SUCCESS
}

/// Whether metadata begin with their own length, in 2 bytes.
fn has_its_length(blob: &[u8]) -> bool {
    blob.first_chunk()
        .is_some_and(|&length| usize::from(u16::from_le_bytes(length)) == blob.len())
}

/// An event as its metadata describe it: its name, and its fields with their values as far as these are
/// numbers. `None` if the metadata end too early.
///
/// Behind their length are tags, the name and a zero; then for each field a name and a zero, a type,
/// and, if the type's top bit is set, a format and tags. Tags go on while their top bit is set.
fn describe(schema: &[u8], payload: &[u8]) -> Option<String> {
    const MORE: u8 = 0x80;
    const COUNTED: u8 = 0x60;
    let mut schema = schema.get(2..)?;
    let skip_tags = |schema: &mut &[u8]| -> Option<()> {
        while take(schema)? & MORE != 0 {}
        Some(())
    };
    skip_tags(&mut schema)?;
    let mut text = take_text(&mut schema)?;
    let mut payload = payload;
    let mut known = true;
    while !schema.is_empty() {
        let name = take_text(&mut schema)?;
        let kind = take(&mut schema)?;
        if kind & MORE != 0 && take(&mut schema)? & MORE != 0 {
            skip_tags(&mut schema)?;
        }
        if kind & COUNTED != 0 {
            // Arrays and the like: their values are not shown, nor are those behind them.
            return Some(text + " …");
        }
        text.push(' ');
        let value = if known {
            take_number(kind & !MORE, &mut payload)
        } else {
            None
        };
        known = value.is_some();
        text.push_str(&name);
        text.push('=');
        match value {
            Some(value) => text.push_str(&value.to_string()),
            None => text.push('?'),
        }
    }
    // A listener would read what is left as the next event's, or not at all.
    if known && !payload.is_empty() {
        return None;
    }
    Some(text)
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

fn take_text(bytes: &mut &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let text = String::from_utf8_lossy(&bytes[..end]).into_owned();
    *bytes = &bytes[end + 1..];
    Some(text)
}

/// A value of `TlgInINT8` to `TlgInUINT64` or of a hexadecimal type.
fn take_number(kind: u8, payload: &mut &[u8]) -> Option<i128> {
    const HEX_INT32: u8 = 20;
    const HEX_INT64: u8 = 21;
    let (bytes, signed) = match kind {
        3 | 5 | 7 | 9 => (1 << ((kind - 3) / 2), true),
        4 | 6 | 8 | 10 => (1 << ((kind - 4) / 2), false),
        HEX_INT32 => (4, false),
        HEX_INT64 => (8, false),
        _ => return None,
    };
    let (value, rest) = payload.split_at_checked(bytes)?;
    *payload = rest;
    let mut wide = [0; 16];
    wide[..bytes].copy_from_slice(value);
    if signed && value[bytes - 1] & 0x80 != 0 {
        wide[bytes..].fill(0xFF);
    }
    Some(i128::from_le_bytes(wide))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_described_by_its_metadata() {
        assert_eq!(
            describe(b"\x10\0\0Started\0code\0\x08", &[7, 0, 0, 0]).as_deref(),
            Some("Started code=7")
        );
        assert_eq!(describe(b"\x06\0\x81\0A\0", &[]).as_deref(), Some("A"));
        assert_eq!(
            describe(
                b"\0\0\0A\0signed\0\x83\x01text\0\x02number\0\x0A",
                &[0xFE, b'x', 0]
            )
            .as_deref(),
            Some("A signed=-2 text=? number=?")
        );
    }

    #[test]
    fn metadata_that_end_early_describe_nothing() {
        for blob in [
            &b""[..],
            b"\x03",
            b"\x03\0\x80",
            b"\x05\0\0AB",
            b"\0\0\0A\0code\0",
        ] {
            assert_eq!(describe(blob, &[]), None);
        }
    }

    #[test]
    fn an_event_with_more_data_than_its_metadata_describe_is_refused() {
        assert_eq!(describe(b"\0\0\0A\0code\0\x08", &[1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn metadata_say_how_long_they_are() {
        assert!(has_its_length(b"\x03\0A"));
        assert!(!has_its_length(b"\x04\0A"));
        assert!(!has_its_length(b"\x01"));
    }
}
