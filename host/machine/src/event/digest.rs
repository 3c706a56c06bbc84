//! The digest of a run: one number that two runs share only if the same events happened in the
//! same order, at the same times, on the same processors.
//!
//! Addresses differ from one process to the next, so what goes in is where they lie in their own
//! space: an image's offset, the ordinal of a handle, the place in the pool.

use super::{Event, Record};

/// A running digest. Not cryptographic: it tells apart runs that differ by accident.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digest(u64);

impl Digest {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

    pub(super) const fn value(self) -> u64 {
        self.0
    }

    const fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(Self::FACTOR).rotate_left(29);
    }

    fn text(&mut self, text: &str) {
        self.word(text.len() as u64);
        for chunk in text.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// Takes in text in which the driver or the host may have printed addresses: numbers too long
    /// to be anything else are left out.
    fn text_with_addresses(&mut self, text: &str) {
        const SHORTEST_ADDRESS: usize = 9;
        for part in text.split(|character: char| !character.is_ascii_hexdigit()) {
            if part.len() < SHORTEST_ADDRESS {
                self.text(part);
            }
        }
    }

    /// Takes in an event. `relative` gives what stands for a value that may be an address.
    pub(super) fn record(&mut self, record: &Record, relative: impl Fn(u64) -> u64) {
        self.word(record.time.as_nanos());
        let place = record.processor.map_or(u64::MAX, u64::from);
        let flow = record.flow.map_or(u64::MAX, u64::from);
        self.word(place ^ flow << 8 ^ u64::from(record.irql.level()) << 40);
        match &record.event {
            Event::Interrupt { vector } => self.word(u64::from(*vector)),
            Event::Enter { callback, object } => {
                self.text(callback);
                self.word(relative(*object));
            }
            // What a routine without a value leaves in rax is chance.
            Event::Leave { callback, .. } => self.text(callback),
            Event::Read {
                address,
                width,
                value,
            } => {
                self.word(1);
                self.word(*address);
                self.word(width.bytes() as u64);
                self.word(relative(*value));
            }
            Event::Write {
                address,
                width,
                value,
            } => {
                self.word(2);
                self.word(*address);
                self.word(width.bytes() as u64);
                self.word(relative(*value));
            }
            Event::Service { name } => self.text(name),
            Event::Complete {
                request,
                status,
                information,
            } => {
                self.word(relative(*request));
                self.word(u64::from(status.cast_unsigned()));
                self.word(*information);
            }
            Event::DebugPrint { text } | Event::Host { text } => self.text_with_addresses(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use kmdf_bus::time::VirtualTime;

    use super::*;
    use crate::cpu::Irql;

    fn digest(records: &[Event], base: u64) -> u64 {
        let mut digest = Digest::default();
        for event in records {
            let record = Record {
                time: VirtualTime::START,
                processor: Some(0),
                irql: Irql::PASSIVE,
                flow: Some(1),
                event: event.clone(),
            };
            digest.record(&record, |value| value.wrapping_sub(base));
        }
        digest.value()
    }

    fn enter(object: u64) -> Event {
        Event::Enter {
            callback: "EvtInterruptIsr",
            object,
        }
    }

    #[test]
    fn another_place_in_memory_is_the_same_run() {
        let first = digest(&[enter(0x7000_0010), enter(0x7000_0020)], 0x7000_0000);
        let again = digest(&[enter(0x5500_0010), enter(0x5500_0020)], 0x5500_0000);
        assert_eq!(first, again);
        let text = |address: &str| Event::Host {
            text: format!("device {address} started"),
        };
        assert_eq!(
            digest(&[text("0x7f0012345670")], 0),
            digest(&[text("0x7e0012345670")], 0)
        );
    }

    #[test]
    fn another_order_is_another_run() {
        let first = digest(&[enter(1), enter(2)], 0);
        let other = digest(&[enter(2), enter(1)], 0);
        assert_ne!(first, other);
    }
}
