//! Numbers as people write them.

use std::{
    fmt::Write,
    num::{IntErrorKind, ParseIntError},
};

/// A 32-bit number in decimal, or in hexadecimal after `0x`; `_` may separate digits.
///
/// # Errors
/// What is wrong with it, for people.
pub fn parse_u32(text: &str) -> Result<u32, String> {
    parse(text, u32::from_str_radix, "above 4294967295 (0xFFFFFFFF)")
}

fn parse<T>(
    text: &str,
    from_digits: fn(&str, u32) -> Result<T, ParseIntError>,
    too_large: &str,
) -> Result<T, String> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // `from_str_radix` would take a sign.
    if digits.starts_with(['+', '-']) {
        return Err("a number without a sign is wanted".into());
    }
    from_digits(&digits.replace('_', ""), radix).map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => too_large.into(),
        _ => "a decimal number, or a hexadecimal one after 0x, is wanted".into(),
    })
}

/// An 8-bit number, written as [`parse_u32`] reads one.
///
/// # Errors
/// What is wrong with it, for people.
pub fn parse_u8(text: &str) -> Result<u8, String> {
    u8::try_from(parse_u32(text)?).map_err(|_| "above 255 (0xFF)".into())
}

/// A 64-bit number, written as [`parse_u32`] reads one.
///
/// # Errors
/// What is wrong with it, for people.
pub fn parse_u64(text: &str) -> Result<u64, String> {
    parse(
        text,
        u64::from_str_radix,
        "above 18446744073709551615 (0xFFFFFFFFFFFFFFFF)",
    )
}

/// Bytes as pairs of hexadecimal digits, the first byte first.
///
/// # Errors
/// What is wrong with them, for people.
pub fn parse_bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|digit| *digit != '_')
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    let digits = digits.ok_or("hexadecimal digits are wanted")?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
    } else {
        Err("an even number of hexadecimal digits is wanted".into())
    }
}

/// Bytes as [`parse_bytes`] reads them.
#[must_use]
pub fn show_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_or_hexadecimal() {
        assert_eq!(parse_u32("12"), Ok(12));
        assert_eq!(parse_u32("0x12"), Ok(0x12));
        assert_eq!(parse_u32("0XffffFFFF"), Ok(u32::MAX));
        assert_eq!(parse_u32("4_294_967_295"), Ok(u32::MAX));
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for text in ["", "0x", "x12", "1 2", "12.0", "twelve", "_"] {
            let reason = parse_u32(text).unwrap_err();
            assert!(reason.contains("decimal"), "{text}: {reason}");
        }
        for text in ["-1", "+1", "0x-1"] {
            assert!(parse_u32(text).unwrap_err().contains("sign"), "{text}");
        }
        for text in ["4294967296", "0x100000000"] {
            assert!(parse_u32(text).unwrap_err().contains("above"), "{text}");
        }
    }

    #[test]
    fn each_width_has_its_limit() {
        assert_eq!(parse_u8("0xFF"), Ok(u8::MAX));
        assert_eq!(parse_u8("256"), Err("above 255 (0xFF)".into()));
        assert_eq!(parse_u64("0xFFFF_FFFF_FFFF_FFFF"), Ok(u64::MAX));
        assert!(
            parse_u64("18446744073709551616")
                .unwrap_err()
                .contains("above")
        );
    }

    #[test]
    fn bytes_are_pairs_of_hexadecimal_digits() {
        assert_eq!(parse_bytes("00ff_1A"), Ok(vec![0, 0xFF, 0x1A]));
        assert_eq!(parse_bytes(""), Ok(vec![]));
        assert!(parse_bytes("0").is_err());
        assert!(parse_bytes("0g").is_err());
        assert_eq!(show_bytes(&[0, 0xFF, 0x1A]), "00ff1a");
    }
}
