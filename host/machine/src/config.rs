//! The configuration space of the function in a slot, as its bus driver reads and writes it.

use kmdf_bus::Width;

use crate::{Event, Machine, slot::Slot};

/// Conventional PCI's length of a configuration space.
const BYTES: u16 = 256;

/// The accesses that a range is made of: each aligned, and of 4 bytes at most.
fn accesses(offset: u16, bytes: u16) -> impl Iterator<Item = (u16, Width)> {
    let end = offset + bytes;
    let mut at = offset;
    std::iter::from_fn(move || {
        let width = match end - at {
            0 => return None,
            left if at.is_multiple_of(4) && left >= 4 => Width::Dword,
            left if at.is_multiple_of(2) && left >= 2 => Width::Word,
            _ => Width::Byte,
        };
        let access = (at, width);
        at += width.bytes() as u16;
        Some(access)
    })
}

/// How much of a range is in a configuration space.
fn within(offset: u32, bytes: u32) -> Option<(u16, u16)> {
    let offset = u16::try_from(offset)
        .ok()
        .filter(|&offset| offset < BYTES)?;
    let room = BYTES - offset;
    Some((
        offset,
        u16::try_from(bytes).map_or(room, |bytes| bytes.min(room)),
    ))
}

impl Slot {
    /// Whether its command register has ports decoded, or memory.
    pub(super) fn decodes(&self, ports: bool) -> bool {
        let config = self.config.as_ref();
        config.is_none_or(|config| config.borrow().decodes(ports))
    }
}

impl Machine {
    /// Reads configuration space. What lies behind its end is not read.
    pub fn read_config(&self, slot: usize, offset: u32, bytes: u32) -> Vec<u8> {
        let Some((offset, count)) = within(offset, bytes) else {
            return Vec::new();
        };
        let mut read = Vec::with_capacity(count.into());
        for (at, width) in accesses(offset, count) {
            let value = self.read_config_register(slot, at, width);
            read.extend_from_slice(&value.to_le_bytes()[..width.bytes()]);
        }
        let text = format!("configuration space, {count} bytes at {offset:#x} read: {read:02x?}");
        self.record(Event::Host { text });
        read
    }

    fn read_config_register(&self, slot: usize, offset: u16, width: Width) -> u64 {
        let function = &self.slots[slot];
        if function.removed.get() {
            return width.all_ones();
        }
        if let Some(config) = &function.config {
            return config.borrow().read(offset, width);
        }
        let result = self.operate(slot, |function, bus| {
            function.read_config(bus, offset, width)
        });
        self.device_result(result)
    }

    /// Writes configuration space, and says how much of it. What lies behind its end is not written.
    pub fn write_config(&self, slot: usize, offset: u32, bytes: &[u8]) -> u32 {
        let most = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let Some((offset, count)) = within(offset, most) else {
            return 0;
        };
        let text = format!(
            "configuration space, {count} bytes at {offset:#x} written: {:02x?}",
            &bytes[..count.into()]
        );
        self.record(Event::Host { text });
        let mut left = bytes;
        for (at, width) in accesses(offset, count) {
            let (now, then) = left.split_at(width.bytes());
            left = then;
            let value = now
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u64::from(byte));
            self.write_config_register(slot, at, width, value);
        }
        count.into()
    }

    fn write_config_register(&self, slot: usize, offset: u16, width: Width, value: u64) {
        let function = &self.slots[slot];
        if function.removed.get() {
            return;
        }
        if let Some(config) = &function.config {
            return config.borrow_mut().write(offset, width, value);
        }
        let result = self.operate(slot, |function, bus| {
            function.write_config(bus, offset, width, value)
        });
        self.device_result(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_accessed_in_aligned_pieces() {
        let pieces = |offset, bytes| -> Vec<_> {
            accesses(offset, bytes)
                .map(|(at, width)| (at, width.bytes()))
                .collect()
        };
        assert_eq!(pieces(0, 8), [(0, 4), (4, 4)]);
        assert_eq!(pieces(3, 6), [(3, 1), (4, 4), (8, 1)]);
        assert_eq!(pieces(0x3D, 1), [(0x3D, 1)]);
        assert_eq!(pieces(2, 3), [(2, 2), (4, 1)]);
        assert_eq!(pieces(2, 0), []);
    }

    #[test]
    fn a_range_ends_with_configuration_space() {
        assert_eq!(within(0xFC, 64), Some((0xFC, 4)));
        assert_eq!(within(0, u32::MAX), Some((0, 256)));
        assert_eq!(within(256, 1), None);
    }
}
