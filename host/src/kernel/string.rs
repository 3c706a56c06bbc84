//! Counted strings.

use kmdf_abi::types::UNICODE_STRING;

use crate::{cpu::stub::Call, host::Host, service::services};

services! {
    RtlCopyUnicodeString <= DISPATCH => copy;
    RtlInitUnicodeString <= DISPATCH => init;
    RtlEqualUnicodeString <= PASSIVE => equal;
}

/// RtlCopyUnicodeString(DestinationString, SourceString): what fits, and a terminator if that fits.
fn copy(host: &Host, call: &Call) {
    let mut target: UNICODE_STRING = host.memory.read(call.arg(0));
    let source = match call.arg(1) {
        0 => UNICODE_STRING::default(),
        source => host.memory.read(source),
    };
    let bytes = source.Length.min(target.MaximumLength);
    let text = host.memory.read_bytes(source.Buffer.0, bytes.into());
    host.memory.write_bytes(target.Buffer.0, &text);
    if target.MaximumLength - bytes >= 2 {
        host.memory
            .write(target.Buffer.0 + u64::from(bytes), &0_u16);
    }
    target.Length = bytes;
    host.memory.write(call.arg(0), &target);
}

/// RtlInitUnicodeString(DestinationString, SourceString)
fn init(host: &Host, call: &Call) {
    let source = call.arg(1);
    let mut length = 0;
    if source != 0 {
        while length < u16::MAX - 3 && host.memory.read::<u16>(source + u64::from(length)) != 0 {
            length += 2;
        }
    }
    let mut string = UNICODE_STRING::default();
    string.Buffer.0 = source;
    string.Length = length;
    string.MaximumLength = if source == 0 { 0 } else { length + 2 };
    host.memory.write(call.arg(0), &string);
}

/// RtlEqualUnicodeString(String1, String2, CaseInSensitive)
fn equal(host: &Host, call: &Call) -> bool {
    let [left, right] = [0, 1].map(|index| {
        let string: UNICODE_STRING = host.memory.read(call.arg(index));
        String::from_utf16_lossy(
            &host
                .memory
                .read_bytes(string.Buffer.0, string.Length.into())
                .chunks_exact(2)
                .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
                .collect::<Vec<_>>(),
        )
    });
    if call.flag(2) {
        left.to_uppercase() == right.to_uppercase()
    } else {
        left == right
    }
}
