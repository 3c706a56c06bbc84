//! Lists in pool: the one module that allocates.
//!
//! A list is made with [`Passive`] only, which no ISR, DPC or request has. What fails is an error, not a panic.

extern crate alloc;

use core::ops::Deref;

use alloc::vec::Vec;

use super::{NtStatus, Passive, Result};

/// A list whose length is settled when it is made, in memory of the driver's global allocator.
///
/// ```no_run
/// use kmdf::{List, Passive, Result};
///
/// fn squares(passive: &Passive<'_>) -> Result<List<u32>> {
///     List::collect(passive, 4, (0..).map(|n| Ok(n * n)))
/// }
///
/// /// What there is before there is something.
/// const NOTHING: List<u32> = List::empty();
/// ```
pub struct List<T>(Vec<T>);

impl<T> List<T> {
    /// No element; nothing is allocated.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Vec::new())
    }

    /// A list of the first `length` elements, or of all if they are fewer. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// STATUS_INSUFFICIENT_RESOURCES, or that of the element that fails.
    pub fn collect(
        _: &Passive<'_>,
        length: usize,
        elements: impl Iterator<Item = Result<T>>,
    ) -> Result<Self> {
        const {
            // The allocator gives what any pool allocation is aligned to.
            assert!(align_of::<T>() <= 16);
        }
        let mut list = Vec::new();
        if list.try_reserve_exact(length).is_err() {
            return Err(NtStatus::INSUFFICIENT_RESOURCES);
        }
        for element in elements.take(length) {
            let element = element?;
            // Not `push`: its way to more memory, and to a panic without, would be in the image.
            if let Some(slot) = list.spare_capacity_mut().first_mut() {
                slot.write(element);
                let length = list.len() + 1;
                // SAFETY: there was room for one more, and it has just been written.
                unsafe { list.set_len(length) };
            }
        }
        Ok(Self(list))
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}
