//! A framework spin lock that holds what it guards.

use core::{
    cell::UnsafeCell,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use wdk_sys::{WDFSPINLOCK, call_unsafe_wdf_function_binding};

use super::{
    Context, Device, NtStatus, Result,
    context::{attributes_with, initialize},
};

/// The context of a lock: what it guards.
pub struct Guarded<T>(UnsafeCell<T>);

// SAFETY: the only way to the `T` is through a guard, which the lock hands out one at a time.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub(super) const fn get(&self) -> *mut T {
        self.0.get()
    }
}

/// `WDFSPINLOCK`. What it guards lives in its context space.
pub struct SpinLock<T> {
    handle: WDFSPINLOCK,
    guarded: NonNull<Guarded<T>>,
}

// SAFETY: a spin lock may be taken on any processor, and its data is `Sync`, see `Guarded`.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T>
where
    Guarded<T>: Context,
{
    /// Creates a lock that lives as long as the device (`WdfSpinLockCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device, value: T) -> Result<Self> {
        let mut attributes = attributes_with::<Guarded<T>>();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive; the other two live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfSpinLockCreate,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        // SAFETY: the lock has just been created with room for its data, and has no callback but
        // that which drops it.
        let guarded = unsafe { initialize(handle.cast(), Guarded(UnsafeCell::new(value))) }?;
        Ok(Self { handle, guarded })
    }

    /// Takes the lock (`WdfSpinLockAcquire`). IRQL: <= DISPATCH_LEVEL, and DISPATCH_LEVEL until
    /// the guard is dropped.
    pub fn lock(&self) -> SpinLockGuard<'_, T> {
        // SAFETY: the lock lives as long as its device, whose context or callback led here.
        unsafe { call_unsafe_wdf_function_binding!(WdfSpinLockAcquire, self.handle) };
        SpinLockGuard { lock: self }
    }
}

impl<T> SpinLock<T> {
    pub(super) const fn handle(&self) -> WDFSPINLOCK {
        self.handle
    }

    pub(super) const fn guarded(&self) -> NonNull<Guarded<T>> {
        self.guarded
    }
}

/// The lock is held.
#[must_use = "the lock is released when this is dropped"]
pub struct SpinLockGuard<'a, T> {
    lock: &'a SpinLock<T>,
}

impl<T> Deref for SpinLockGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the context lives as long as the lock.
        let guarded = unsafe { self.lock.guarded.as_ref() };
        // SAFETY: the lock is held, so nobody else has a reference.
        unsafe { &*guarded.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the context lives as long as the lock.
        let guarded = unsafe { self.lock.guarded.as_ref() };
        // SAFETY: the lock is held, so nobody else has a reference.
        unsafe { &mut *guarded.get() }
    }
}

impl<T> Drop for SpinLockGuard<'_, T> {
    fn drop(&mut self) {
        // SAFETY: this guard took the lock.
        unsafe { call_unsafe_wdf_function_binding!(WdfSpinLockRelease, self.lock.handle) };
    }
}
