//! Text that a driver makes: for the debugger, or for itself.

use super::{format::formatted, string::wide_text};
use crate::{cpu::stub::Call, event::Event, host::Host, service::services};

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
fn print(host: &Host, call: &Call) -> u32 {
    say(host, call, 0)
}

/// DbgPrintEx(ComponentId, Level, Format, …)
fn print_ex(host: &Host, call: &Call) -> u32 {
    say(host, call, 2)
}

/// vDbgPrintEx(ComponentId, Level, Format, ArgumentList)
fn print_list(host: &Host, call: &Call) -> u32 {
    let pattern = narrow_text(host, call.arg(2));
    let text = formatted(host, &pattern, false, &mut list(host, call.arg(3)));
    record(host, &text)
}

fn say(host: &Host, call: &Call, format: usize) -> u32 {
    let pattern = narrow_text(host, call.arg(format));
    let text = formatted(host, &pattern, false, &mut following(call, format));
    record(host, &text)
}

fn record(host: &Host, text: &str) -> u32 {
    let text = text.trim_end().chars().take(LONGEST).collect();
    host.record(Event::DebugPrint { text });
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
fn list(host: &Host, mut address: u64) -> impl FnMut() -> u64 {
    move || {
        address += 8;
        host.memory.read(address - 8)
    }
}

/// The text at an address, in bytes up to a zero.
fn narrow_text(host: &Host, address: u64) -> String {
    let bytes = (0..u64::from(u16::MAX)).map(|offset| host.memory.read::<u8>(address + offset));
    let bytes: Vec<_> = bytes.take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `_snprintf(buffer, count, format, …)`
fn narrow_arguments(host: &Host, call: &Call) -> u32 {
    let pattern = narrow_text(host, call.arg(2));
    let text = formatted(host, &pattern, false, &mut following(call, 2));
    put_narrow(host, call, &text)
}

/// `_vsnprintf(buffer, count, format, argptr)`
fn narrow_list(host: &Host, call: &Call) -> u32 {
    let pattern = narrow_text(host, call.arg(2));
    let text = formatted(host, &pattern, false, &mut list(host, call.arg(3)));
    put_narrow(host, call, &text)
}

/// `_snwprintf(buffer, count, format, …)`
fn wide_arguments(host: &Host, call: &Call) -> u32 {
    let pattern = wide_text(host, call.arg(2));
    let text = formatted(host, &pattern, true, &mut following(call, 2));
    put_wide(host, call, &text)
}

/// `_vsnwprintf(buffer, count, format, argptr)`
fn wide_list(host: &Host, call: &Call) -> u32 {
    let pattern = wide_text(host, call.arg(2));
    let text = formatted(host, &pattern, true, &mut list(host, call.arg(3)));
    put_wide(host, call, &text)
}

fn put_narrow(host: &Host, call: &Call, text: &str) -> u32 {
    let units: Vec<_> = text.bytes().map(|byte| [byte]).collect();
    put(host, call, &units)
}

fn put_wide(host: &Host, call: &Call, text: &str) -> u32 {
    let units: Vec<_> = text.encode_utf16().map(u16::to_le_bytes).collect();
    put(host, call, &units)
}

/// What fits, with a zero if that fits, too; how many characters there are, or -1 for too many.
fn put<const BYTES: usize>(host: &Host, call: &Call, units: &[[u8; BYTES]]) -> u32 {
    let room = usize::try_from(call.arg(1)).unwrap_or(usize::MAX);
    let mut bytes = units[..units.len().min(room)].as_flattened().to_vec();
    if units.len() < room {
        bytes.extend([0; BYTES]);
    }
    host.memory.write_bytes(call.arg(0), &bytes);
    if units.len() > room {
        u32::MAX
    } else {
        u32::try_from(units.len()).unwrap_or(u32::MAX)
    }
}
