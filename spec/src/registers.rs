//! BAR 0 of the `edu` device: offsets, values and limits.
//!
//! Below [`WIDE_REGISTERS`] only 4-byte accesses work; from there on 4- and 8-byte ones do.
//! Any other access reads all ones and is dropped when it writes.

use bitflags::bitflags;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Size of BAR 0 in bytes.
pub const BAR0_BYTES: usize = 1 << 20;

/// First offset at which 8-byte accesses are decoded.
pub const WIDE_REGISTERS: usize = 0x80;

/// What every register reads when the device has been removed or its BAR is off.
pub const ALL_ONES: u32 = u32::MAX;

/// Byte offsets of the registers in BAR 0.
pub mod offset {
    /// Read-only: `0xRRrr00ED`, major revision `RR`, minor `rr`. See [`super::Identification`].
    pub const IDENTIFICATION: usize = 0x00;
    /// Reads back the bitwise complement of what was written.
    pub const LIVENESS: usize = 0x04;
    /// Write n: start computing n!. Read: the result, or the operand while computing.
    pub const FACTORIAL: usize = 0x08;
    /// See [`super::Status`].
    pub const STATUS: usize = 0x20;
    /// Read-only: the OR of all causes not yet acknowledged. See [`super::Causes`].
    pub const INTERRUPT_STATUS: usize = 0x24;
    /// Write-only: ORs the value into the interrupt status and signals.
    pub const INTERRUPT_RAISE: usize = 0x60;
    /// Write-only: clears the bits written from the interrupt status.
    pub const INTERRUPT_ACKNOWLEDGE: usize = 0x64;
    /// 64 bit: where a transfer reads.
    pub const DMA_SOURCE: usize = 0x80;
    /// 64 bit: where a transfer writes.
    pub const DMA_DESTINATION: usize = 0x88;
    /// 64 bit: length of a transfer in bytes.
    pub const DMA_COUNT: usize = 0x90;
    /// See [`super::DmaCommand`].
    pub const DMA_COMMAND: usize = 0x98;
}

/// The value of the identification register.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Identification(pub u32);

impl Identification {
    /// What QEMU's device reports: revision 1.0.
    pub const EDU_1_0: Self = Self(0x0100_00ED);

    /// Whether the low half names an `edu` device, of any revision.
    #[must_use]
    pub const fn is_edu(self) -> bool {
        self.0 & 0xFFFF == 0x00ED
    }

    /// Major revision.
    #[must_use]
    pub const fn major(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// Minor revision.
    #[must_use]
    pub const fn minor(self) -> u8 {
        self.0.to_be_bytes()[1]
    }
}

/// Interrupt causes: the values of the interrupt status, raise and acknowledge registers.
///
/// The device keeps any bit that is raised, so unknown bits are kept too.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Causes(u32);

bitflags! {
    impl Causes: u32 {
        /// A factorial is done (and [`Status::INTERRUPT_WHEN_DONE`] was set).
        const FACTORIAL = 0x0000_0001;
        /// A DMA transfer is done (and [`DmaCommand::INTERRUPT_WHEN_DONE`] was set).
        const DMA = 0x0000_0100;
        /// Any other bit, raised by software through the raise register.
        const _ = !0;
    }
}

impl Causes {
    /// The causes that the device's own engines raise. Software must not raise them: nothing but
    /// the cause tells a finished engine from a raised bit.
    pub const ENGINES: Self = Self::FACTORIAL.union(Self::DMA);

    /// The causes that software may raise: neither an engine's nor the topmost. Without that one,
    /// the interrupt status of a device that is there can never read all ones.
    pub const SOFTWARE: Self = Self::from_bits_retain(!Self::ENGINES.bits() & (u32::MAX >> 1));

    /// Whether this is what a removed device reads.
    #[must_use]
    pub const fn is_all_ones(self) -> bool {
        self.bits() == ALL_ONES
    }
}

/// The value of the status register.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Status(u32);

bitflags! {
    impl Status: u32 {
        /// Read-only: a factorial is being computed.
        const COMPUTING = 0x01;
        /// Raise [`Causes::FACTORIAL`] when a factorial is done. Tested at that moment only.
        const INTERRUPT_WHEN_DONE = 0x80;
        /// Undocumented bits are kept.
        const _ = !0;
    }
}

/// The value of the DMA command register.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct DmaCommand(u32);

bitflags! {
    impl DmaCommand: u32 {
        /// Write: start the transfer. Read: it has not finished, and every DMA register write is
        /// ignored until it has.
        const RUN = 0x01;
        /// From the device's buffer to memory. Without it: from memory to the buffer.
        const TO_MEMORY = 0x02;
        /// Raise [`Causes::DMA`] when done.
        const INTERRUPT_WHEN_DONE = 0x04;
        /// Undocumented bits are kept.
        const _ = !0;
    }
}

/// The device's DMA buffer.
pub mod dma {
    /// Device address of the buffer.
    pub const BUFFER_ADDRESS: u64 = 0x4_0000;

    /// Size of the buffer in bytes.
    pub const BUFFER_BYTES: usize = 4096;

    /// Bytes of the buffer that a transfer may touch on every QEMU: 9.0 and older abort the whole
    /// virtual machine when a transfer touches the last byte.
    pub const USABLE_BYTES: usize = BUFFER_BYTES - 1;

    /// Width in bits of the addresses the device masters by default (its `dma_mask` property): an
    /// address above it is silently cut.
    pub const ADDRESS_BITS: u32 = 28;
}

/// How many messages the driver makes use of: one for the engines' factorial and the software
/// causes, one for DMA. QEMU's device sends one.
pub const MAX_MESSAGES: usize = 2;
