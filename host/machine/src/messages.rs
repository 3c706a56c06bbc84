//! The messages of a function: its MSI-X table and pending bits, and which messages are held back.
//!
//! A function with a configuration space of its own keeps its table itself; here is what the table holds,
//! and every change is handed on. For another the table is played, where its capability says.

use std::cell::RefCell;

use kmdf_bus::{Msix, Width};

use crate::{Machine, slot::Slot};

/// Where messages are written to on this architecture.
const MESSAGE_ADDRESS: u32 = 0xFEE0_0000;
/// Bytes of an entry, and where in it the vector control is.
const ENTRY_BYTES: u64 = 16;
const VECTOR_CONTROL: u64 = 12;

/// One entry of the table.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The message that it sends.
    message: u32,
    /// Whether the driver masked it.
    masked: bool,
    /// Whether anybody expects its message.
    expected: bool,
    /// Whether a message is held back.
    pending: bool,
}

/// The table of a function; empty for one without MSI-X.
#[derive(Debug, Default)]
pub(crate) struct MessageTable {
    entries: RefCell<Vec<Entry>>,
}

impl Entry {
    /// Whether its message is held back: as the table says it, masked.
    const fn is_held_back(self) -> bool {
        self.masked || !self.expected
    }
}

impl MessageTable {
    pub(super) fn new(msix: Option<Msix>) -> Self {
        let count = msix.map_or(0, |msix| msix.messages);
        let entries = (0..u32::from(count)).map(|number| Entry {
            message: number,
            masked: false,
            expected: false,
            pending: false,
        });
        Self {
            entries: RefCell::new(entries.collect()),
        }
    }

    /// Nothing is held back any more: the function was stopped.
    pub(super) fn clear_pending(&self) {
        for entry in self.entries.borrow_mut().iter_mut() {
            entry.pending = false;
        }
    }

    /// The message that an entry sends, unless it is masked: then it is pending.
    fn send(&self, number: u32) -> Option<u32> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.get_mut(number as usize)?;
        let held_back = entry.is_held_back();
        entry.pending |= held_back;
        (!held_back).then_some(entry.message)
    }

    /// What is read of the table at an offset: a dword.
    fn read(&self, offset: u64) -> u32 {
        let entries = self.entries.borrow();
        let entry = entries[(offset / ENTRY_BYTES) as usize];
        match offset % ENTRY_BYTES {
            0 => MESSAGE_ADDRESS,
            8 => entry.message,
            VECTOR_CONTROL => u32::from(entry.is_held_back()),
            _ => 0,
        }
    }

    /// The pending bits from a bit on.
    fn pending_bits(&self, first: u64) -> u64 {
        let entries = self.entries.borrow();
        let from = entries.iter().skip(first as usize).take(64);
        from.enumerate().fold(0, |bits, (index, entry)| {
            bits | u64::from(entry.pending) << index
        })
    }
}

/// A place in a BAR that is not the function's own.
enum Place {
    Table(u64),
    Pending(u64),
}

impl Slot {
    /// What of MSI-X lies at an offset of a BAR, for a function whose table is played.
    fn message_place(&self, bar: u8, offset: u64) -> Option<Place> {
        let msix = self.identity.msix.filter(|_| self.config.is_some())?;
        let count = u64::from(msix.messages);
        let within = |(index, start): (u8, u32), bytes: u64| {
            let offset = offset.checked_sub(start.into())?;
            (index == bar && offset < bytes).then_some(offset)
        };
        within(msix.table, count * ENTRY_BYTES)
            .map(Place::Table)
            .or_else(|| within(msix.pending, count.div_ceil(64) * 8).map(Place::Pending))
    }
}

impl Machine {
    /// Reads the played MSI-X table or its pending bits, if they lie there.
    pub(super) fn read_messages(
        &self,
        slot: usize,
        bar: u8,
        offset: u64,
        width: Width,
    ) -> Option<u64> {
        let slot = &self.slots[slot];
        let value = match slot.message_place(bar, offset)? {
            Place::Table(offset) => {
                let low = offset & !3;
                let high = match width {
                    Width::Qword if low % ENTRY_BYTES != VECTOR_CONTROL => {
                        slot.messages.read(low + 4)
                    }
                    _ => 0,
                };
                let value = u64::from(high) << 32 | u64::from(slot.messages.read(low));
                value >> (8 * (offset - low))
            }
            Place::Pending(offset) => slot.messages.pending_bits(8 * offset),
        };
        Some(value & width.all_ones())
    }

