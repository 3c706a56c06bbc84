//! Memory that the device masters.

use core::ptr::NonNull;

use wdk_sys::{
    _WDF_DMA_PROFILE::WdfDmaProfilePacket, ULONG, WDF_DMA_ENABLER_CONFIG, WDF_NO_OBJECT_ATTRIBUTES,
    call_unsafe_wdf_function_binding,
};

use super::{Device, NtStatus, Result, size_field};

/// `WDFCOMMONBUFFER`: memory that the driver and the device both see, as long as the device object
/// lives.
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
    /// The framework's status.
    pub fn create(device: Device, length_bytes: usize, address_bits: u32) -> Result<Self> {
        // WDF_DMA_ENABLER_CONFIG_INIT. Only version 3 of the kernel's DMA interface knows devices with
        // fewer than 32 address bits.
        let mut config = WDF_DMA_ENABLER_CONFIG {
            Size: size_field::<WDF_DMA_ENABLER_CONFIG>(),
            Profile: WdfDmaProfilePacket,
            MaximumLength: length_bytes,
            WdmDmaVersionOverride: DMA_VERSION_3,
            AddressWidthOverride: address_bits,
            ..WDF_DMA_ENABLER_CONFIG::default()
        };
        let mut enabler = core::ptr::null_mut();
        // SAFETY: the device is alive; the other two live through the call.
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
        // SAFETY: the enabler has just been created; the handle lives through the call.
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
        // SAFETY: as above.
        let bus_address = unsafe {
            call_unsafe_wdf_function_binding!(WdfCommonBufferGetAlignedLogicalAddress, buffer)
        };
        let memory = NonNull::new(memory.cast()).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self {
            memory: NonNull::slice_from_raw_parts(memory, length_bytes),
            // SAFETY: every bit pattern of a LARGE_INTEGER is a valid QuadPart.
            bus_address: unsafe { bus_address.QuadPart }.cast_unsigned(),
        })
    }

    /// Where the device finds it.
    #[must_use]
    pub const fn bus_address(&self) -> u64 {
        self.bus_address
    }

    /// Copies from it. What the device writes meanwhile may or may not be seen.
    ///
    /// # Safety
    /// There are so many bytes at `destination`, outside of this buffer.
    pub(super) unsafe fn copy_to(&self, destination: *mut u8, length_bytes: usize) -> Result<()> {
        let source = self.start(length_bytes)?;
        // SAFETY: `start` checked the length, the caller vouches for the destination.
        unsafe { source.copy_to_nonoverlapping(destination, length_bytes) };
        Ok(())
    }

    /// Copies to it.
    ///
    /// # Safety
    /// There are so many bytes at `source`, outside of this buffer.
    pub(super) unsafe fn copy_from(
        &mut self,
        source: *const u8,
        length_bytes: usize,
    ) -> Result<()> {
        let destination = self.start(length_bytes)?;
        // SAFETY: `start` checked the length, the caller vouches for the source.
        unsafe { destination.copy_from_nonoverlapping(source, length_bytes) };
        Ok(())
    }

    /// Where it starts, if it is that long.
    const fn start(&self, length_bytes: usize) -> Result<*mut u8> {
        if length_bytes <= self.memory.len() {
            Ok(self.memory.cast().as_ptr())
        } else {
            Err(NtStatus::INVALID_BUFFER_SIZE)
        }
    }
}

/// `WDF_DMA_ENABLER_CONFIG::WdmDmaVersionOverride`
const DMA_VERSION_3: ULONG = 3;
