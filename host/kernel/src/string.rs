//! Counted strings.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER},
    types::UNICODE_STRING,
};
use kmdf_machine::{Event, cpu::stub::Call};

use crate::{Kernel, services};

services! {
    RtlCopyUnicodeString <= DISPATCH => copy;
    RtlInitUnicodeString <= DISPATCH => init;
    RtlEqualUnicodeString <= PASSIVE => equal;
    RtlCompareUnicodeString <= PASSIVE => compare;
    RtlUnicodeStringToInteger <= PASSIVE => to_integer;
    RtlAppendUnicodeStringToString <= DISPATCH => append_string;
    RtlAppendUnicodeToString <= DISPATCH => append;
    MmGetSystemRoutineAddress <= PASSIVE => routine_address;
}

impl Kernel {
    /// The text of a UNICODE_STRING.
    pub fn text(&self, string: &UNICODE_STRING) -> String {
        let bytes = self
            .memory
            .read_bytes(string.Buffer.0, string.Length.into());
        let units: Vec<_> = bytes
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    }

    /// The text of the UNICODE_STRING at an address.
    pub fn text_at(&self, address: u64) -> String {
        self.text(&self.memory.read(address))
    }
}

/// The text at an address, in UTF-16 up to a zero.
pub(super) fn wide_text(kernel: &Kernel, address: u64) -> String {
    let units: Vec<u16> = (0..u64::from(u16::MAX / 2))
        .map(|index| kernel.memory.read::<u16>(address + 2 * index))
        .take_while(|&unit| unit != 0)
        .collect();
    String::from_utf16_lossy(&units)
}

/// RtlCopyUnicodeString(DestinationString, SourceString): what fits, and a terminator if that fits.
fn copy(kernel: &Kernel, call: &Call) {
    let mut target: UNICODE_STRING = kernel.memory.read(call.arg(0));
    if call.arg(1) == 0 {
        target.Length = 0;
        return kernel.memory.write(call.arg(0), &target);
    }
    let source: UNICODE_STRING = kernel.memory.read(call.arg(1));
    let bytes = source.Length.min(target.MaximumLength);
    let text = kernel.memory.read_bytes(source.Buffer.0, bytes.into());
    kernel.memory.write_bytes(target.Buffer.0, &text);
    if target.MaximumLength - bytes >= 2 {
        kernel
            .memory
            .write(target.Buffer.0 + u64::from(bytes), &0_u16);
    }
    target.Length = bytes;
    kernel.memory.write(call.arg(0), &target);
}

/// RtlInitUnicodeString(DestinationString, SourceString)
fn init(kernel: &Kernel, call: &Call) {
    let source = call.arg(1);
    let mut length = 0;
    if source != 0 {
        while length < u16::MAX - 3 && kernel.memory.read::<u16>(source + u64::from(length)) != 0 {
            length += 2;
        }
    }
    let mut string = UNICODE_STRING::default();
    string.Buffer.0 = source;
    string.Length = length;
    string.MaximumLength = if source == 0 { 0 } else { length + 2 };
    kernel.memory.write(call.arg(0), &string);
}

/// RtlEqualUnicodeString(String1, String2, CaseInSensitive)
fn equal(kernel: &Kernel, call: &Call) -> bool {
    ordering(kernel, call).is_eq()
}

fn ordering(kernel: &Kernel, call: &Call) -> std::cmp::Ordering {
    let [left, right] = [0, 1].map(|index| kernel.text_at(call.arg(index)));
    if call.flag(2) {
        left.to_uppercase().cmp(&right.to_uppercase())
    } else {
        left.cmp(&right)
    }
}

/// RtlCompareUnicodeString(String1, String2, CaseInSensitive): below, equal to or above 0.
fn compare(kernel: &Kernel, call: &Call) -> u32 {
    (ordering(kernel, call) as i32).cast_unsigned()
}

/// RtlUnicodeStringToInteger(String, Base, Value): base 0 looks at a prefix.
fn to_integer(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    let text = kernel.text_at(call.arg(0));
    let value = integer(&text, call.arg32(1)).ok_or(STATUS_INVALID_PARAMETER)?;
    kernel.memory.write(call.arg(2), &value);
    Ok(())
}

/// The number that a text begins with, modulo 2^32; 0 without a digit; `None` for a bad base.
fn integer(text: &str, base: u32) -> Option<u32> {
    let text = text.trim_start();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, text) = match (base, text.get(..2)) {
        (0, Some("0x")) => (16, &text[2..]),
        (0, Some("0o")) => (8, &text[2..]),
        (0, Some("0b")) => (2, &text[2..]),
        (0, _) => (10, text),
        (2 | 8 | 10 | 16, _) => (base, text),
        _ => return None,
    };
    let value = text
        .chars()
        .map_while(|digit| digit.to_digit(base))
        .fold(0_u32, |value, digit| {
            value.wrapping_mul(base).wrapping_add(digit)
        });
    Some(if negative {
        value.wrapping_neg()
    } else {
        value
    })
}

/// RtlAppendUnicodeStringToString(Destination, Source)
fn append_string(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    let source: UNICODE_STRING = kernel.memory.read(call.arg(1));
    let bytes = kernel
        .memory
        .read_bytes(source.Buffer.0, source.Length.into());
    append_bytes(kernel, call.arg(0), bytes)
}

/// RtlAppendUnicodeToString(Destination, Source)
fn append(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    let bytes = match call.arg(1) {
        0 => Vec::new(),
        address => wide_text(kernel, address)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
    };
    append_bytes(kernel, call.arg(0), bytes)
}

fn append_bytes(kernel: &Kernel, target: u64, mut bytes: Vec<u8>) -> Result<(), NtStatus> {
    let mut string: UNICODE_STRING = kernel.memory.read(target);
    let room = usize::from(string.MaximumLength - string.Length);
    if bytes.len() > room {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    let end = string.Buffer.0 + u64::from(string.Length);
    string.Length += bytes.len() as u16;
    if bytes.len() + 2 <= room {
        bytes.extend([0, 0]);
    }
    kernel.memory.write_bytes(end, &bytes);
    kernel.memory.write(target, &string);
    Ok(())
}

/// MmGetSystemRoutineAddress(SystemRoutineName): NULL for what neither this host nor, for all the
/// driver knows, this Windows has.
fn routine_address(kernel: &Kernel, call: &Call) -> u64 {
    let name = kernel.text_at(call.arg(0));
    let found = kernel.routine(&name).unwrap_or(0);
    let text = if found == 0 {
        format!("MmGetSystemRoutineAddress({name}): not here")
    } else {
        format!("MmGetSystemRoutineAddress({name})")
    };
    kernel.record(Event::Host { text });
    found
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn numbers_are_read_as_windows_reads_them() {
        for (text, base, value) in [
            ("12", 10, Some(12)),
            (" -1", 0, Some(u32::MAX)),
            ("0x1F rest", 0, Some(0x1F)),
            ("0b101", 0, Some(5)),
            ("zz", 16, Some(0)),
            ("7", 3, None),
        ] {
            assert_eq!(integer(text, base), value, "{text:?}");
        }
    }
}
