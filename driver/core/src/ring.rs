//! A ring of snapshots that overwrites the oldest when it is full.

use edu_spec::registers::Causes;

/// What one interrupt said, as the ISR saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Counts the interrupts of the device from 1; the same sequence for all its messages.
    pub sequence: u64,
    /// The interrupt status that was read and acknowledged.
    pub causes: Causes,
    /// The message that announced it; 0 for a line-based interrupt.
    pub message: u32,
}

/// Up to `N` snapshots in the order they were pushed.
///
/// # Invariants
/// `first < N` and `len <= N`, so that no sum below overflows.
#[derive(Clone, Debug)]
pub struct Ring<const N: usize> {
    slots: [Snapshot; N],
    first: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(N.is_power_of_two(), "slots are found by masking") };
        Self {
            slots: [const {
                Snapshot {
                    sequence: 0,
                    causes: Causes::empty(),
                    message: 0,
                }
            }; N],
            first: 0,
            len: 0,
        }
    }

    /// Adds a snapshot. Returns the oldest one if it was overwritten.
    #[inline]
    pub fn push(&mut self, snapshot: Snapshot) -> Option<Snapshot> {
        let slot = self.slots.get_mut((self.first + self.len) & (N - 1))?;
        let oldest = core::mem::replace(slot, snapshot);
        if self.len < N {
            self.len += 1;
            None
        } else {
            self.first = (self.first + 1) & (N - 1);
            Some(oldest)
        }
    }

    /// The snapshots, oldest first.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Snapshot> + '_ {
        (self.first..self.first + self.len)
            .filter_map(|index| self.slots.get(index & (N - 1)).copied())
    }

    /// How many snapshots wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}
