//! The queue of the device: a ring in memory that both share (VIRTIO 1.1, 2.6).
//!
//! The device owns at most one buffer. It owns it until it has filled it or is reset, even if the request for it ends
//! earlier: a driver cannot take a buffer back from a virtio device.

use kmdf::{AddressBits, prelude::*};

/// How many random bytes a request gets at most. They are at the start; the device writes them.
const DATA_BYTES: usize = 4096;
/// How many entries the rings have: a power of 2.
pub const QUEUE_SIZE: u16 = 4;
/// Descriptors, which say where the random bytes go; the driver writes them.
const DESCRIPTORS: usize = DATA_BYTES;
/// The available ring: the descriptors for the device to fill; the driver writes it.
const AVAILABLE: usize = DESCRIPTORS + 64;
/// The used ring: the descriptors that it has filled, and their lengths; the device writes it.
const USED: usize = AVAILABLE + 64;
const LENGTH: usize = USED + 64;
/// Where the index of a ring is, and where its entries begin.
const INDEX: usize = 2;
const ENTRIES: usize = 4;
/// VIRTQ_DESC_F_WRITE: the device writes the buffer.
const DEVICE_WRITES: u16 = 2;

/// The ring, and the buffer.
pub struct Ring {
    memory: CommonBuffer,
    /// How many buffers were given to the device since its reset, and how many came back.
    given: u16,
    returned: u16,
    /// The length of the buffer that the device owns.
    with_device: Option<u32>,
}

impl Ring {
    /// Allocates it. IRQL: PASSIVE_LEVEL.
    pub fn create(device: Device<'_>) -> Result<Self> {
        // A virtio device has 64 address bits; the framework accepts at most 63.
        let width = AddressBits::new(63).ok_or(NtStatus::INVALID_PARAMETER)?;
        Ok(Self {
            memory: CommonBuffer::create(device, LENGTH, width)?,
            given: 0,
            returned: 0,
            with_device: None,
        })
    }

    /// Resets the ring. The device has been reset and owns no buffer.
    pub fn reset(&mut self) {
        self.memory.clear(LENGTH);
        (self.given, self.returned, self.with_device) = (0, 0, None);
    }

    /// Where the device finds descriptors, available and used ring.
    pub const fn addresses(&self) -> [u64; 3] {
        let start = self.memory.bus_address();
        [
            start + DESCRIPTORS as u64,
            start + AVAILABLE as u64,
            start + USED as u64,
        ]
    }

    /// Whether the device owns the buffer.
    pub const fn is_with_device(&self) -> bool {
        self.with_device.is_some()
    }

    /// Gives the buffer to the device, which fills it up to a length. Notify the device afterwards. The index is written
    /// last: the device sees writes to a common buffer in their order.
    pub fn give(&mut self, length_bytes: usize) -> Result<()> {
        let length = u32::try_from(length_bytes.min(DATA_BYTES)).unwrap_or(0);
        self.memory.write(DESCRIPTORS, self.memory.bus_address())?;
        self.memory.write(DESCRIPTORS + 8, length)?;
        self.memory.write(DESCRIPTORS + 12, DEVICE_WRITES)?;
        let entry = AVAILABLE + ENTRIES + 2 * usize::from(self.given % QUEUE_SIZE);
        self.memory.write(entry, 0_u16)?;
        self.given = self.given.wrapping_add(1);
        self.memory.write(AVAILABLE + INDEX, self.given)?;
        self.with_device = Some(length);
        Ok(())
    }

    /// Takes the buffer back if the device has filled it. Returns the number of bytes.
    ///
    /// # Errors
    /// STATUS_IO_DEVICE_ERROR: the ring has impossible values. Reset the device.
    pub fn take(&mut self) -> Result<Option<usize>> {
        let returned = self.memory.read::<u16>(USED + INDEX)?;
        if returned == self.returned {
            return Ok(None);
        }
        let entry = USED + ENTRIES + 8 * usize::from(self.returned % QUEUE_SIZE);
        let descriptor = self.memory.read::<u32>(entry)?;
        let filled = self.memory.read::<u32>(entry + 4)?;
        let expected = self.returned.wrapping_add(1);
        match self.with_device.take() {
            Some(length) if returned == expected && descriptor == 0 && filled <= length => {
                self.returned = returned;
                Ok(Some(filled as usize))
            }
            _ => Err(NtStatus::IO_DEVICE_ERROR),
        }
    }

    /// Copies random bytes to a request.
    pub fn copy_to(&self, request: &Request, length_bytes: usize) -> Result<usize> {
        request.copy_output_from(&self.memory, length_bytes)
    }

    /// Overwrites the random bytes.
    pub fn forget(&mut self) {
        self.memory.clear(DATA_BYTES);
    }
}
