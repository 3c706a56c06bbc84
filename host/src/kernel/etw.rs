//! Event tracing: providers that a driver registers, and what they write. Every provider is enabled
//! as if a session wanted all of it.

use std::{cell::RefCell, collections::BTreeMap};

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_HANDLE, STATUS_SUCCESS};

use crate::{check::rules, cpu::stub::Call, event::Event, host::Host, service::services};

/// `EVENT_CONTROL_CODE_ENABLE_PROVIDER`
const ENABLE: u64 = 1;
/// `TRACE_LEVEL_VERBOSE`
const VERBOSE: u64 = 5;
/// Size of an EVENT_DATA_DESCRIPTOR: address, length, type.
const DESCRIPTOR_BYTES: u64 = 16;
/// The most descriptors that an event can have.
const MOST_DESCRIPTORS: u32 = 128;

/// The providers that are registered, by handle.
#[derive(Default)]
pub(crate) struct Providers {
    registered: RefCell<BTreeMap<u64, [u8; 16]>>,
}

impl Providers {
    /// How many are registered.
    pub(crate) fn count(&self) -> usize {
        self.registered.borrow().len()
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
fn register(host: &Host, call: &Call) -> NtStatus {
    let id: [u8; 16] = host.memory.read(call.arg(0));
    let handle = host.memory.new_handle();
    let providers = &host.framework.kernel.providers;
    providers.registered.borrow_mut().insert(handle, id);
    host.memory.write(call.arg(3), &handle);
    let (callback, context) = (call.arg(1), call.arg(2));
    if callback != 0 {
        let arguments = [call.arg(0), ENABLE, VERBOSE, u64::MAX, 0, 0, context];
        host.call_driver("EtwEnableCallback", handle, callback, &arguments);
    }
    STATUS_SUCCESS
}

fn is_registered(host: &Host, handle: u64) -> bool {
    let providers = host.framework.kernel.providers.registered.borrow();
    providers.contains_key(&handle)
}

/// EtwUnregister(RegHandle)
fn unregister(host: &Host, call: &Call) -> NtStatus {
    let providers = &host.framework.kernel.providers;
    let removed = providers.registered.borrow_mut().remove(&call.arg(0));
    if removed.is_none() {
        host.violation(
            &rules::ETW_UNREGISTER,
            format!("{:#x} is no handle of EtwRegister's", call.arg(0)),
        );
    }
    STATUS_SUCCESS
}

/// EtwSetInformation(RegHandle, InformationClass, EventInformation, InformationLength)
fn set_information(host: &Host, call: &Call) -> NtStatus {
    if is_registered(host, call.arg(0)) {
        STATUS_SUCCESS
    } else {
        STATUS_INVALID_HANDLE
    }
}

/// EtwProviderEnabled(RegHandle, Level, Keyword), EtwEventEnabled(RegHandle, EventDescriptor)
fn enabled(host: &Host, call: &Call) -> bool {
    is_registered(host, call.arg(0))
}

/// EtwWrite(RegHandle, EventDescriptor, ActivityId, UserDataCount, UserData)
fn write(host: &Host, call: &Call) -> NtStatus {
    note(host, call, call.arg32(3), call.arg(4))
}

/// EtwWriteTransfer(RegHandle, EventDescriptor, ActivityId, RelatedActivityId, UserDataCount,
/// UserData)
fn write_transfer(host: &Host, call: &Call) -> NtStatus {
    note(host, call, call.arg32(4), call.arg(5))
}

/// EtwWriteEx(RegHandle, EventDescriptor, Filter, Flags, ActivityId, RelatedActivityId,
/// UserDataCount, UserData)
fn write_ex(host: &Host, call: &Call) -> NtStatus {
    note(host, call, call.arg32(6), call.arg(7))
}

/// EtwWriteString(RegHandle, Level, Keyword, ActivityId, String)
fn write_string(host: &Host, call: &Call) -> NtStatus {
    if !is_registered(host, call.arg(0)) {
        return STATUS_INVALID_HANDLE;
    }
    let text = super::string::wide_text(host, call.arg(4));
    host.record(Event::DebugPrint { text });
    STATUS_SUCCESS
}

/// Takes an event down: its name, if TraceLogging's metadata is there, and how much data it has.
fn note(host: &Host, call: &Call, count: u32, data: u64) -> NtStatus {
    /// `EVENT_DATA_DESCRIPTOR_TYPE_EVENT_METADATA`, `…_PROVIDER_METADATA`
    const EVENT_METADATA: u8 = 1;
    const PROVIDER_METADATA: u8 = 2;
    if !is_registered(host, call.arg(0)) {
        return STATUS_INVALID_HANDLE;
    }
    if count > MOST_DESCRIPTORS {
        host.violation(
            &rules::ETW_WRITE,
            format!("an event has {count} pieces of data"),
        );
    }
    let mut name = format!("event {}", host.memory.read::<u16>(call.arg(1)));
    let mut bytes = 0;
    for index in 0..u64::from(count) {
        let descriptor = data + index * DESCRIPTOR_BYTES;
        let address: u64 = host.memory.read(descriptor);
        let length: u32 = host.memory.read(descriptor + 8);
        match host.memory.read::<u8>(descriptor + 12) {
            EVENT_METADATA => {
                let blob = host.memory.read_bytes(address, length as usize);
                name = event_name(&blob).unwrap_or(name);
            }
            PROVIDER_METADATA => {}
            _ => bytes += length,
        }
    }
    host.record(Event::DebugPrint {
        text: format!("traces {name} ({bytes} bytes)"),
    });
    STATUS_SUCCESS
}

/// The name in an event's metadata: a length of 2 bytes, tags as long as their top bit is set, then
/// the name and a zero.
fn event_name(blob: &[u8]) -> Option<String> {
    const LENGTH_BYTES: usize = 2;
    let tags = blob.get(LENGTH_BYTES..)?;
    let last = tags.iter().position(|tag| tag & 0x80 == 0)?;
    let name = tags.get(last + 1..)?;
    let end = name.iter().position(|&byte| byte == 0)?;
    Some(String::from_utf8_lossy(&name[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_by_its_metadata() {
        assert_eq!(
            event_name(b"\x0C\0\0Started\0code\0\x08").as_deref(),
            Some("Started")
        );
        assert_eq!(event_name(b"\x06\0\x81\0A\0").as_deref(), Some("A"));
    }

    #[test]
    fn metadata_that_ends_early_names_nothing() {
        for blob in [&b""[..], b"\x03", b"\x03\0\x80", b"\x05\0\0AB"] {
            assert_eq!(event_name(blob), None);
        }
    }
}
