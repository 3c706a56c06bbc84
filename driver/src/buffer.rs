//! The memory that the DMA engine reads and writes.

#![forbid(unsafe_code)]

use edu_driver_core::transfer::AddressWidth;
use edu_spec::registers::dma::BUFFER_BYTES;

use kmdf::{AddressBits, CommonBuffer, Device, NtStatus, Result};

use crate::trace;

/// What the DMA engine reads and writes.
pub struct DmaBuffer {
    /// The memory.
    pub memory: CommonBuffer,
    /// How many address bits the device has.
    pub width: AddressWidth,
}

impl DmaBuffer {
    /// Allocates it where a device with this many address bits can address it. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create(device: Device<'_>, width: AddressWidth) -> Result<Self> {
        let bits = AddressBits::new(width.bits()).ok_or(NtStatus::INVALID_PARAMETER)?;
        let memory = CommonBuffer::create(device, BUFFER_BYTES, bits).inspect_err(|&failure| {
            trace::NO_REACHABLE_MEMORY.write([width.bits().into(), trace::status(failure)]);
        })?;
        Ok(Self { memory, width })
    }
}
