//! Pool as it is without special pool: allocations side by side, and nothing between or behind them.

use std::cell::Cell;

use super::{Memory, Purpose, protect};

/// How much address space is made accessible at once.
const CHUNK: u64 = 1 << 18;

/// Accessible room that is not given out yet. All of it is zero: what was freed is not given out again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    next: u64,
    end: u64,
}

impl Memory {
    /// Allocates zeroed memory beside what was allocated before, aligned to 16 bytes.
    pub(super) fn pack(&self, room: &Cell<Room>, bytes: u64, purpose: Purpose) -> Option<u64> {
        let taken = bytes.max(1).next_multiple_of(16);
        let mut left = room.get();
        if left.end - left.next < taken {
            let base = self.pool.take(CHUNK)?;
            protect(base, CHUNK, libc::PROT_READ | libc::PROT_WRITE);
            left = Room {
                next: base,
                end: base + CHUNK,
            };
        }
        let address = left.next;
        left.next += taken;
        room.set(left);
        self.allocated(address, bytes, purpose, true);
        Some(address)
    }
}
