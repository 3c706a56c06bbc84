//! The configuration space of the device: what enumeration reads there, and what PnP writes.

use kmdf_bus::{Bar, DeviceError, Identity, InterruptMode, Msix, Width};

use super::{SLOT, link::Link, qtest::Failure};

/// Offsets in a function's configuration space.
mod offset {
    pub(super) const ID: u8 = 0x00;
    pub(super) const COMMAND: u8 = 0x04;
    pub(super) const CLASS: u8 = 0x08;
    pub(super) const HEADER: u8 = 0x0C;
    pub(super) const BARS: u8 = 0x10;
    pub(super) const SUBSYSTEM: u8 = 0x2C;
    pub(super) const CAPABILITIES: u8 = 0x34;
    pub(super) const INTERRUPT: u8 = 0x3C;
}

/// Bits of the command register.
const PORTS: u32 = 1;
const MEMORY: u32 = 1 << 1;
const BUS_MASTER: u32 = 1 << 2;
const INTX_DISABLE: u32 = 1 << 10;
/// The status register's bit for a capability list, above the command register.
const HAS_CAPABILITIES: u32 = 1 << 20;

/// Bits of a BAR.
const BAR_IO: u32 = 1;
const BAR_WIDE: u32 = 1 << 2;
const BAR_PREFETCHABLE: u32 = 1 << 3;
const BAR_ADDRESS: u32 = !0xF;
const BAR_PORT: u32 = !0x3;
const BARS: u8 = 6;

/// The capability of message-signaled interrupts, its control word above id and next pointer.
const MSI: u32 = 0x05;
const MSI_ENABLE: u32 = 1 << 16;
const MSI_GRANTED: u32 = 7 << 20;
const MSI_WIDE: u32 = 1 << 23;

/// That of extended ones: how many entries its table has, less one, and where table and pending bits are,
/// behind it.
const MSIX: u32 = 0x11;
const MSIX_ENTRIES: u32 = 0x7FF;
const MSIX_ENABLE: u32 = 1 << 31;
const MSIX_BAR: u32 = 7;
/// Bytes of an entry of the table.
const ENTRY_BYTES: u64 = 16;

/// A list of capabilities is no longer than the space they share.
const MOST_CAPABILITIES: usize = 48;

/// What the configuration space says.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) identity: Identity,
    /// The interrupt pin: 1 for INTA to 4 for INTD; 0 without one.
    pub(super) pin: u8,
    msi: Option<u8>,
    msix: Option<u8>,
}

fn read(link: &mut Link, register: u8) -> Result<u32, DeviceError> {
    let during = format_args!("the configuration register at {register:#x} was read");
    select(link, register)?;
    let value = link.ask(during, format_args!("inl 0xcfc"))?;
    u32::try_from(value).map_err(|_| {
        let answer = Failure::Protocol(format!("OK {value:#x}"));
        link.fail(during, answer)
    })
}

fn write(link: &mut Link, register: u8, value: u32) -> Result<(), DeviceError> {
    select(link, register)?;
    link.tell(
        format_args!("{value:#x} was written to the configuration register at {register:#x}"),
        format_args!("outl 0xcfc {value:#x}"),
    )
}

/// Reads a part of a register.
pub(super) fn read_part(link: &mut Link, offset: u16, width: Width) -> Result<u64, DeviceError> {
    let Some((register, part)) = part(offset) else {
        return Ok(width.all_ones());
    };
    select(link, register)?;
    let value = link.ask(
        format_args!("configuration space was read at {offset:#x}"),
        format_args!("in{} {part:#x}", super::letter(width)),
    )?;
    Ok(value & width.all_ones())
}

/// Writes a part of a register.
pub(super) fn write_part(
    link: &mut Link,
    offset: u16,
    width: Width,
    value: u64,
) -> Result<(), DeviceError> {
    let Some((register, part)) = part(offset) else {
        return Ok(());
    };
    select(link, register)?;
    let value = value & width.all_ones();
    link.tell(
        format_args!("{value:#x} was written to configuration space at {offset:#x}"),
        format_args!("out{} {part:#x} {value:#x}", super::letter(width)),
    )
}

/// The register that an offset is in, and the port that its part has then.
fn part(offset: u16) -> Option<(u8, u16)> {
    let register = u8::try_from(offset).ok()?;
    Some((register, 0xCFC + (offset & 3)))
}

