//! Memory that the device masters.

use core::ptr::NonNull;
#[cfg(not(target_arch = "aarch64"))]
use core::sync::atomic::{Ordering, compiler_fence};

use wdk_sys::{
    _WDF_DMA_PROFILE::{WdfDmaProfilePacket, WdfDmaProfilePacket64},
    ULONG, WDF_NO_OBJECT_ATTRIBUTES, call_unsafe_wdf_function_binding,
};

use zerocopy::{FromBytes, IntoBytes};

use super::{Device, NtStatus, Result, init};

/// How many address bits a device masters: from 24 to 63, which `WDF_DMA_ENABLER_CONFIG::AddressWidthOverride` can
/// be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressBits(u32);

impl AddressBits {
    /// So many, if a device can have them.
    #[must_use]
    pub const fn new(bits: u32) -> Option<Self> {
        if 24 <= bits && bits <= 63 {
            Some(Self(bits))
        } else {
            None
        }
    }

    /// Whether all of the memory at a bus address can be addressed.
    const fn reach(self, address: u64, length_bytes: u64) -> bool {
        match address.checked_add(length_bytes) {
            Some(end) => end <= 1 << self.0,
            None => false,
        }
    }
}

/// `WDFCOMMONBUFFER`: memory that the driver and the device both see, as long as the device object
/// lives.
///
/// ```no_run
/// use kmdf::{AddressBits, CommonBuffer, Device, NtStatus, Result};
///
/// fn create(device: Device<'_>) -> Result<CommonBuffer> {
///     let width = AddressBits::new(32).ok_or(NtStatus::INVALID_PARAMETER)?;
///     CommonBuffer::create(device, 4096, width)
/// }
///
/// /// Clears what the device writes, and tells it where it is; the address goes to a register.
/// fn give(ring: &mut CommonBuffer) -> Result<u64> {
///     ring.clear(64);
///     ring.write(64, 0xFFFF_u16)?;
///     Ok(ring.bus_address())
/// }
///
/// /// What the device has written last.
/// fn newest(ring: &CommonBuffer) -> Result<u16> {
///     ring.read(2)
/// }
/// ```
pub struct CommonBuffer {
    memory: NonNull<[u8]>,
    bus_address: u64,
}

// SAFETY: the memory may be used on any processor.
unsafe impl Send for CommonBuffer {}

