//! Transfers between memory and the device's DMA buffer, with their bounds.
//!
//! The device does not check them. A transfer out of bounds ends the virtual machine on some versions of QEMU and
//! corrupts it on others. An address above the device's mask is cut and hits other memory. So the driver starts only what
//! [`Program::new`] has made.

use edu_spec::registers::DmaCommand;
use edu_spec::registers::dma::{ADDRESS_BITS, BUFFER_ADDRESS, USABLE_BYTES};

/// Where a transfer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// ReadFile: from the device's buffer to memory.
    ToMemory,
    /// WriteFile: from memory to the device's buffer.
    ToDevice,
}

/// A part of the device's buffer that is in bounds on every version of QEMU.
///
/// # Invariants
/// `length_bytes > 0` and `offset_bytes + length_bytes <= USABLE_BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    offset_bytes: usize,
    length_bytes: usize,
}

/// What is wrong with a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfBounds {
    /// It starts outside the buffer.
    Offset,
    /// It ends outside the buffer, or is empty.
    Length,
}

impl Span {
    /// A span by file offset and length.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(offset: i64, length_bytes: usize) -> Result<Self, OutOfBounds> {
        let offset_bytes = usize::try_from(offset)
            .ok()
            .filter(|&offset_bytes| offset_bytes < USABLE_BYTES)
            .ok_or(OutOfBounds::Offset)?;
        if length_bytes == 0 || length_bytes > USABLE_BYTES - offset_bytes {
            return Err(OutOfBounds::Length);
        }
        Ok(Self {
            offset_bytes,
            length_bytes,
        })
    }

    /// Where it starts in the device's buffer.
    #[must_use]
    pub const fn offset_bytes(self) -> usize {
        self.offset_bytes
    }

    /// Its length.
    #[must_use]
    pub const fn length_bytes(self) -> usize {
        self.length_bytes
    }
}

/// How many address bits a device has, and so which memory it can address.
///
/// # Invariants
/// From 24 to 63: what WDF_DMA_ENABLER_CONFIG::AddressWidthOverride can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressWidth(u32);

impl AddressWidth {
    /// A width, if a device can have it.
    #[must_use]
    pub fn new(bits: u32) -> Option<Self> {
        (24..=63).contains(&bits).then_some(Self(bits))
    }

    /// How many bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of the memory at a bus address can be addressed.
    #[must_use]
    pub fn reaches(self, address: u64, length_bytes: u64) -> bool {
        let end = address.checked_add(length_bytes);
        end.is_some_and(|end| end <= 1 << self.0)
    }
}

impl Default for AddressWidth {
    /// As QEMU's device has it unless its property `dma_mask` is set.
    fn default() -> Self {
        Self(ADDRESS_BITS)
    }
}

/// A transfer that the device is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Which part of the device's buffer.
    pub span: Span,
    /// Which way.
    pub direction: Direction,
}

/// What to write to the DMA registers, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// Where the transfer reads.
    pub source: u64,
    /// Where it writes.
    pub destination: u64,
    /// Its length in bytes.
    pub count: u64,
    /// Starts it.
    pub command: DmaCommand,
}

/// Memory that the device cannot address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

impl Program {
    /// The program of a transfer with memory at a bus address.
    ///
    /// # Errors
    /// The device cannot address all of the memory.
    pub fn new(transfer: Transfer, memory: u64, width: AddressWidth) -> Result<Self, Unreachable> {
        let Transfer { span, direction } = transfer;
        let count = span.length_bytes as u64;
        if !width.reaches(memory, count) {
            return Err(Unreachable);
        }
        let device = BUFFER_ADDRESS + span.offset_bytes as u64;
        let start = DmaCommand::RUN | DmaCommand::INTERRUPT_WHEN_DONE;
        Ok(match direction {
            Direction::ToMemory => Self {
                source: device,
                destination: memory,
                count,
                command: start | DmaCommand::TO_MEMORY,
            },
            Direction::ToDevice => Self {
                source: memory,
                destination: device,
                count,
                command: start,
            },
        })
    }
}
