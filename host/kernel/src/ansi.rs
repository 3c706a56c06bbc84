//! Strings of bytes and those of UTF-16 that are made of them.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_BUFFER_OVERFLOW, STATUS_INVALID_PARAMETER_2, STATUS_NO_MEMORY},
    types::UNICODE_STRING,
};
use kmdf_machine::{Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, services};

services! {
    RtlAnsiStringToUnicodeString <= PASSIVE => to_unicode;
    RtlFreeUnicodeString <= PASSIVE => free;
}

/// RtlAnsiStringToUnicodeString(DestinationString, SourceString, AllocateDestinationString): a byte is the
/// character of that number, as in most code pages for the first half of them.
fn to_unicode(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    // An ANSI_STRING has the layout of a UNICODE_STRING.
    let source: UNICODE_STRING = kernel.memory.read(call.arg(1));
    let text = kernel
        .memory
        .read_bytes(source.Buffer.0, source.Length.into());
    let units = text.iter().flat_map(|&byte| [byte, 0]);
    let bytes: Vec<u8> = units.chain([0, 0]).collect();
    let maximum = u16::try_from(bytes.len()).map_err(|_| STATUS_INVALID_PARAMETER_2)?;
    let mut target: UNICODE_STRING = kernel.memory.read(call.arg(0));
    target.Length = maximum - 2;
    if call.flag(2) {
        let purpose = Purpose::Kernel {
            what: "the buffer of a UNICODE_STRING, for RtlFreeUnicodeString",
        };
        let buffer = kernel.memory.allocate(bytes.len() as u64, false, purpose);
        target.Buffer.0 = buffer.ok_or(STATUS_NO_MEMORY)?;
        target.MaximumLength = maximum;
        kernel.memory.set_site(target.Buffer.0, kernel.call_site());
    } else if target.MaximumLength < maximum {
        return Err(STATUS_BUFFER_OVERFLOW);
    }
    kernel.memory.write_bytes(target.Buffer.0, &bytes);
    kernel.memory.write(call.arg(0), &target);
    Ok(())
}

/// RtlFreeUnicodeString(UnicodeString)
fn free(kernel: &Kernel, call: &Call) {
    let string: UNICODE_STRING = kernel.memory.read(call.arg(0));
    if string.Buffer.0 == 0 {
        return;
    }
    if let Err(text) = kernel.memory.free(string.Buffer.0) {
        kernel.violation(&rules::BAD_FREE, text);
    }
    kernel.memory.write(call.arg(0), &UNICODE_STRING::default());
}
