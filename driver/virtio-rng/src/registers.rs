//! The device's registers (VIRTIO 1.1, 4.1.4). Capabilities in the configuration space say where they are.

use kmdf::{MemoryRange, prelude::*};

use crate::ring::QUEUE_SIZE;

/// Features, status, and the queue that is selected.
#[repr(C)]
struct CommonBar {
    device_feature_select: ReadPureWrite<u32>,
    device_feature: ReadPure<u32>,
    driver_feature_select: ReadPureWrite<u32>,
    driver_feature: ReadPureWrite<u32>,
    configuration_vector: ReadPureWrite<u16>,
    queue_count: ReadPure<u16>,
    status: ReadPureWrite<u8>,
    configuration_generation: ReadPure<u8>,
    queue_select: ReadPureWrite<u16>,
    queue_size: ReadPureWrite<u16>,
    queue_vector: ReadPureWrite<u16>,
    queue_enable: ReadPureWrite<u16>,
    queue_notify_offset: ReadPure<u16>,
    /// Of descriptors, available and used ring: the lower half, then the upper.
    queue_addresses: [ReadPureWrite<u32>; 6],
}

/// What is written when the queue has a buffer.
#[repr(C)]
struct NotifyBar {
    queue: WriteOnly<u16>,
}

/// The causes of interrupts. Reading it clears it and deasserts the line.
#[repr(C)]
struct IsrBar {
    causes: ReadOnly<u8>,
}

/// PCI's id of vendor-specific capabilities, and the types of registers that they describe (`cfg_type`).
const VENDOR_SPECIFIC: u8 = 9;
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
/// Bits of the status.
const ACKNOWLEDGE: u8 = 1;
const DRIVER: u8 = 2;
const DRIVER_OK: u8 = 4;
const FEATURES_OK: u8 = 8;
const NEEDS_RESET: u8 = 0x40;
/// Bits 32 and 33 of the features: the device is of version 1.0 or later, and it uses bus addresses. The driver must
/// accept the second if the device offers it.
const VERSION_1: u32 = 1;
const ACCESS_PLATFORM: u32 = 2;
/// VIRTIO_MSI_NO_VECTOR
pub const NO_VECTOR: u16 = 0xFFFF;
/// How often the driver checks whether a reset is done. A device that takes longer is broken.
const RESET_LOOKS: u32 = 20;

/// The messages of the queue and of the configuration, or [`NO_VECTOR`] twice for a line.
#[derive(Clone, Copy, PartialEq)]
pub struct Vectors {
    pub queue: u16,
    pub configuration: u16,
}

/// The registers that the device's spin lock guards.
pub struct DeviceRegisters {
    common: Mapping<CommonBar>,
    notify: Mapping<NotifyBar>,
}

/// The register that the interrupt lock guards.
pub struct IsrRegister(Mapping<IsrBar>);

impl IsrRegister {
    /// Maps it. IRQL: PASSIVE_LEVEL.
    pub fn map(space: &ConfigurationSpace, resources: &Resources<'_>) -> Result<Self> {
        Mapping::new(&find(space, resources, ISR)?.0).map(Self)
    }

    /// Takes the causes.
    pub fn take(&mut self) -> u8 {
        register!(self.0, causes).read()
    }
}

impl DeviceRegisters {
    /// Maps them. IRQL: PASSIVE_LEVEL.
    pub fn map(space: &ConfigurationSpace, resources: &Resources<'_>) -> Result<Self> {
        let mut common = Mapping::<CommonBar>::new(&find(space, resources, COMMON)?.0)?;
        register!(common, queue_select).write(0);
        let queue = u32::from(register!(common, queue_notify_offset).read());
        let (range, at) = find(space, resources, NOTIFY)?;
        let multiplier = space.read::<u32>(at.wrapping_add(16))?;
        let offset = queue.saturating_mul(multiplier);
        let notify = Mapping::new(&range.part(offset, size_of::<NotifyBar>())?)?;
        Ok(Self { common, notify })
    }

    /// Resets the device: it has no buffers then and does not interrupt.
    pub fn reset(&mut self) {
        register!(self.common, status).write(0);
    }

    /// Starts the device after a reset (3.1.1).
    ///
    /// # Errors
    /// STATUS_NO_SUCH_DEVICE: it is of a version before 1.0. STATUS_IO_DEVICE_ERROR: it refuses the driver's settings, or
    /// was removed.
    pub fn start(&mut self, queue: [u64; 3], vectors: Vectors) -> Result<()> {
        let is_reset = (0..RESET_LOOKS).any(|_| self.status() == 0);
        register!(self.common, status).write(ACKNOWLEDGE | DRIVER);
        register!(self.common, device_feature_select).write(1);
        let offered = register!(self.common, device_feature).read();
        if offered & VERSION_1 == 0 {
            return Err(NtStatus::NO_SUCH_DEVICE);
        }
        for (half, features) in [(0, 0), (1, offered & (VERSION_1 | ACCESS_PLATFORM))] {
            register!(self.common, driver_feature_select).write(half);
            register!(self.common, driver_feature).write(features);
        }
        register!(self.common, status).write(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        let agreed = self.status() & FEATURES_OK != 0;
        if !is_reset || !agreed || !self.set_queue(queue, vectors) {
            return Err(NtStatus::IO_DEVICE_ERROR);
        }
        register!(self.common, status).write(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        Ok(())
    }

    /// Sets up the queue; whether the device accepts it. A device that cannot use a vector reads another value.
    #[expect(clippy::cast_possible_truncation, reason = "each is a half of it")]
    fn set_queue(&mut self, addresses: [u64; 3], vectors: Vectors) -> bool {
        register!(self.common, queue_select).write(0);
        register!(self.common, configuration_vector).write(vectors.configuration);
        register!(self.common, queue_vector).write(vectors.queue);
        let configuration = register!(self.common, configuration_vector).read();
        let queue = register!(self.common, queue_vector).read();
        if (Vectors {
            queue,
            configuration,
        }) != vectors
            || register!(self.common, queue_size).read() < QUEUE_SIZE
        {
            return false;
        }
        register!(self.common, queue_size).write(QUEUE_SIZE);
        let halves = addresses
            .iter()
            .flat_map(|&address| [address as u32, (address >> 32) as u32]);
        for (mut register, half) in register!(self.common, queue_addresses)
            .split()
            .into_iter()
            .zip(halves)
        {
            register.write(half);
        }
        register!(self.common, queue_enable).write(1);
        true
    }

    /// Tells the device that its queue has a buffer.
    pub fn notify(&mut self) {
        register!(self.notify, queue).write(0);
    }

    /// Whether the device reports an error or was removed.
    pub fn needs_reset(&mut self) -> bool {
        self.status() & NEEDS_RESET != 0
    }

    fn status(&mut self) -> u8 {
        register!(self.common, status).read()
    }
}

/// The registers of a type, and the capability that says where they are.
fn find(
    space: &ConfigurationSpace,
    resources: &Resources<'_>,
    kind: u8,
) -> Result<(MemoryRange, u8)> {
    let mut capabilities = space.capabilities(VENDOR_SPECIFIC);
    let at = capabilities.find(|at| space.read(at.wrapping_add(3)) == Ok(kind));
    let at = at.ok_or(NtStatus::NO_SUCH_DEVICE)?;
    let bar = resources.bar(space, space.read(at.wrapping_add(4))?)?;
    let offset = space.read::<u32>(at.wrapping_add(8))?;
    let length = space.read::<u32>(at.wrapping_add(12))?;
    Ok((bar.part(offset, length as usize)?, at))
}