fn select(link: &mut Link, register: u8) -> Result<(), DeviceError> {
    let address = 0x8000_0000 | u32::from(SLOT) << 11 | u32::from(register & !3);
    link.tell(
        format_args!("the configuration register at {register:#x} was selected"),
        format_args!("outl 0xcf8 {address:#x}"),
    )
}

/// Reads what enumeration reads. The function is off while its BARs are sized, and stays so.
pub(super) fn enumerate(link: &mut Link) -> Result<Layout, DeviceError> {
    let [vendor, device] = halves(read(link, offset::ID)?);
    if vendor == 0xFFFF {
        return Err(no_function(link, "nothing there"));
    }
    let [_, _, header, _] = read(link, offset::HEADER)?.to_le_bytes();
    if header & 0x7F != 0 {
        return Err(no_function(link, &format!("header type {header:#x}")));
    }
    let class = read(link, offset::CLASS)?;
    let [subsystem_vendor, subsystem] = halves(read(link, offset::SUBSYSTEM)?);
    let [_, pin, _, _] = read(link, offset::INTERRUPT)?.to_le_bytes();
    let bars = bars(link)?;
    let msi = capability(link, MSI)?;
    let msix_at = capability(link, MSIX)?;
    let msix = match msix_at {
        Some(at) => Some(msix(link, at)?),
        None => None,
    };
    let identity = Identity {
        vendor,
        device,
        subsystem_vendor,
        subsystem,
        revision: class.to_le_bytes()[0],
        class: class >> 8,
        bars,
        // More than one message cannot be told apart: see the backend's documentation.
        messages: u32::from(msi.is_some()),
        msix,
        capabilities: Vec::new(),
        interrupt_pin: pin != 0,
        wakes_by_line: false,
    };
    Ok(Layout {
        identity,
        pin,
        msi,
        msix: msix_at,
    })
}

fn no_function(link: &mut Link, found: &str) -> DeviceError {
    let during = format_args!("a PCI function with BARs was looked for");
    link.fail(during, Failure::Protocol(found.to_owned()))
}

