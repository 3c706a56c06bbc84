//! What events say about themselves and their provider, made by the compiler.

/// `TlgInUINT64`
const TYPE_U64: u8 = 10;

/// Bytes of [`schema`]: its length, no tags, the name, and for each value name and type.
///
/// No example: [`event!`](crate::event) calls it.
#[must_use]
pub const fn schema_bytes(name: &str, values: &[&str]) -> usize {
    let mut bytes = 2 + 1 + name.len() + 1;
    let mut index = 0;
    while index < values.len() {
        bytes += values[index].len() + 2;
        index += 1;
    }
    bytes
}

/// What an event says about itself: its name and those of its values, all of them 64-bit numbers.
///
/// No example: [`event!`](crate::event) calls it.
///
/// # Panics
/// `BYTES` is not [`schema_bytes`]. In a static, that is an error of the compiler.
#[must_use]
pub const fn schema<const BYTES: usize>(name: &str, values: &[&str]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let mut at = put(&mut bytes, 3, name);
    let mut index = 0;
    while index < values.len() {
        at = put(&mut bytes, at, values[index]);
        bytes[at] = TYPE_U64;
        at += 1;
        index += 1;
    }
    assert!(at == BYTES);
    with_length(bytes)
}

/// What every event says about its provider: its length and its name.
///
/// # Panics
/// `BYTES` is not three more than the name has. In a static, that is an error of the compiler.
#[must_use]
pub const fn provider_metadata<const BYTES: usize>(name: &str) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let end = put(&mut bytes, 2, name);
    assert!(end == BYTES);
    with_length(bytes)
}

/// Puts text and a terminating 0 there; returns where it ends.
const fn put(bytes: &mut [u8], at: usize, text: &str) -> usize {
    let text = text.as_bytes();
    let mut index = 0;
    while index < text.len() {
        bytes[at + index] = text[index];
        index += 1;
    }
    at + text.len() + 1
}

/// Puts the length into the first two bytes.
const fn with_length<const BYTES: usize>(mut bytes: [u8; BYTES]) -> [u8; BYTES] {
    assert!(BYTES <= u16::MAX as usize);
    let [low, high, ..] = BYTES.to_le_bytes();
    bytes[0] = low;
    bytes[1] = high;
    bytes
}
