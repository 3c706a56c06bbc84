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
                Some(conversion @ ('d' | 'i' | 'u' | 'x' | 'X' | 'p')) => {
                    text.push_str(&number(conversion, long == 2, argument()));
                }
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

/// A number as its conversion shows it; the lower half of the argument where it is not `wide`.
fn number(conversion: char, wide: bool, argument: u64) -> String {
    let unsigned = if wide || conversion == 'p' {
        argument
    } else {
        argument & 0xFFFF_FFFF
    };
    match conversion {
        'p' => format!("{unsigned:016X}"),
        'x' => format!("{unsigned:x}"),
        'X' => format!("{unsigned:X}"),
        'u' => unsigned.to_string(),
        _ if wide => argument.cast_signed().to_string(),
        _ => (argument as u32).cast_signed().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_shown_as_their_conversions_say() {
        assert_eq!(number('d', false, 0xFFFF_FFFF), "-1");
        assert_eq!(number('d', true, 0xFFFF_FFFF), "4294967295");
        assert_eq!(number('u', false, u64::MAX), "4294967295");
        assert_eq!(number('x', true, 0xABC), "abc");
        assert_eq!(number('X', false, 0xABC), "ABC");
        assert_eq!(number('p', false, 0x10), "0000000000000010");
    }
}