/// The low and the high half.
fn halves(value: u32) -> [u16; 2] {
    let [a, b, c, d] = value.to_le_bytes();
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

fn bar_register(index: u8) -> u8 {
    offset::BARS + 4 * index
}

/// What stays of all ones in a BAR: its address bits and what it is.
fn sized(link: &mut Link, index: u8) -> Result<u32, DeviceError> {
    let register = bar_register(index);
    let before = read(link, register)?;
    write(link, register, u32::MAX)?;
    let stays = read(link, register)?;
    write(link, register, before)?;
    Ok(stays)
}

fn bars(link: &mut Link) -> Result<Vec<Bar>, DeviceError> {
    let mut bars = Vec::new();
    let mut index = 0;
    while index < BARS {
        let low = sized(link, index)?;
        let wide = low & (BAR_IO | BAR_WIDE) == BAR_WIDE && index + 1 < BARS;
        let high = if wide {
            sized(link, index + 1)?
        } else {
            u32::MAX
        };
        if low != 0 {
            let ports = low & BAR_IO != 0;
            let address_bits = u64::from(high) << 32 | u64::from(low & address_mask(ports));
            bars.push(Bar {
                index,
                // The lowest address bit that can be set is the length.
                bytes: 1 << address_bits.trailing_zeros(),
                wide,
                prefetchable: !ports && low & BAR_PREFETCHABLE != 0,
                ports,
            });
        }
        index += if wide { 2 } else { 1 };
    }
    Ok(bars)
}

/// The address bits of a BAR.
const fn address_mask(ports: bool) -> u32 {
    if ports { BAR_PORT } else { BAR_ADDRESS }
}

/// What an MSI-X capability says.
fn msix(link: &mut Link, at: u8) -> Result<Msix, DeviceError> {
    let entries = (read(link, at)? >> 16 & MSIX_ENTRIES) + 1;
    let mut place = |register| -> Result<(u8, u32), DeviceError> {
        let value = read(link, register)?;
        let [bar, ..] = (value & MSIX_BAR).to_le_bytes();
        Ok((bar, value & !MSIX_BAR))
    };
    Ok(Msix {
        messages: halves(entries)[0],
        table: place(at + 4)?,
        pending: place(at + 8)?,
    })
}

/// Where a capability is, if there is one with that id.
fn capability(link: &mut Link, id: u32) -> Result<Option<u8>, DeviceError> {
    if read(link, offset::COMMAND)? & HAS_CAPABILITIES == 0 {
        return Ok(None);
    }
    let [mut at, ..] = read(link, offset::CAPABILITIES)?.to_le_bytes();
    for _ in 0..MOST_CAPABILITIES {
        at &= !3;
        if at == 0 {
            return Ok(None);
        }
        let capability = read(link, at)?;
        if capability & 0xFF == id {
            return Ok(Some(at));
        }
        [_, at, _, _] = capability.to_le_bytes();
    }
    Ok(None)
}

impl Layout {
    /// Programs BARs and interrupts, and turns the function on.
    pub(super) fn turn_on(
        &self,
        link: &mut Link,
        bars: &[u64],
        interrupt: InterruptMode,
        message: Message,
    ) -> Result<(), DeviceError> {
        for (bar, &base) in self.identity.bars.iter().zip(bars) {
            place(link, bar, base)?;
        }
        let mut command = PORTS | MEMORY | BUS_MASTER;
        if interrupt != InterruptMode::Line {
            command |= INTX_DISABLE;
        }
        write(link, offset::COMMAND, command)?;
        match (interrupt, self.msix, self.msi) {
            (InterruptMode::Messages(1..), Some(at), _) => {
                let entries = self.identity.most_messages();
                for entry in 0..entries {
                    self.set_entry(link, bars, entry, message, true)?;
                }
                let control = read(link, at)?;
                write(link, at, control | MSIX_ENABLE)
            }
            (InterruptMode::Messages(1..), None, Some(at)) => set_message(link, at, message),
            _ => Ok(()),
        }
    }

    /// Writes an entry of the MSI-X table.
    pub(super) fn set_entry(
        &self,
        link: &mut Link,
        bars: &[u64],
        entry: u32,
        message: Message,
        masked: bool,
    ) -> Result<(), DeviceError> {
        let mut placed = self.identity.bars.iter().zip(bars);
        let table = self.identity.msix.and_then(|msix| {
            let (_, base) = placed.find(|(bar, _)| bar.index == msix.table.0)?;
            Some(base + u64::from(msix.table.1))
        });
        let Some(table) = table else {
            return Ok(());
        };
        let at = table + ENTRY_BYTES * u64::from(entry);
        // While it changes it is masked.
        let words = [
            (12, 1),
            (0, message.address),
            (4, 0),
            (8, message.data.into()),
            (12, u32::from(masked)),
        ];
        for (offset, value) in words {
            link.tell(
                format_args!("entry {entry} of its MSI-X table was written"),
                format_args!("writel {:#x} {value:#x}", at + offset),
            )?;
        }
        Ok(())
    }

    /// Turns the function off.
    pub(super) fn turn_off(&self, link: &mut Link) -> Result<(), DeviceError> {
        write(link, offset::COMMAND, INTX_DISABLE)?;
        if let Some(at) = self.msi {
            let control = read(link, at)?;
            write(link, at, control & !MSI_ENABLE)?;
        }
        if let Some(at) = self.msix {
            let control = read(link, at)?;
            write(link, at, control & !MSIX_ENABLE)?;
        }
        Ok(())
    }
}

/// A message: what is written, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    /// Below 4 GiB.
    pub(super) address: u32,
    pub(super) data: u16,
}

/// Enables the one message of an MSI capability.
fn set_message(link: &mut Link, at: u8, message: Message) -> Result<(), DeviceError> {
    let control = read(link, at)? & !(MSI_ENABLE | MSI_GRANTED);
    write(link, at, control)?;
    write(link, at + 4, message.address)?;
    let data = if control & MSI_WIDE == 0 {
        at + 8
    } else {
        write(link, at + 8, 0)?;
        at + 12
    };
    write(link, data, message.data.into())?;
    write(link, at, control | MSI_ENABLE)
}

/// Writes a BAR, and makes sure that it took the address.
#[allow(
    clippy::cast_possible_truncation,
    reason = "an address is written in halves"
)]
fn place(link: &mut Link, bar: &Bar, base: u64) -> Result<(), DeviceError> {
    let register = bar_register(bar.index);
    write(link, register, base as u32)?;
    let mut taken = u64::from(read(link, register)? & address_mask(bar.ports));
    if bar.wide {
        write(link, register + 4, (base >> 32) as u32)?;
        taken |= u64::from(read(link, register + 4)?) << 32;
    }
    if taken == base {
        return Ok(());
    }
    let during = format_args!("its BAR {} was placed at {base:#x}", bar.index);
    Err(link.fail(during, Failure::Protocol(format!("{taken:#x}"))))
}
