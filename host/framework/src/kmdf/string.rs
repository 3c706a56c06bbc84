//! String objects, and the reading of UNICODE_STRINGs.

use std::cell::Cell;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INTEGER_OVERFLOW, STATUS_INVALID_PARAMETER},
    types::{GuestPtr, UNICODE_STRING},
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::object::Body;
use crate::host::{Host, services};

/// WDFSTRING
#[derive(Default)]
pub(crate) struct WdfString {
    /// What WdfStringGetUnicodeString gives: NULL until it has a text.
    text: Cell<UNICODE_STRING>,
}

impl Body for WdfString {
    const KIND: &'static str = "WDFSTRING";

    fn destroy(&self, host: &Host) {
        self.clear(host);
    }
}

impl WdfString {
    fn clear(&self, host: &Host) {
        let text = self.text.take();
        if text.Buffer.0 != 0
            && let Err(text) = host.memory.free(text.Buffer.0)
        {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }

    /// Gives it another text, in its buffer where that has room.
    ///
    /// # Errors
    /// The text and a zero behind it are longer than a UNICODE_STRING can say.
    pub(crate) fn set(&self, host: &Host, text: &str) -> Result<(), NtStatus> {
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.extend([0, 0]);
        let length = u16::try_from(bytes.len()).map_err(|_| STATUS_INTEGER_OVERFLOW)?;
        if self.text.get().MaximumLength < length {
            self.clear(host);
            let address = host.lend("the text of a WDFSTRING", length.into());
            self.text.set(UNICODE_STRING {
                MaximumLength: length,
                Buffer: GuestPtr(address),
                ..Default::default()
            });
        }
        let text = UNICODE_STRING {
            Length: length - 2,
            ..self.text.get()
        };
        host.memory.write_bytes(text.Buffer.0, &bytes);
        self.text.set(text);
        Ok(())
    }

    /// Its text.
    pub(crate) fn text(&self, host: &Host) -> String {
        host.text(&self.text.get())
    }
}

impl Host {
    /// As [`Kernel::text_at`](kmdf_kernel::Kernel::text_at), where the framework looks at the UNICODE_STRING itself first.
    ///
    /// # Errors
    /// Its lengths contradict each other, or are of half a character.
    pub(crate) fn valid_text_at(&self, address: u64) -> Result<String, NtStatus> {
        let string = self.valid_string_at(address)?;
        Ok(self.text(&string))
    }

    /// The UNICODE_STRING at an address, if it is one.
    ///
    /// # Errors
    /// As [`Self::valid_text_at`].
    pub(crate) fn valid_string_at(&self, address: u64) -> Result<UNICODE_STRING, NtStatus> {
        let string: UNICODE_STRING = self.memory.read(address);
        let is_even = string.Length.is_multiple_of(2) && string.MaximumLength.is_multiple_of(2);
        let has_buffer = string.MaximumLength == 0 || string.Buffer.0 != 0;
        if is_even && has_buffer && string.Length <= string.MaximumLength {
            Ok(string)
        } else {
            Err(STATUS_INVALID_PARAMETER)
        }
    }
}

services! {
    WdfStringCreate <= PASSIVE => create;
    WdfStringGetUnicodeString <= PASSIVE => get;
}

/// WdfStringCreate(UnicodeString, StringAttributes, String)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(2), &0_u64);
    let attributes = host.attributes(call.arg(1))?;
    let text = match call.arg(0) {
        0 => None,
        address => Some(host.valid_text_at(address)?),
    };
    let parent = host.parent_or_driver(attributes.parent)?;
    let body = WdfString::default();
    if let Some(text) = text {
        body.set(host, &text)?;
    }
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| body);
    host.memory.write(call.arg(2), &object.handle);
    Ok(())
}

/// WdfStringGetUnicodeString(String, UnicodeString)
fn get(host: &Host, call: &Call) {
    let string = host.body::<WdfString>(call.arg(0));
    host.memory.write(call.arg(1), &string.text.get());
}
