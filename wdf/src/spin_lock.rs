//! A framework spin lock that holds what it guards.

use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use wdk_sys::{WDFSPINLOCK, call_unsafe_wdf_function_binding};

use super::{Device, NtStatus, Result, init};

/// `WDFSPINLOCK`, and what it guards.
///
/// ```
/// use kmdf::SpinLock;
///
/// fn count(counter: &SpinLock<u64>) -> u64 {
///     let mut guard = counter.lock();
///     *guard += 1;
///     *guard
/// }
/// ```
pub struct SpinLock<T> {
    handle: WDFSPINLOCK,
    guarded: UnsafeCell<T>,
}

// SAFETY: the handle is a number, and the `T` may be sent.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: the only way to the `T` is through a guard, which the lock gives to one processor at a time.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    /// Creates a lock that lives as long as the device (`WdfSpinLockCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device, value: T) -> Result<Self> {
        let mut attributes = init::object_attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the parent is alive in EvtDriverDeviceAdd, which alone has a `Device`; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfSpinLockCreate,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Self {
            handle,
            guarded: UnsafeCell::new(value),
        })
    }

    /// Takes the lock (`WdfSpinLockAcquire`). IRQL: <= DISPATCH_LEVEL, and DISPATCH_LEVEL until
    /// the guard is dropped. Not if this thread has it already.
    #[inline]
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        // SAFETY: the lock lives as long as its device, whose context or callback led here.
        unsafe { call_unsafe_wdf_function_binding!(WdfSpinLockAcquire, self.handle) };
        SpinLockGuard {
            lock: self,
            this_processor: PhantomData,
        }
    }
}

/// The lock is held.
#[must_use = "the lock is released when this is dropped"]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
    /// Whoever takes the lock releases it.
    this_processor: PhantomData<*const ()>,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held as long as this guard lives, so nobody else has a reference.
        unsafe { &*self.lock.guarded.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is held as long as this guard lives, so nobody else has a reference.
        unsafe { &mut *self.lock.guarded.get() }
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    /// `WdfSpinLockRelease`
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this guard's lock is held, and its references have ended.
        unsafe { call_unsafe_wdf_function_binding!(WdfSpinLockRelease, self.lock.handle) };
    }
}
