//! Device memory, mapped.

use core::{ffi::c_void, ptr::NonNull};

use wdk_sys::{
    PAGE_NOCACHE, PAGE_READWRITE, SIZE_T,
    ntddk::{MmMapIoSpaceEx, MmUnmapIoSpace},
};

use super::{MemoryRange, NtStatus, Result};

/// The start of a device's memory, mapped uncached. It stays mapped until [`Mapping::unmap`].
pub struct Mapping {
    base: NonNull<c_void>,
    length_bytes: usize,
}

// SAFETY: a mapping is valid on every processor and at every IRQL.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps the first bytes of a range (`MmMapIoSpaceEx`). IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_DEVICE_CONFIGURATION_ERROR: the range is shorter. STATUS_INSUFFICIENT_RESOURCES: the
    /// kernel has no room for it.
    pub fn new(range: &MemoryRange, length_bytes: usize) -> Result<Self> {
        if range.length_bytes < length_bytes {
            return Err(NtStatus::DEVICE_CONFIGURATION_ERROR);
        }
        // SAFETY: the range is a resource of the device, given to its driver for this purpose.
        let base = unsafe {
            MmMapIoSpaceEx(
                range.start,
                length_bytes as SIZE_T,
                PAGE_READWRITE | PAGE_NOCACHE,
            )
        };
        let base = NonNull::new(base).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { base, length_bytes })
    }

    /// Where it is mapped. Page aligned as far as the range is.
    #[must_use]
    pub const fn base(&self) -> NonNull<c_void> {
        self.base
    }

    /// Unmaps it (`MmUnmapIoSpace`). IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// Nothing uses the mapping any more.
    pub unsafe fn unmap(self) {
        // SAFETY: `new` mapped it with this length, and the caller vouches for the rest.
        unsafe { MmUnmapIoSpace(self.base.as_ptr(), self.length_bytes as SIZE_T) };
    }
}
