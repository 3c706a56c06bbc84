//! Device registers, mapped.

use core::{ffi::c_void, ptr::NonNull};

use safe_mmio::UniqueMmioPointer;
use wdk_sys::{
    PAGE_NOCACHE, PAGE_READWRITE, SIZE_T,
    ntddk::{MmMapIoSpaceEx, MmUnmapIoSpace},
};

use super::{MemoryRange, NtStatus, Result};

/// The registers `T` at the start of a memory range, mapped uncached for as long as this lives.
///
/// Registers that two locks guard are two types, each with a mapping of its own: then nobody can reach what the
/// other lock guards, and nobody unmaps what another uses. A second mapping of a page costs one page table entry.
///
/// ```no_run
/// use kmdf::{Mapping, MemoryRange, Result, mmio::{ReadPure, WriteOnly}, register};
///
/// #[repr(C)]
/// struct Registers {
///     status: ReadPure<u32>,
///     acknowledge: WriteOnly<u32>,
/// }
///
/// fn acknowledge_all(bar: &MemoryRange) -> Result<()> {
///     let mut mapping = Mapping::<Registers>::new(bar)?;
///     let causes = register!(mapping, status).read();
///     register!(mapping, acknowledge).write(causes);
///     Ok(())
/// }
/// ```
pub struct Mapping<T> {
    base: NonNull<T>,
}

// SAFETY: a mapping is valid on every processor and at every IRQL, and what it maps is no Rust object.
unsafe impl<T> Send for Mapping<T> {}

impl<T> Mapping<T> {
    /// Maps the start of a range (`MmMapIoSpaceEx`). IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_DEVICE_CONFIGURATION_ERROR: the range is shorter than `T`, or not aligned for it.
    /// STATUS_INSUFFICIENT_RESOURCES: the kernel has no room for it.
    pub fn new(range: &MemoryRange) -> Result<Self> {
        const {
            assert!(
                align_of::<T>() <= 16,
                "a BAR is aligned to 16 bytes at least"
            );
        }
        let aligned = range.bus_address().is_multiple_of(align_of::<T>() as u64);
        if range.length_bytes() < size_of::<T>() || !aligned {
            return Err(NtStatus::DEVICE_CONFIGURATION_ERROR);
        }
        // SAFETY: only `Resources` makes a range, from what PnP has given this driver's device to map.
        let base = unsafe {
            MmMapIoSpaceEx(
                range.start(),
                size_of::<T>() as SIZE_T,
                PAGE_READWRITE | PAGE_NOCACHE,
            )
        };
        let base = NonNull::new(base.cast()).ok_or(NtStatus::INSUFFICIENT_RESOURCES)?;
        Ok(Self { base })
    }

    /// A register: what [`register!`](crate::register) is made of.
    ///
    /// No example: the macro is the way to call it.
    ///
    /// # Safety
    /// Of the pointer that it gets, `project` returns one to a field.
    #[inline]
    pub unsafe fn project<U>(
        &mut self,
        project: impl FnOnce(*mut T) -> *mut U,
    ) -> UniqueMmioPointer<'_, U> {
        // SAFETY: a field of what is at an address that is not null is at one that is not null.
        let register = unsafe { NonNull::new_unchecked(project(self.base.as_ptr())) };
        // SAFETY: `new` mapped as many bytes as `T` has, at an address aligned as the range is. They stay mapped until
        // `drop`, which the borrow excludes; and the borrow is mutable, so there is no other pointer.
        unsafe { UniqueMmioPointer::new(register) }
    }
}

/// A register of a [`Mapping`](crate::Mapping), by its name. IRQL: any. Each access is one instruction of the
/// register's width.
#[macro_export]
macro_rules! register {
    ($mapping:expr, $field:ident) => {{
        let mapping: &mut $crate::Mapping<_> = &mut $mapping;
        // SAFETY: it is a field.
        unsafe { mapping.project(|registers| &raw mut (*registers).$field) }
    }};
}

impl<T> Drop for Mapping<T> {
    /// `MmUnmapIoSpace`. IRQL: <= DISPATCH_LEVEL.
    fn drop(&mut self) {
        // SAFETY: `new` mapped it with this length, and nothing borrows it any more.
        unsafe {
            MmUnmapIoSpace(
                self.base.as_ptr().cast::<c_void>(),
                size_of::<T>() as SIZE_T,
            );
        };
    }
}
