//! The configuration space of a function that has none of its own: what enumeration would read, made from
//! its [`Identity`].

use super::{Identity, Width};

/// Its length: that of conventional PCI.
const BYTES: usize = 256;
/// Where the capabilities begin, behind the header.
const FIRST_CAPABILITY: usize = 0x40;

/// Offsets in the header.
mod offset {
    pub(super) const COMMAND: usize = 0x04;
    pub(super) const STATUS: usize = 0x06;
    pub(super) const REVISION: usize = 0x08;
    pub(super) const CACHE_LINE: usize = 0x0C;
    pub(super) const BARS: usize = 0x10;
    pub(super) const SUBSYSTEM: usize = 0x2C;
    pub(super) const CAPABILITIES: usize = 0x34;
    pub(super) const INTERRUPT_LINE: usize = 0x3C;
    pub(super) const INTERRUPT_PIN: usize = 0x3D;
}

/// Ids of capabilities.
const MSI: u8 = 0x05;
const MSIX: u8 = 0x11;
/// The status register's bit for a capability list.
const HAS_CAPABILITIES: u8 = 1 << 4;
/// Bits of the command register: ports and memory are decoded; the device masters the bus.
const DECODE_PORTS: u16 = 1;
const DECODE_MEMORY: u16 = 1 << 1;
const BUS_MASTER: u16 = 1 << 2;
/// Those of its bits that can be written: the above, parity and system errors, no interrupts by pin.
const WRITABLE_COMMAND: u16 = DECODE_PORTS | DECODE_MEMORY | BUS_MASTER | 0x0540;

/// 256 bytes, and which bits of them a write changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSpace {
    bytes: [u8; BYTES],
    writable: [u8; BYTES],
    /// Where the capabilities of messages are.
    msi: Option<usize>,
    msix: Option<usize>,
}

impl ConfigSpace {
    /// What enumeration finds of a function.
    ///
    /// # Panics
    /// Its capabilities are longer than the space there is for them.
    #[must_use]
    pub fn of(identity: &Identity) -> Self {
        let mut space = Self {
            bytes: [0; BYTES],
            writable: [0; BYTES],
            msi: None,
            msix: None,
        };
        space.put(0, &identity.vendor.to_le_bytes());
        space.put(2, &identity.device.to_le_bytes());
        space.put(
            offset::REVISION,
            &(identity.class << 8 | u32::from(identity.revision)).to_le_bytes(),
        );
        space.put(offset::SUBSYSTEM, &identity.subsystem_vendor.to_le_bytes());
        space.put(offset::SUBSYSTEM + 2, &identity.subsystem.to_le_bytes());
        space.bytes[offset::INTERRUPT_PIN] = identity.interrupt_pin.into();
        space.writable[offset::COMMAND..offset::STATUS]
            .copy_from_slice(&WRITABLE_COMMAND.to_le_bytes());
        space.writable[offset::CACHE_LINE] = 0xFF;
        space.writable[offset::INTERRUPT_LINE] = 0xFF;
        space.place(identity, &[]);
        let mut link = offset::CAPABILITIES;
        let mut next = FIRST_CAPABILITY;
        for capability in capabilities(identity) {
            let end = next + capability.len();
            assert!(end <= BYTES, "the capabilities are too long");
            space.bytes[link] = u8::try_from(next).expect("below 256");
            space.put(next, &capability);
            match capability[0] {
                MSI => space.msi = Some(next),
                MSIX => space.msix = Some(next),
                _ => {}
            }
            link = next + 1;
            space.bytes[link] = 0;
            next = end.next_multiple_of(4);
        }
        if next != FIRST_CAPABILITY {
            space.bytes[offset::STATUS] |= HAS_CAPABILITIES;
        }
        space
    }

