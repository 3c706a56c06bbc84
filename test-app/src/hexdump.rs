//! Bytes for people, in the form of `xxd`.

use std::fmt::Write;

const BYTES_PER_LINE: usize = 16;
const BYTES_PER_GROUP: usize = 2;
/// What the groups of a full line take, with the space behind each.
const GROUPS_WIDTH: usize = BYTES_PER_LINE / BYTES_PER_GROUP * (2 * BYTES_PER_GROUP + 1);

/// Lines of `offset: bytes in groups  characters`, where the first byte has the offset `first`.
#[must_use]
pub fn hexdump(first: u64, bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut offset = first;
    for line in bytes.chunks(BYTES_PER_LINE) {
        let groups: String = line
            .chunks(BYTES_PER_GROUP)
            .map(|group| crate::number::show_bytes(group) + " ")
            .collect();
        let characters: String = line.iter().copied().map(shown).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{offset:08x}: {groups:GROUPS_WIDTH$} {characters}");
        offset = offset.saturating_add(BYTES_PER_LINE as u64);
    }
    text
}

fn shown(byte: u8) -> char {
    if byte == b' ' || byte.is_ascii_graphic() {
        byte.into()
    } else {
        '.'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_that_of_xxd() {
        assert_eq!(
            hexdump(0x10, b"Hello, interrupt\x00\xFF!"),
            "00000010: 4865 6c6c 6f2c 2069 6e74 6572 7275 7074  Hello, interrupt\n\
             00000020: 00ff 21                                  ..!\n"
        );
        assert_eq!(hexdump(0, &[]), "");
    }
}
