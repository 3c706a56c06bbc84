//! String objects, and the reading of UNICODE_STRINGs.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_PARAMETER},
    types::{GuestPtr, UNICODE_STRING},
};
use std::cell::RefCell;

use super::object::Body;
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

/// WDFSTRING
#[derive(Default)]
pub(crate) struct WdfString {
    /// Where its text is and how many bytes it has; `None` while it is empty.
    buffer: RefCell<Option<(u64, u16)>>,
}

impl Body for WdfString {
    const KIND: &'static str = "WDFSTRING";

    fn dispose(&self, host: &Host) {
        self.clear(host);
    }
}

impl WdfString {
    fn clear(&self, host: &Host) {
        if let Some((address, _)) = self.buffer.take()
            && let Err(text) = host.memory.free(address)
        {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }

    /// Gives it another text.
    pub(crate) fn set(&self, host: &Host, text: &str) {
        self.clear(host);
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX - 1);
        bytes.extend([0, 0]);
        let address = host.lend("the text of a WDFSTRING", bytes.len() as u64);
        host.memory.write_bytes(address, &bytes);
        *self.buffer.borrow_mut() = Some((address, length));
    }

    /// Its text.
    pub(crate) fn text(&self, host: &Host) -> String {
        host.text(&self.unicode())
    }

    fn unicode(&self) -> UNICODE_STRING {
        let (address, length) = self.buffer.borrow().unwrap_or((0, 0));
        UNICODE_STRING {
            Length: length,
            MaximumLength: if address == 0 { 0 } else { length + 2 },
            Buffer: GuestPtr(address),
            ..Default::default()
        }
    }
}

impl Host {
    /// The text of a UNICODE_STRING.
    pub(crate) fn text(&self, string: &UNICODE_STRING) -> String {
        let bytes = self
            .memory
            .read_bytes(string.Buffer.0, string.Length.into());
        let units: Vec<_> = bytes
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    }

    /// The text of the UNICODE_STRING at an address, which is what one has to be.
    pub(crate) fn valid_text(&self, address: u64) -> Result<String, NtStatus> {
        let string: UNICODE_STRING = self.memory.read(address);
        let odd = (string.Length | string.MaximumLength) & 1 != 0;
        let nowhere = string.MaximumLength > 0 && string.Buffer.0 == 0;
        if odd || nowhere || string.Length > string.MaximumLength {
            return Err(STATUS_INVALID_PARAMETER);
        }
        Ok(self.text(&string))
    }

    /// The text of the UNICODE_STRING at an address.
    pub(crate) fn text_at(&self, address: u64) -> String {
        self.text(&self.memory.read(address))
    }
}

services! {
    WdfStringCreate <= PASSIVE => create;
    WdfStringGetUnicodeString <= PASSIVE => get;
}

/// WdfStringCreate(UnicodeString, StringAttributes, String)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(1))?;
    let text = match call.arg(0) {
        0 => None,
        address => Some(host.valid_text(address)?),
    };
    let parent = host.parent_or_driver(attributes.parent);
    let (object, body) = host.create_object(Some(&parent), &attributes, |_| WdfString::default());
    if let Some(text) = text {
        body.set(host, &text);
    }
    host.memory.write(call.arg(2), &object.handle);
    Ok(())
}

/// WdfStringGetUnicodeString(String, UnicodeString)
fn get(host: &Host, call: &Call) {
    let string = host.body::<WdfString>(call.arg(0));
    host.memory.write(call.arg(1), &string.unicode());
}