    /// Reads. Behind the end are all ones.
    #[must_use]
    pub fn read(&self, offset: u16, width: Width) -> u64 {
        let bytes = (0..width.bytes()).rev().map(|index| {
            let at = usize::from(offset) + index;
            self.bytes.get(at).copied().unwrap_or(0xFF)
        });
        bytes.fold(0, |value, byte| value << 8 | u64::from(byte))
    }

    /// Writes what can be written.
    pub fn write(&mut self, offset: u16, width: Width, value: u64) {
        let value = value.to_le_bytes();
        for (index, new) in value.into_iter().take(width.bytes()).enumerate() {
            let at = usize::from(offset) + index;
            if let Some(&writable) = self.writable.get(at) {
                self.bytes[at] = self.bytes[at] & !writable | new & writable;
            }
        }
    }

    /// Whether ports, or memory, are decoded.
    #[must_use]
    pub fn decodes(&self, ports: bool) -> bool {
        let bit = if ports { DECODE_PORTS } else { DECODE_MEMORY };
        self.command() & bit != 0
    }

    fn command(&self) -> u16 {
        u16::from_le_bytes([self.bytes[offset::COMMAND], self.bytes[offset::COMMAND + 1]])
    }

    /// What PnP writes when the function is started: its BARs, and the command register.
    pub fn start(&mut self, identity: &Identity, bases: &[u64], messages: bool) {
        /// The control word of a capability of messages: enabled.
        const MSI_ENABLED: u8 = 1;
        const MSIX_ENABLED: u8 = 1 << 7;
        self.place(identity, bases);
        let kinds = [(false, DECODE_MEMORY), (true, DECODE_PORTS)];
        let decoded = kinds.into_iter().filter(|(ports, _)| {
            let mut bars = identity.bars.iter();
            bars.any(|bar| bar.ports == *ports)
        });
        let command = decoded.fold(BUS_MASTER, |command, (_, bit)| command | bit);
        self.put(offset::COMMAND, &command.to_le_bytes());
        match (self.msix, self.msi) {
            (Some(at), _) if messages => self.bytes[at + 3] |= MSIX_ENABLED,
            (None, Some(at)) if messages => self.bytes[at + 2] |= MSI_ENABLED,
            _ => {
                self.msix.inspect(|at| self.bytes[at + 3] &= !MSIX_ENABLED);
                self.msi.inspect(|at| self.bytes[at + 2] &= !MSI_ENABLED);
            }
        }
    }

    /// What PnP writes when the function is stopped.
    pub fn stop(&mut self) {
        self.put(offset::COMMAND, &0_u16.to_le_bytes());
    }

