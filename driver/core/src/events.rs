//! The events that apps wait for: numbered, and remembered for a while.
//!
//! An app says which event it has seen last and gets the next one. So two apps, or one that asks late, each get every
//! event, and the driver stores nothing for either of them.

use edu_spec::registers::Causes;
use edu_spec::wire::{Event, EventCursor};

use crate::{log::Taken, ring::Snapshot};

/// How many events are remembered.
pub const REMEMBERED: usize = 32;

/// The newest events.
///
/// # Invariants
/// Event number n, of the newest [`REMEMBERED`], is in slot n modulo [`REMEMBERED`].
#[derive(Clone, Debug)]
pub struct Events {
    newest: u64,
    slots: [Snapshot; REMEMBERED],
}

/// A cursor that lies after the newest event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FutureCursor;

impl Events {
    /// No event yet.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(REMEMBERED.is_power_of_two(), "slots are found by masking") };
        Self {
            newest: 0,
            slots: [const {
                Snapshot {
                    sequence: 0,
                    causes: Causes::empty(),
                    message: 0,
                }
            }; REMEMBERED],
        }
    }

    /// Numbers and remembers what was taken from a log. Returns whether an event was among it.
    #[expect(
        clippy::inline_always,
        reason = "it is a part of the DPC: docs/bench.md"
    )]
    #[inline(always)]
    pub fn record(&mut self, taken: &Taken) -> bool {
        let newest = self.newest;
        if taken.has_forgotten() {
            self.record_forgotten(taken);
        }
        for snapshot in taken.remembered() {
            self.push(snapshot);
        }
        self.newest != newest
    }

    #[cold]
    #[inline(never)]
    fn record_forgotten(&mut self, taken: &Taken) {
        if let Some(forgotten) = taken.forgotten() {
            self.push(forgotten);
        }
    }

    /// Numbers and remembers an interrupt, if software raised a cause of it. Returns whether.
    #[inline]
    pub fn push(&mut self, snapshot: Snapshot) -> bool {
        if !snapshot.causes.intersects(Causes::SOFTWARE) {
            return false;
        }
        self.newest += 1;
        if let Some(slot) = self.slots.get_mut(slot(self.newest)) {
            *slot = snapshot;
        }
        true
    }

    /// Number of the newest event, 0 if there was none.
    #[must_use]
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// The first event after a cursor, `None` if it is yet to come.
    ///
    /// # Errors
    /// The cursor is after the newest event.
    pub fn after(&self, cursor: EventCursor) -> Result<Option<Event>, FutureCursor> {
        let Some(unseen) = self.newest.checked_sub(cursor.0) else {
            return Err(FutureCursor);
        };
        if unseen == 0 {
            return Ok(None);
        }
        let missed = unseen.saturating_sub(REMEMBERED as u64);
        let number = cursor.0 + missed + 1;
        let snapshot = self.slots.get(slot(number)).copied().unwrap_or_default();
        Ok(Some(Event {
            number,
            interrupt: snapshot.sequence,
            missed,
            causes: snapshot.causes & Causes::SOFTWARE,
            message: snapshot.message,
        }))
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

/// The slot of an event.
#[expect(
    clippy::cast_possible_truncation,
    reason = "only the low bits are used"
)]
const fn slot(number: u64) -> usize {
    number as usize & (REMEMBERED - 1)
}