impl CommonBuffer {
    /// Says what the device can address and allocates a buffer there (`WdfDmaEnablerCreate`,
    /// `WdfCommonBufferCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status. STATUS_INSUFFICIENT_RESOURCES: the buffer is none that the device can
    /// address.
    pub fn create(device: Device<'_>, length_bytes: usize, width: AddressBits) -> Result<Self> {
        // A profile without 64 in its name has 32 bits, and takes no more.
        let profile = if width.0 > 32 {
            WdfDmaProfilePacket64
        } else {
            WdfDmaProfilePacket
        };
        let mut config = init::dma_enabler_config(profile, length_bytes);
        // Only version 3 of the kernel's DMA interface knows devices with other widths than 32 and 64 bits.
        config.WdmDmaVersionOverride = DMA_VERSION_3;
        config.AddressWidthOverride = width.0;
        let mut enabler = core::ptr::null_mut();
        // SAFETY: the device is alive by the invariant of `Device`; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDmaEnablerCreate,
                device.handle(),
                &raw mut config,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut enabler
            )
        };
        NtStatus::check(status)?;
        let mut buffer = core::ptr::null_mut();
        // SAFETY: the enabler has just been created; the handle is a local.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfCommonBufferCreate,
                enabler,
                length_bytes,
                WDF_NO_OBJECT_ATTRIBUTES,
                &raw mut buffer
            )
        };
        NtStatus::check(status)?;
        // SAFETY: the buffer has just been created, and lives as long as the device.
        let memory = unsafe {
            call_unsafe_wdf_function_binding!(WdfCommonBufferGetAlignedVirtualAddress, buffer)
        };
        // SAFETY: the buffer has just been created.
        let bus_address = unsafe {
            call_unsafe_wdf_function_binding!(WdfCommonBufferGetAlignedLogicalAddress, buffer)
        };
        // SAFETY: every bit pattern of a LARGE_INTEGER is a valid QuadPart.
        let bus_address = unsafe { bus_address.QuadPart }.cast_unsigned();
        match NonNull::new(memory.cast()) {
            Some(memory) if width.reach(bus_address, length_bytes as u64) => Ok(Self {
                memory: NonNull::slice_from_raw_parts(memory, length_bytes),
                bus_address,
            }),
            _ => Err(NtStatus::INSUFFICIENT_RESOURCES),
        }
    }

    /// Where the device finds it.
    #[must_use]
    #[inline]
    pub const fn bus_address(&self) -> u64 {
        self.bus_address
    }

    /// Reads a value that the device may be writing: one access, if it is an integer, which comes before all that
    /// follow. IRQL: any.
    ///
    /// # Errors
    /// STATUS_INVALID_BUFFER_SIZE: there is no such value at that offset, or it is not aligned.
    pub fn read<T: FromBytes>(&self, offset_bytes: usize) -> Result<T> {
        let source = self.at::<T>(offset_bytes)?;
        // SAFETY: `at` checked bounds and alignment, and any bytes are a `T`. It is volatile: the device may be writing.
        let value = unsafe { source.read_volatile() };
        order_memory_and_registers();
        Ok(value)
    }

    /// Writes a value that the device may be reading: one access, if it is an integer, which comes after all before it
    /// and before all that follow. IRQL: any.
    ///
    /// # Errors
    /// STATUS_INVALID_BUFFER_SIZE: there is no room for it at that offset, or it is not aligned.
    pub fn write<T: IntoBytes>(&mut self, offset_bytes: usize, value: T) -> Result<()> {
        let destination = self.at::<T>(offset_bytes)?;
        order_memory_and_registers();
        // SAFETY: `at` checked bounds and alignment. It is volatile: the device may be reading.
        unsafe { destination.write_volatile(value) };
        order_memory_and_registers();
        Ok(())
    }

    /// Fills its start with zeroes, or all of it if that is shorter. IRQL: any.
    pub fn clear(&mut self, length_bytes: usize) {
        let length = length_bytes.min(self.memory.len());
        // SAFETY: there is as much, and no reference to it exists.
        unsafe { self.memory.cast::<u8>().write_bytes(0, length) };
        order_memory_and_registers();
    }

    /// Where a value is.
    fn at<T>(&self, offset_bytes: usize) -> Result<*mut T> {
        const {
            assert!(align_of::<T>() <= 16, "common buffers begin at a page");
        }
        let aligned = offset_bytes.is_multiple_of(align_of::<T>());
        match offset_bytes.checked_add(size_of::<T>()) {
            Some(end) if end <= self.memory.len() && aligned => {
                let start = self.memory.cast::<u8>().as_ptr();
                // SAFETY: it stays in the buffer, which is `end` bytes long at least.
                Ok(unsafe { start.add(offset_bytes) }.cast())
            }
            _ => Err(NtStatus::INVALID_BUFFER_SIZE),
        }
    }

    /// Copies from it. What the device writes meanwhile may or may not be seen; what it had written before
    /// a register said so is.
    ///
    /// # Safety
    /// There are so many bytes at `destination`, outside of this buffer.
    #[inline]
    pub(super) unsafe fn copy_to(&self, destination: *mut u8, length_bytes: usize) -> Result<()> {
        let source = self.start(length_bytes)?;
        order_memory_and_registers();
        // SAFETY: `start` checked the length, there is as much at the destination by this function's contract.
        unsafe { source.copy_to_nonoverlapping(destination, length_bytes) };
        Ok(())
    }

    /// Copies to it. The device sees it when a register is written afterwards.
    ///
    /// # Safety
    /// There are so many bytes at `source`, outside of this buffer.
    #[inline]
    pub(super) unsafe fn copy_from(
        &mut self,
        source: *const u8,
        length_bytes: usize,
    ) -> Result<()> {
        let destination = self.start(length_bytes)?;
        // SAFETY: `start` checked the length, there is as much at the source by this function's contract.
        unsafe { destination.copy_from_nonoverlapping(source, length_bytes) };
        order_memory_and_registers();
        Ok(())
    }

    /// Where it starts, if it is that long.
    #[inline]
    const fn start(&self, length_bytes: usize) -> Result<*mut u8> {
        if length_bytes <= self.memory.len() {
            Ok(self.memory.cast().as_ptr())
        } else {
            Err(NtStatus::INVALID_BUFFER_SIZE)
        }
    }
}

/// Keeps accesses of memory on this side of the accesses of registers that follow, and those after it on
/// the other side of those before.
///
/// Volatile accesses, as those of registers are, keep their order among themselves only: the compiler may
/// move others across them, and so may an ARM64 processor, where WRITE_REGISTER_* has a barrier for that.
/// An x64 processor does not.
#[inline]
fn order_memory_and_registers() {
    #[cfg(target_arch = "aarch64")]
    // SAFETY: it is a barrier and changes nothing.
    unsafe {
        core::arch::asm!("dmb osh", options(nostack, preserves_flags));
    }
    #[cfg(not(target_arch = "aarch64"))]
    compiler_fence(Ordering::SeqCst);
}

/// `WDF_DMA_ENABLER_CONFIG::WdmDmaVersionOverride`
const DMA_VERSION_3: ULONG = 3;
