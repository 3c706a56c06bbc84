//! The DMA engine.

use std::{error::Error, fmt, ops::Range};

use edu_spec::registers::{
    DmaCommand,
    dma::{BUFFER_ADDRESS, BUFFER_BYTES},
};

use crate::{Generation, Machine, Misuse};

/// A transfer that the virtual machine does not survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fatal {
    /// QEMU 9.0 and older end themselves.
    Aborted {
        /// Device address where the transfer starts.
        address: u64,
        /// Its length in bytes.
        bytes: u64,
    },
    /// QEMU 9.1 to 11.0 copy beyond the buffer. What they do from there on is anybody's guess.
    Overrun {
        /// Device address where the transfer starts.
        address: u64,
        /// Its length in bytes.
        bytes: u64,
    },
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, bytes, what) = match *self {
            Self::Aborted { address, bytes } => (
                address,
                bytes,
                "QEMU 9.0 and older abort the virtual machine for that",
            ),
            Self::Overrun { address, bytes } => (
                address,
                bytes,
                "QEMU 9.1 to 11.0 copy beyond the device's buffer, into their own memory",
            ),
        };
        write!(
            f,
            "a transfer of {bytes} bytes at device address {address:#x}: {what}"
        )
    }
}

impl Error for Fatal {}

/// The DMA registers and the buffer.
#[derive(Clone, Debug)]
pub(crate) struct Dma {
    pub(crate) source: u64,
    pub(crate) destination: u64,
    pub(crate) count: u64,
    /// The command register: all bits that were written, RUN while a transfer is running.
    pub(crate) command: u64,
    buffer: Box<[u8]>,
}

impl Dma {
    pub(crate) fn new() -> Self {
        Self {
            source: 0,
            destination: 0,
            count: 0,
            command: 0,
            buffer: vec![0; BUFFER_BYTES].into(),
        }
    }

    pub(crate) const fn is_running(&self) -> bool {
        self.has(DmaCommand::RUN)
    }

    /// Whether the command register has that bit.
    const fn has(&self, bit: DmaCommand) -> bool {
        self.command & bit.bits() as u64 != 0
    }

    /// Where the transfer is in the device, and where in memory.
    const fn addresses(&self) -> (u64, u64) {
        if self.has(DmaCommand::TO_MEMORY) {
            (self.source, self.destination)
        } else {
            (self.destination, self.source)
        }
    }

    /// Which bytes of the buffer the transfer is about; none when it leaves the buffer.
    fn range(&self, generation: Generation) -> Option<Range<usize>> {
        let start = usize::try_from(self.addresses().0.checked_sub(BUFFER_ADDRESS)?).ok()?;
        let end = start.checked_add(usize::try_from(self.count).ok()?)?;
        let inside = match generation {
            // The older check takes the end for the last byte, and wants at least one.
            Generation::UpTo9_0 => start < end && end < BUFFER_BYTES,
            Generation::From9_1To11_0 | Generation::After11_0 => end <= BUFFER_BYTES,
        };
        inside.then_some(start..end)
    }

    /// Reports what the driver should not have started.
    pub(crate) fn check(&self, machine: &mut dyn Machine, generation: Generation, mask: u64) {
        let (device, memory) = self.addresses();
        let bytes = self.count;
        if self.range(generation).is_none() {
            machine.misuse(Misuse::DmaOutOfBounds {
                address: device,
                bytes,
            });
        }
        let last = memory.saturating_add(bytes.saturating_sub(1));
        if (memory | last) & !mask != 0 {
            machine.misuse(Misuse::DmaOutOfMask {
                address: memory,
                bytes,
            });
        }
    }

    /// Ends the transfer: copies, if the device may reach memory. Says whether the driver asked
    /// for an interrupt.
    pub(crate) fn finish(
        &mut self,
        machine: &mut dyn Machine,
        generation: Generation,
        mask: u64,
        bus_master: bool,
    ) -> Result<bool, Fatal> {
        let (device, memory) = self.addresses();
        let to_memory = self.has(DmaCommand::TO_MEMORY);
        let bytes = self.count;
        match (self.range(generation), generation) {
            (Some(range), _) => {
                let part = &mut self.buffer[range];
                match (to_memory, bus_master) {
                    (true, true) => machine.write_memory(memory & mask, part),
                    (true, false) => {}
                    (false, true) => machine.read_memory(memory & mask, part),
                    // Reads that nothing answers give zeros in QEMU.
                    (false, false) => part.fill(0),
                }
            }
            (None, Generation::UpTo9_0) => {
                return Err(Fatal::Aborted {
                    address: device,
                    bytes,
                });
            }
            (None, Generation::From9_1To11_0) => {
                return Err(Fatal::Overrun {
                    address: device,
                    bytes,
                });
            }
            (None, Generation::After11_0) => {}
        }
        self.command &= !u64::from(DmaCommand::RUN.bits());
        Ok(self.has(DmaCommand::INTERRUPT_WHEN_DONE))
    }
}
