//! The rest of the machine, as the device reaches it.

use std::fmt;

/// What the device reaches of the machine.
pub trait Machine {
    /// A message of the device's MSI capability was sent.
    fn message(&mut self, number: u32);

    /// The level of the interrupt pin changed.
    fn line(&mut self, asserted: bool);

    /// Reads memory by DMA.
    fn read_memory(&mut self, address: u64, bytes: &mut [u8]);

    /// Writes memory by DMA.
    fn write_memory(&mut self, address: u64, bytes: &[u8]);

    /// A driver did what it must not do. The device carries on as QEMU's does.
    fn misuse(&mut self, misuse: Misuse) {
        let _ = misuse;
    }
}

/// What a driver must not do to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// An access of a width or alignment that its registers do not take.
    Width {
        /// Offset in BAR 0.
        offset: usize,
        /// Bytes accessed.
        bytes: usize,
        /// A write, not a read.
        write: bool,
    },
    /// A read where nothing can be read, or a write where nothing can be written.
    Undecoded {
        /// Offset in BAR 0.
        offset: usize,
        /// A write, not a read.
        write: bool,
    },
    /// A factorial asked for while one was being computed. It is ignored.
    FactorialWhileComputing {
        /// What was asked for.
        operand: u32,
    },
    /// A DMA register written while a transfer was running. It is ignored.
    DmaWhileRunning {
        /// The register's offset in BAR 0.
        offset: usize,
    },
    /// A transfer started that leaves the device's buffer, by the rules of the
    /// [`Generation`](crate::Generation).
    DmaOutOfBounds {
        /// Device address where it starts.
        address: u64,
        /// Its length in bytes.
        bytes: u64,
    },
    /// A transfer started at memory that the device cannot address. It goes somewhere else.
    DmaOutOfMask {
        /// Memory address where it starts.
        address: u64,
        /// Its length in bytes.
        bytes: u64,
    },
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = |write| if write { "write" } else { "read" };
        match *self {
            Self::Width {
                offset,
                bytes,
                write,
            } => write!(f, "{}-byte {} at offset {offset:#x}", bytes, verb(write)),
            Self::Undecoded { offset, write } => {
                write!(f, "{} at offset {offset:#x}, which has none", verb(write))
            }
            Self::FactorialWhileComputing { operand } => {
                write!(f, "factorial of {operand} asked for while computing")
            }
            Self::DmaWhileRunning { offset } => {
                write!(
                    f,
                    "write at offset {offset:#x} while a transfer was running"
                )
            }
            Self::DmaOutOfBounds { address, bytes } => write!(
                f,
                "transfer of {bytes} bytes at device address {address:#x} leaves the buffer"
            ),
            Self::DmaOutOfMask { address, bytes } => write!(
                f,
                "transfer of {bytes} bytes at memory address {address:#x}, above the DMA mask"
            ),
        }
    }
}
