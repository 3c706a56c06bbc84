//! The kernel's printf: what DbgPrint, `_vsnprintf` and relatives make of a format and arguments.

use crate::Kernel;

/// The most characters a string argument gives.
const LONGEST: u64 = 4096;

/// Where the arguments of a format come from, each 8 bytes wide.
pub(super) type Arguments<'a> = &'a mut dyn FnMut() -> u64;

/// A conversion without its letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "printf has that many flags")]
struct Shape {
    left: bool,
    zeros: bool,
    sign: bool,
    prefix: bool,
    width: usize,
    precision: Option<usize>,
    /// 8-byte numbers.
    long: bool,
    /// 2-byte characters; by the letter's own rule where there is no `h`, `l` or `w`.
    wide: Option<bool>,
}

/// The text of a format. `wide` says whether the format itself has 2-byte characters: then so do the
/// arguments of a plain `%s`.
pub(super) fn formatted(kernel: &Kernel, pattern: &str, wide: bool, next: Arguments<'_>) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        let (shape, letter, behind) = shape(&rest[at + 1..], next);
        rest = behind;
        match letter {
            None => return text,
            Some('%') => text.push('%'),
            Some(letter) => text.push_str(&converted(kernel, letter, shape, wide, next)),
        }
    }
    text.push_str(rest);
    text
}

/// Flags, width, precision and size of a conversion, its letter, and what follows.
fn shape<'a>(pattern: &'a str, next: Arguments<'_>) -> (Shape, Option<char>, &'a str) {
    let mut shape = Shape::default();
    let mut rest = pattern;
    loop {
        match rest.as_bytes().first() {
            Some(b'-') => shape.left = true,
            Some(b'0') => shape.zeros = true,
            Some(b'+') => shape.sign = true,
            Some(b'#') => shape.prefix = true,
            Some(b' ') => {}
            _ => break,
        }
        rest = &rest[1..];
    }
    (shape.width, rest) = number_in(rest, next);
    if let Some(behind) = rest.strip_prefix('.') {
        let (precision, behind) = number_in(behind, next);
        (shape.precision, rest) = (Some(precision), behind);
    }
    for (size, long, wide) in [
        ("I64", true, None),
        ("I32", false, None),
        ("I", true, None),
        ("ll", true, None),
        ("l", false, Some(true)),
        ("w", false, Some(true)),
        ("hh", false, Some(false)),
        ("h", false, Some(false)),
        ("z", true, None),
        ("j", true, None),
        ("t", true, None),
    ] {
        if let Some(behind) = rest.strip_prefix(size) {
            (shape.long, shape.wide, rest) = (long, wide, behind);
            break;
        }
    }
    let mut characters = rest.chars();
    let letter = characters.next();
    (shape, letter, characters.as_str())
}

/// A number at the beginning of a text, or the next argument for `*`.
fn number_in<'a>(text: &'a str, next: Arguments<'_>) -> (usize, &'a str) {
    if let Some(behind) = text.strip_prefix('*') {
        return (next() as u32 as usize, behind);
    }
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    (text[..end].parse().unwrap_or(0), &text[end..])
}

fn converted(
    kernel: &Kernel,
    letter: char,
    shape: Shape,
    wide: bool,
    next: Arguments<'_>,
) -> String {
    let body = match letter {
        's' | 'S' | 'Z' => {
            let wide = shape.wide.unwrap_or(wide != (letter == 'S'));
            let mut text = string(kernel, next(), wide, letter == 'Z');
            if let Some(precision) = shape.precision {
                text = text.chars().take(precision).collect();
            }
            text
        }
        'c' | 'C' => char::from_u32(next() as u32 & 0xFFFF).map_or_else(String::new, String::from),
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' | 'p' => number(letter, shape, next()),
        other => return format!("%{other}"),
    };
    let missing = shape.width.saturating_sub(body.chars().count());
    let numeric = !matches!(letter, 's' | 'S' | 'Z' | 'c' | 'C');
    if shape.left {
        body + &" ".repeat(missing)
    } else if shape.zeros && numeric && shape.precision.is_none() {
        let (sign, digits) = body.split_at(body.len() - body.trim_start_matches(['-', '+']).len());
        format!("{sign}{}{digits}", "0".repeat(missing))
    } else {
        " ".repeat(missing) + &body
    }
}

/// A string argument: up to a zero, or a counted one.
fn string(kernel: &Kernel, address: u64, wide: bool, counted: bool) -> String {
    if address == 0 {
        return "(null)".to_owned();
    }
    if counted && wide {
        return kernel.text_at(address);
    }
    let (address, limit) = if counted {
        // ANSI_STRING: Length, MaximumLength, Buffer.
        let length: u16 = kernel.memory.read(address);
        (kernel.memory.read(address + 8), length.into())
    } else {
        (address, LONGEST)
    };
    if wide {
        let units = (0..limit).map(|index| kernel.memory.read::<u16>(address + 2 * index));
        let units: Vec<_> = units.take_while(|&unit| unit != 0).collect();
        return String::from_utf16_lossy(&units);
    }
    let bytes = (0..limit).map(|index| kernel.memory.read::<u8>(address + index));
    let bytes: Vec<_> = bytes.take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A number as its conversion shows it; the lower half of the argument where it is not long.
fn number(letter: char, shape: Shape, argument: u64) -> String {
    let unsigned = if shape.long || letter == 'p' {
        argument
    } else {
        argument & 0xFFFF_FFFF
    };
    let signed = if shape.long {
        argument.cast_signed()
    } else {
        i64::from((argument as u32).cast_signed())
    };
    let digits = match letter {
        'p' => return format!("{unsigned:016X}"),
        'x' => format!("{unsigned:x}"),
        'X' => format!("{unsigned:X}"),
        'o' => format!("{unsigned:o}"),
        'u' => unsigned.to_string(),
        _ => signed.unsigned_abs().to_string(),
    };
    let missing = shape.precision.unwrap_or(0).saturating_sub(digits.len());
    let digits = "0".repeat(missing) + &digits;
    match letter {
        'd' | 'i' if signed < 0 => format!("-{digits}"),
        'd' | 'i' if shape.sign => format!("+{digits}"),
        'x' if shape.prefix && unsigned != 0 => format!("0x{digits}"),
        'X' if shape.prefix && unsigned != 0 => format!("0X{digits}"),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::{number, shape};

    /// A conversion of a number, without its padding.
    fn shown(conversion: &str, argument: u64) -> String {
        let (shape, letter, _) = shape(conversion, &mut || 0);
        number(letter.expect("a letter"), shape, argument)
    }

    #[test]
    fn numbers_are_shown_as_their_conversions_say() {
        for (conversion, argument, text) in [
            ("d", 0xFFFF_FFFF, "-1"),
            ("I64d", 0xFFFF_FFFF, "4294967295"),
            ("u", u64::MAX, "4294967295"),
            ("llx", 0xABC, "abc"),
            ("X", 0xABC, "ABC"),
            ("#x", 0xABC, "0xabc"),
            (".4d", 7, "0007"),
            ("+i", 7, "+7"),
            ("p", 0x10, "0000000000000010"),
        ] {
            assert_eq!(shown(conversion, argument), text, "%{conversion}");
        }
    }

    #[test]
    fn a_conversion_has_flags_a_width_a_precision_and_a_size() {
        let (shape, letter, rest) = shape("-08.3I64x rest", &mut || 0);
        assert!(shape.left && shape.zeros && shape.long);
        assert_eq!((shape.width, shape.precision), (8, Some(3)));
        assert_eq!((letter, rest), (Some('x'), " rest"));
    }
}