    /// Writes the BARs: what each is, and its base.
    fn place(&mut self, identity: &Identity, bases: &[u64]) {
        /// Bits of a BAR: ports; a 64-bit address; prefetchable.
        const PORTS: u64 = 1;
        const WIDE: u64 = 1 << 2;
        const PREFETCHABLE: u64 = 1 << 3;
        for (index, bar) in identity.bars.iter().enumerate() {
            let mut value = bases.get(index).copied().unwrap_or(0);
            if bar.ports {
                value |= PORTS;
            }
            if bar.wide {
                value |= WIDE;
            }
            if bar.prefetchable {
                value |= PREFETCHABLE;
            }
            let bytes = if bar.wide { 8 } else { 4 };
            let at = offset::BARS + 4 * usize::from(bar.index);
            self.put(at, &value.to_le_bytes()[..bytes]);
        }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

/// The capabilities of a function, each without its link.
fn capabilities(identity: &Identity) -> Vec<Vec<u8>> {
    let mut capabilities = Vec::new();
    if identity.messages > 0 {
        /// A 64-bit address; how many messages there can be is a power of two, in bits 1 to 3.
        const WIDE: u16 = 1 << 7;
        let power = identity.messages.next_power_of_two().trailing_zeros();
        let control = WIDE | u16::try_from(power << 1).expect("at most 32 messages");
        let mut capability = vec![MSI, 0];
        capability.extend(control.to_le_bytes());
        // Address and data.
        capability.extend([0; 10]);
        capabilities.push(capability);
    }
    if let Some(msix) = identity.msix {
        let mut capability = vec![MSIX, 0];
        capability.extend((msix.messages.saturating_sub(1)).to_le_bytes());
        for (bar, offset) in [msix.table, msix.pending] {
            capability.extend((offset | u32::from(bar)).to_le_bytes());
        }
        capabilities.push(capability);
    }
    capabilities.extend(identity.capabilities.iter().cloned());
    capabilities
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bar, Msix};

    fn identity() -> Identity {
        Identity {
            vendor: 0x1DED,
            device: 0x0030,
            revision: 7,
            class: 0x02_0001,
            bars: vec![
                Bar {
                    index: 0,
                    bytes: 32,
                    ports: true,
                    ..Bar::default()
                },
                Bar {
                    index: 2,
                    bytes: 4096,
                    wide: true,
                    prefetchable: true,
                    ..Bar::default()
                },
            ],
            msix: Some(Msix {
                messages: 3,
                table: (2, 0x800),
                pending: (2, 0xC00),
            }),
            capabilities: vec![vec![0x09, 0, 6, 1, 2, 3]],
            interrupt_pin: true,
            ..Identity::default()
        }
    }

    #[test]
    fn the_header_is_what_the_function_is() {
        let space = ConfigSpace::of(&identity());
        assert_eq!(space.read(0, Width::Dword), 0x0030_1DED);
        assert_eq!(space.read(8, Width::Dword), 0x0200_0107);
        assert_eq!(space.read(0x3D, Width::Byte), 1);
        assert_eq!(space.read(0xFE, Width::Dword), 0xFFFF_0000);
    }

    #[test]
    fn the_list_of_capabilities_has_all_of_them_and_an_end() {
        let space = ConfigSpace::of(&identity());
        assert_eq!(space.read(6, Width::Word) & 0x10, 0x10);
        let link = |at| u16::try_from(space.read(at, Width::Byte)).expect("a byte");
        let mut at = link(0x34);
        let mut found = Vec::new();
        while at != 0 {
            found.push(space.read(at, Width::Byte));
            at = link(at + 1);
        }
        assert_eq!(found, [0x11, 0x09]);
        assert_eq!(space.read(0x42, Width::Word), 2);
        assert_eq!(space.read(0x44, Width::Dword), 0x802);
        assert_eq!(space.read(0x48, Width::Dword), 0xC02);
        assert_eq!(space.read(0x4E, Width::Dword), 0x0302_0106);
    }

    #[test]
    fn a_started_function_has_its_bars_and_decodes_them() {
        let mut space = ConfigSpace::of(&identity());
        assert_eq!(space.read(0x10, Width::Dword), 1);
        assert!(!space.decodes(true) && !space.decodes(false));
        space.start(&identity(), &[0xC000, 0xE000_0000], true);
        assert_eq!(space.read(0x10, Width::Dword), 0xC001);
        assert_eq!(space.read(0x18, Width::Qword), 0xE000_000C);
        assert_eq!(space.read(0x42, Width::Word), 0x8002);
        assert!(space.decodes(true) && space.decodes(false));
        space.stop();
        assert!(!space.decodes(true) && !space.decodes(false));
    }

    #[test]
    fn a_write_changes_what_can_be_written_and_nothing_else() {
        let mut space = ConfigSpace::of(&identity());
        space.write(0, Width::Dword, 0);
        assert_eq!(space.read(0, Width::Dword), 0x0030_1DED);
        space.write(4, Width::Word, 0xFFFF);
        assert_eq!(space.read(4, Width::Word), u64::from(WRITABLE_COMMAND));
        space.write(0x3C, Width::Byte, 11);
        assert_eq!(space.read(0x3C, Width::Word), 0x010B);
        space.write(0xFF, Width::Dword, 0xAA);
        assert_eq!(space.read(0xFF, Width::Byte), 0);
    }
}