    /// Writes the played MSI-X table, if it lies there: masks an entry, or unmasks it. Where messages go
    /// is not the driver's to say.
    pub(super) fn write_messages(
        &self,
        slot: usize,
        bar: u8,
        offset: u64,
        width: Width,
        value: u64,
    ) -> bool {
        let Some(place) = self.slots[slot].message_place(bar, offset) else {
            return false;
        };
        if let Place::Table(offset) = place {
            let control = match (offset % ENTRY_BYTES, width) {
                (VECTOR_CONTROL, _) => Some(value),
                (8, Width::Qword) => Some(value >> 32),
                _ => None,
            };
            if let Some(control) = control {
                let number = (offset / ENTRY_BYTES) as u32;
                self.mask_message(slot, number, control & 1 != 0);
            }
        }
        true
    }

    /// The message that a function sends when it signals one: none while that is masked.
    fn routed(&self, slot: usize, message: u32) -> Option<u32> {
        let slot = &self.slots[slot];
        if slot.identity.msix.is_none() || slot.config.is_none() {
            return Some(message);
        }
        slot.messages.send(message)
    }

    /// How many entries the table of the function in a slot has.
    pub fn message_entries(&self, slot: usize) -> u32 {
        // A table has 2048 entries at most.
        self.slots[slot].messages.entries.borrow().len() as u32
    }

    /// The message that an entry sends, and whether it is masked.
    pub fn message_entry(&self, slot: usize, number: u32) -> Option<(u32, bool)> {
        let entries = self.slots[slot].messages.entries.borrow();
        let entry = entries.get(number as usize)?;
        Some((entry.message, entry.is_held_back()))
    }

    /// Whether the function in a slot was granted a message.
    pub fn has_message(&self, slot: usize, message: u32) -> bool {
        self.slots[slot].granted_messages() > message
    }

    /// Has an entry send another message.
    pub fn set_message(&self, slot: usize, number: u32, message: u32) {
        let expected = self.expects_message(slot, message);
        self.change_entry(slot, number, |entry| {
            entry.message = message;
            entry.expected = expected;
        });
    }

    /// Masks an entry for the driver, or unmasks it.
    pub fn mask_message(&self, slot: usize, number: u32, masked: bool) {
        self.change_entry(slot, number, |entry| entry.masked = masked);
    }

    /// Somebody expects a message now, or nobody does any more.
    pub(super) fn message_expected(&self, slot: usize, message: u32, expected: bool) {
        for number in 0..self.message_entries(slot) {
            let sends =
                self.slots[slot].messages.entries.borrow()[number as usize].message == message;
            if sends {
                self.change_entry(slot, number, |entry| entry.expected = expected);
            }
        }
    }

    /// Writes the table of a function that has just been started, and keeps one of its own.
    pub(super) fn restore_messages(&self, slot: usize) {
        if self.slots[slot].config.is_none() {
            for number in 0..self.message_entries(slot) {
                self.change_entry(slot, number, |_| {});
            }
        }
    }

    fn change_entry(&self, slot: usize, number: u32, change: impl FnOnce(&mut Entry)) {
        let messages = &self.slots[slot].messages;
        let Some(mut entry) = messages.entries.borrow().get(number as usize).copied() else {
            return;
        };
        change(&mut entry);
        let masked = entry.is_held_back();
        let late = !masked && std::mem::take(&mut entry.pending);
        messages.entries.borrow_mut()[number as usize] = entry;
        if self.slots[slot].config.is_none() {
            let result = self.operate(slot, |function, bus| {
                function.set_message(bus, number, entry.message, masked)
            });
            self.device_result(result);
        } else if late {
            self.deliver_message(slot, entry.message);
        }
    }

    /// Takes a message that was signaled.
    pub(super) fn take_message(&self, slot: usize, message: u32) {
        if let Some(message) = self.routed(slot, message) {
            self.deliver_message(slot, message);
        }
    }
}
