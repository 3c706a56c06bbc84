//! Text that a driver makes: for the debugger, or for itself.

use kmdf_machine::{Event, cpu::stub::Call};

use super::{format::formatted, string::wide_text};
use crate::{Kernel, services};

/// The most bytes DbgPrint transmits at once.
const LONGEST: usize = 512;

services! {
    DbgPrint <= HIGH => print;
    DbgPrintEx <= HIGH => print_ex;
    vDbgPrintEx <= HIGH => print_list;
    _snprintf <= HIGH => narrow_arguments;
    _vsnprintf <= HIGH => narrow_list;
    _snwprintf <= HIGH => wide_arguments;
    _vsnwprintf <= HIGH => wide_list;
}

/// DbgPrint(Format, …)
fn print(kernel: &Kernel, call: &Call) -> u32 {
    say(kernel, call, 0)
}

/// DbgPrintEx(ComponentId, Level, Format, …)
fn print_ex(kernel: &Kernel, call: &Call) -> u32 {
    say(kernel, call, 2)
}

/// vDbgPrintEx(ComponentId, Level, Format, ArgumentList)
fn print_list(kernel: &Kernel, call: &Call) -> u32 {
    let pattern = narrow_text(kernel, call.arg(2));
    let text = formatted(kernel, &pattern, false, &mut list(kernel, call.arg(3)));
    record(kernel, &text)
}

fn say(kernel: &Kernel, call: &Call, format: usize) -> u32 {
    let pattern = narrow_text(kernel, call.arg(format));
    let text = formatted(kernel, &pattern, false, &mut following(call, format));
    record(kernel, &text)
}

fn record(kernel: &Kernel, text: &str) -> u32 {
    let text = text.trim_end().chars().take(LONGEST).collect();
    kernel.record(Event::DebugPrint { text });
    0
}

/// The arguments behind the one at an index.
fn following(call: &Call, mut index: usize) -> impl FnMut() -> u64 {
    move || {
        index += 1;
        call.arg(index)
    }
}

/// The arguments of a `va_list`, which on x64 points at 8-byte slots.
fn list(kernel: &Kernel, mut address: u64) -> impl FnMut() -> u64 {
    move || {
        address += 8;
        kernel.memory.read(address - 8)
    }
}

/// The text at an address, in bytes up to a zero.
fn narrow_text(kernel: &Kernel, address: u64) -> String {
    let bytes = (0..u64::from(u16::MAX)).map(|offset| kernel.memory.read::<u8>(address + offset));
    let bytes: Vec<_> = bytes.take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `_snprintf(buffer, count, format, …)`
fn narrow_arguments(kernel: &Kernel, call: &Call) -> u32 {
    let pattern = narrow_text(kernel, call.arg(2));
    let text = formatted(kernel, &pattern, false, &mut following(call, 2));
    put_narrow(kernel, call, &text)
}

/// `_vsnprintf(buffer, count, format, argptr)`
fn narrow_list(kernel: &Kernel, call: &Call) -> u32 {
    let pattern = narrow_text(kernel, call.arg(2));
    let text = formatted(kernel, &pattern, false, &mut list(kernel, call.arg(3)));
    put_narrow(kernel, call, &text)
}

/// `_snwprintf(buffer, count, format, …)`
fn wide_arguments(kernel: &Kernel, call: &Call) -> u32 {
    let pattern = wide_text(kernel, call.arg(2));
    let text = formatted(kernel, &pattern, true, &mut following(call, 2));
    put_wide(kernel, call, &text)
}

/// `_vsnwprintf(buffer, count, format, argptr)`
fn wide_list(kernel: &Kernel, call: &Call) -> u32 {
    let pattern = wide_text(kernel, call.arg(2));
    let text = formatted(kernel, &pattern, true, &mut list(kernel, call.arg(3)));
    put_wide(kernel, call, &text)
}

fn put_narrow(kernel: &Kernel, call: &Call, text: &str) -> u32 {
    let units: Vec<_> = text.bytes().map(|byte| [byte]).collect();
    put(kernel, call, &units)
}

fn put_wide(kernel: &Kernel, call: &Call, text: &str) -> u32 {
    let units: Vec<_> = text.encode_utf16().map(u16::to_le_bytes).collect();
    put(kernel, call, &units)
}

/// What fits, with a zero if that fits, too; how many characters there are, or -1 for too many.
fn put<const BYTES: usize>(kernel: &Kernel, call: &Call, units: &[[u8; BYTES]]) -> u32 {
    let room = usize::try_from(call.arg(1)).unwrap_or(usize::MAX);
    let mut bytes = units[..units.len().min(room)].as_flattened().to_vec();
    if units.len() < room {
        bytes.extend([0; BYTES]);
    }
    kernel.memory.write_bytes(call.arg(0), &bytes);
    if units.len() > room {
        u32::MAX
    } else {
        u32::try_from(units.len()).unwrap_or(u32::MAX)
    }
}
