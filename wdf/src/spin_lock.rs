//! A framework spin lock that holds what it guards.

use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use wdk_sys::{WDFSPINLOCK, call_unsafe_wdf_function_binding};

use super::{
    Context, ContextType, Device, NtStatus, Result,
    context::{attributes_with, initialize},
};

/// `WDFSPINLOCK`, and what it guards, in its context space.
///
/// ```no_run
/// use kmdf::SpinLock;
///
/// fn create(device: kmdf::Device<'_>) -> kmdf::Result<SpinLock<u64>> {
///     SpinLock::new(device, 0)
/// }
///
/// fn count(counter: &SpinLock<u64>) -> u64 {
///     let mut guard: kmdf::SpinLockGuard<'_, u64> = counter.lock();
///     *guard += 1;
///     *guard
/// }
/// ```
pub struct SpinLock<T> {
    handle: WDFSPINLOCK,
    guarded: NonNull<Guarded<T>>,
}

/// The context of a lock.
struct Guarded<T>(UnsafeCell<T>);

// SAFETY: the only way to the `T` is through a guard, which the lock gives to one processor at a time.
unsafe impl<T: Send> Sync for Guarded<T> {}

impl<T: Send + 'static> Context for Guarded<T> {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<()> = ContextType::new(&TYPE, c"SpinLock");
        // SAFETY: only `SpinLock::new` makes an object with it, and only that lock's `T` is in it.
        unsafe { TYPE.of_one() }
    }
}

// SAFETY: the handle is a number, and what the lock guards may be sent.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: the only way to the `T` is through a guard, which the lock gives to one processor at a time.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T: Send + 'static> SpinLock<T> {
    /// Creates a lock that lives as long as the device (`WdfSpinLockCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device<'_>, value: T) -> Result<Self> {
        let (handle, guarded) = create(device, Guarded(UnsafeCell::new(value)))?;
        Ok(Self { handle, guarded })
    }
}

/// Creates a lock with a context (`WdfSpinLockCreate`).
pub(crate) fn create<C: Context>(
    device: Device<'_>,
    context: C,
) -> Result<(WDFSPINLOCK, NonNull<C>)> {
    let mut attributes = attributes_with::<C>();
    attributes.ParentObject = device.as_object();
    let mut handle = core::ptr::null_mut();
    // SAFETY: the parent is alive by the invariant of `Device`; the others are locals.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(WdfSpinLockCreate, &raw mut attributes, &raw mut handle)
    };
    NtStatus::check(status)?;
    // SAFETY: the lock has just been created with room for the context, and calls nothing but what drops it.
    let context = unsafe { initialize(handle.cast(), context) }?;
    Ok((handle, context))
}

impl<T> SpinLock<T> {
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
        // SAFETY: the context lives as long as the lock, which lives as long as its device.
        let guarded = unsafe { self.lock.guarded.as_ref() };
        // SAFETY: the lock is held as long as this guard lives, so nobody else has a reference.
        unsafe { &*guarded.0.get() }
    }
}

impl<T> DerefMut for SpinLockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the context lives as long as the lock, which lives as long as its device.
        let guarded = unsafe { self.lock.guarded.as_ref() };
        // SAFETY: the lock is held as long as this guard lives, so nobody else has a reference.
        unsafe { &mut *guarded.0.get() }
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
