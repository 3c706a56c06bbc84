//! What memory holds before anybody has written to it, where it must be told from all that is written:
//! a pattern that the salt of a run and the address decide, with no byte of all zeros or all ones.

use super::{Memory, pointer};

/// The longest output of which pieces of [`SHORT`] bytes are looked at; of a longer one pieces of
/// [`LONG`] bytes are.
const FEW: u64 = 64;
const SHORT: u64 = 4;
const LONG: u64 = 8;

impl Memory {
    /// Fills memory of the driver's with the pattern.
    pub fn fill_with_pattern(&self, address: u64, bytes: u64) {
        for at in address..address + bytes {
            // SAFETY: callers pass memory that was just allocated, and is the driver's to write.
            unsafe { pointer(at).write(self.pattern_at(at)) };
        }
    }

    /// The first piece of memory from `address` on, between two offsets, that still holds the pattern it
    /// was filled with: from where to where.
    ///
    /// A piece is four bytes, or eight of more than 64, at an offset that is a multiple of its length.
    /// What was written there by chance is as likely as one in 2³² or 2⁶⁴, and a byte that a piece
    /// shares with others tells nothing.
    pub fn first_unwritten(&self, address: u64, from: u64, to: u64) -> Option<(u64, u64)> {
        let piece = if to - from > FEW { LONG } else { SHORT };
        let is_unwritten = |offset: u64| {
            (offset..offset + piece).all(|offset| {
                self.read::<u8>(address + offset) == self.pattern_at(address + offset)
            })
        };
        let mut pieces = (from.next_multiple_of(piece)..(to + 1).saturating_sub(piece))
            .step_by(piece as usize)
            .skip_while(|&offset| !is_unwritten(offset));
        let first = pieces.next()?;
        let more = pieces.take_while(|&offset| is_unwritten(offset)).count() as u64;
        Some((first, first + (1 + more) * piece))
    }

    /// The pattern's byte at an address.
    fn pattern_at(&self, address: u64) -> u8 {
        let word = self.relative(address & !7).unwrap_or(address & !7);
        let byte = mixed(self.salt ^ mixed(word)).to_le_bytes()[(address % 8) as usize];
        match byte {
            0 => 0x5B,
            u8::MAX => 0xA4,
            byte => byte,
        }
    }
}

/// A value of which each bit depends on each bit of another (SplitMix64).
const fn mixed(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::Checks, memory::Purpose};

    fn filled(bytes: u64, salt: u64) -> (Memory, u64) {
        let memory = Memory::new(Checks::All, salt).expect("there is address space");
        let purpose = Purpose::System { what: "a buffer" };
        let address = memory
            .allocate(bytes, false, purpose)
            .expect("there is room");
        memory.fill_with_pattern(address, bytes);
        (memory, address)
    }

    #[test]
    fn what_nobody_has_written_to_is_found() {
        let (memory, address) = filled(24, 1);
        assert_eq!(memory.first_unwritten(address, 0, 24), Some((0, 24)));
        memory.write(address, &[0_u8; 4]);
        memory.write(address + 8, &[0_u8; 16]);
        assert_eq!(memory.first_unwritten(address, 0, 24), Some((4, 8)));
        assert_eq!(memory.first_unwritten(address, 0, 7), None);
        memory.write(address + 5, &0_u8);
        assert_eq!(memory.first_unwritten(address, 0, 24), None);
    }

    #[test]
    fn what_an_app_has_put_in_front_does_not_count() {
        let (memory, address) = filled(16, 1);
        memory.write(address, &[1_u8; 5]);
        assert_eq!(memory.first_unwritten(address, 5, 16), Some((8, 16)));
        assert_eq!(memory.first_unwritten(address, 5, 5), None);
    }

    #[test]
    fn of_much_memory_pieces_of_eight_bytes_are_looked_at() {
        let (memory, address) = filled(4096, 1);
        for piece in (0..4096).step_by(8) {
            memory.write(address + piece, &[0_u8; 4]);
        }
        assert_eq!(memory.first_unwritten(address, 0, 4096), None);
        let (memory, address) = filled(4096, 1);
        memory.write(address, &[0_u8; 16]);
        memory.write(address + 32, &[0_u8; 4000]);
        assert_eq!(memory.first_unwritten(address, 0, 4096), Some((16, 32)));
    }

    #[test]
    fn the_pattern_is_another_with_each_salt_and_at_each_address() {
        let bytes = |salt| {
            let (memory, address) = filled(4096, salt);
            memory.read_bytes(address, 4096)
        };
        let (one, other) = (bytes(1), bytes(2));
        let pieces: std::collections::BTreeSet<_> = one.chunks(8).chain(other.chunks(8)).collect();
        assert_eq!(pieces.len(), 1024);
        assert_eq!(one, bytes(1));
        assert!(one.iter().all(|byte| ![0, 0xFF].contains(byte)));
    }
}
