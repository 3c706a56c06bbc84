//! The configuration space of the device: what enumeration reads there, and what PnP writes.

use kmdf_bus::{Bar, DeviceError, Identity, InterruptMode};

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
const BARS: u8 = 6;

/// The capability of message-signaled interrupts, its control word above id and next pointer.
const MSI: u32 = 0x05;
const MSI_ENABLE: u32 = 1 << 16;
const MSI_GRANTED: u32 = 7 << 20;
const MSI_WIDE: u32 = 1 << 23;

/// A list of capabilities is no longer than the space they share.
const MOST_CAPABILITIES: usize = 48;

/// What the configuration space says.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) identity: Identity,
    /// The interrupt pin: 1 for INTA to 4 for INTD; 0 without one.
    pub(super) pin: u8,
    msi: Option<u8>,
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
    let msi = msi(link)?;
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
        interrupt_pin: pin != 0,
    };
    Ok(Layout { identity, pin, msi })
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
        if low != 0 && low & BAR_IO == 0 {
            let address_bits = u64::from(high) << 32 | u64::from(low & BAR_ADDRESS);
            bars.push(Bar {
                index,
                // The lowest address bit that can be set is the length.
                bytes: 1 << address_bits.trailing_zeros(),
                wide,
                prefetchable: low & BAR_PREFETCHABLE != 0,
            });
        }
        index += if wide { 2 } else { 1 };
    }
    Ok(bars)
}

/// Where the MSI capability is, if there is one.
fn msi(link: &mut Link) -> Result<Option<u8>, DeviceError> {
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
        if capability & 0xFF == MSI {
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
        let mut command = MEMORY | BUS_MASTER;
        if let (InterruptMode::Messages(1..), Some(at)) = (interrupt, self.msi) {
            set_message(link, at, message)?;
        }
        if interrupt != InterruptMode::Line {
            command |= INTX_DISABLE;
        }
        write(link, offset::COMMAND, command)
    }

    /// Turns the function off.
    pub(super) fn turn_off(&self, link: &mut Link) -> Result<(), DeviceError> {
        write(link, offset::COMMAND, INTX_DISABLE)?;
        if let Some(at) = self.msi {
            let control = read(link, at)?;
            write(link, at, control & !MSI_ENABLE)?;
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
    let mut taken = u64::from(read(link, register)? & BAR_ADDRESS);
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
