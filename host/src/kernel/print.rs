//! What a driver says to the debugger.

use crate::{cpu::stub::Call, event::Event, host::Host, service::services};

/// The most bytes DbgPrint transmits at once.
const LONGEST: usize = 512;

services! {
    DbgPrint <= HIGH => print;
    DbgPrintEx <= HIGH => print_ex;
}

fn print(host: &Host, call: &Call) -> u32 {
    say(host, call, 0)
}

/// DbgPrintEx(ComponentId, Level, Format, …)
fn print_ex(host: &Host, call: &Call) -> u32 {
    say(host, call, 2)
}

fn say(host: &Host, call: &Call, format: usize) -> u32 {
    let text = formatted(host, call, format);
    host.record(Event::DebugPrint {
        text: text.trim_end().to_owned(),
    });
    0
}

fn c_string(host: &Host, address: u64) -> String {
    if address == 0 {
        return "(null)".to_owned();
    }
    let bytes: Vec<u8> = (0..LONGEST as u64)
        .map(|offset| host.memory.read::<u8>(address + offset))
        .take_while(|&byte| byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Formats like DbgPrint: the conversions that drivers use, with flags and widths passed over.
fn formatted(host: &Host, call: &Call, format: usize) -> String {
    let pattern = c_string(host, call.arg(format));
    let mut next = format + 1;
    let mut argument = || {
        next += 1;
        call.arg(next - 1)
    };
    let mut text = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut wide = false;
        let mut long = 0;
        loop {
            match characters.next() {
                None => return text,
                Some('%') => text.push('%'),
                Some('l') => {
                    long += 1;
                    continue;
                }
                Some('I') => {
                    // I64 or I alone: 8 bytes on x64.
                    long = 2;
                    continue;
                }
                Some('w') => {
                    wide = true;
                    continue;
                }
                Some('0'..='9' | '.' | '-' | '+' | '#' | ' ' | 'z' | 'h') => continue,
                Some('s') if !wide => text.push_str(&c_string(host, argument())),
                Some('d' | 'i') if long == 2 => {
                    text.push_str(&argument().cast_signed().to_string())
                }
                Some('d' | 'i') => text.push_str(&(argument() as u32).cast_signed().to_string()),
                Some('u') if long == 2 => text.push_str(&argument().to_string()),
                Some('u') => text.push_str(&(argument() as u32).to_string()),
                Some('x' | 'X') if long == 2 => text.push_str(&format!("{:x}", argument())),
                Some('x' | 'X') => text.push_str(&format!("{:x}", argument() as u32)),
                Some('p') => text.push_str(&format!("{:016X}", argument())),
                Some('c') => text.push(char::from(argument() as u8)),
                Some(other) => {
                    text.push('%');
                    text.push(other);
                }
            }
            break;
        }
    }
    text
}
