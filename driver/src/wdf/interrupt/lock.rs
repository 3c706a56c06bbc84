//! The interrupt lock, and what it guards.

use core::{cell::UnsafeCell, ptr::NonNull, sync::atomic::AtomicBool};

use wdk_sys::{WDFINTERRUPT, WDFSPINLOCK, WDFWAITLOCK, call_unsafe_wdf_function_binding};

use super::{Handling, InterruptHandler, deferring::Deferring};
use crate::wdf::{
    Context, Device, Disconnected, Guarded, NtStatus, Result, SpinLock, context::attributes,
};

/// What the ISRs of a device share, and whether they may defer their work: see [`Deferring`].
#[repr(C)]
pub struct Shared<S> {
    data: UnsafeCell<S>,
    deferring: AtomicBool,
}

/// The lock of all interrupt objects of a device, and what their ISRs share.
///
/// At DIRQL it is a framework spin lock, but never taken as one: given to each interrupt object, it
/// becomes part of the interrupt lock, which raises to DIRQL. For passive handling it is a wait lock,
/// and the spin lock's object is only the place of what it guards.
pub struct InterruptLock<S> {
    lock: SpinLock<Shared<S>>,
    wait_lock: WDFWAITLOCK,
    device: Device,
    handling: Handling,
}

// SAFETY: the wait lock may be used on any processor, as the other members.
unsafe impl<S: Send> Send for InterruptLock<S> {}
// SAFETY: as above.
unsafe impl<S: Send> Sync for InterruptLock<S> {}

impl<S> InterruptLock<S>
where
    Guarded<Shared<S>>: Context,
{
    /// Creates it. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status. STATUS_OBJECT_NAME_EXISTS: the device has one.
    pub fn new(device: Device, handling: Handling, data: S) -> Result<Self> {
        let shared = Shared {
            data: UnsafeCell::new(data),
            deferring: AtomicBool::new(false),
        };
        let lock = SpinLock::new(device, shared)?;
        // SAFETY: the context lives as long as the lock, which lives as long as the device.
        let shared = unsafe { shared_of(lock.guarded()) };
        device.attach(Deferring::new(&shared.deferring))?;
        Ok(Self {
            lock,
            wait_lock: if handling.is_passive() {
                create_wait_lock(device)?
            } else {
                core::ptr::null_mut()
            },
            device,
            handling,
        })
    }

    /// What the ISRs share, while none of them can run.
    ///
    /// # Errors
    /// STATUS_INTERNAL_ERROR: the proof is another device's.
    pub fn shared<'a>(&'a self, disconnected: &'a mut Disconnected<'_>) -> Result<&'a mut S> {
        if !disconnected.is_of(self.device) {
            return Err(NtStatus::INTERNAL_ERROR);
        }
        // SAFETY: the context lives as long as the lock, which lives as long as the device.
        let shared = unsafe { shared_of(self.lock.guarded()) };
        // SAFETY: no interrupt of the device is connected, so no ISR runs and no `InterruptGuard`
        // exists; and there is one proof, mutably borrowed for as long as the result lives.
        Ok(unsafe { &mut *shared.data.get() })
    }

    pub(super) const fn device(&self) -> Device {
        self.device
    }

    /// At which IRQL the interrupts are handled.
    #[must_use]
    pub const fn handling(&self) -> Handling {
        self.handling
    }

    /// `WDF_INTERRUPT_CONFIG::SpinLock`
    pub(super) const fn spin_lock(&self) -> WDFSPINLOCK {
        if self.handling.is_passive() {
            core::ptr::null_mut()
        } else {
            self.lock.handle()
        }
    }

    /// `WDF_INTERRUPT_CONFIG::WaitLock`
    pub(super) const fn wait_lock(&self) -> WDFWAITLOCK {
        self.wait_lock
    }
}

/// What the ISRs share. Nobody takes the spin lock as one, so nobody has it to himself.
///
/// # Safety
/// The lock lives for `'a`.
unsafe fn shared_of<'a, S>(guarded: NonNull<Guarded<Shared<S>>>) -> &'a Shared<S> {
    // SAFETY: the caller vouches for the lock, whose context this is.
    let guarded: &'a Guarded<Shared<S>> = unsafe { guarded.as_ref() };
    // SAFETY: all references to it are shared: what changes in it is in cells.
    unsafe { &*guarded.get() }
}

/// `WdfWaitLockCreate`
fn create_wait_lock(device: Device) -> Result<WDFWAITLOCK> {
    let mut attributes = attributes();
    attributes.ParentObject = device.as_object();
    let mut handle = core::ptr::null_mut();
    // SAFETY: the device is alive; the other two live through the call.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(WdfWaitLockCreate, &raw mut attributes, &raw mut handle)
    };
    NtStatus::check(status)?;
    Ok(handle)
}

/// The context of an interrupt object. In this order: what the ISR touches most is where the context is.
#[repr(C)]
pub struct InterruptContext<H: InterruptHandler> {
    own: UnsafeCell<H>,
    shared: NonNull<Guarded<Shared<H::Shared>>>,
    handling: Handling,
}

// SAFETY: `own` and `shared` are reached with the interrupt lock held only, and all interrupt objects
// of a device share that lock.
unsafe impl<H: InterruptHandler> Sync for InterruptContext<H> {}

impl<H: InterruptHandler> InterruptContext<H> {
    pub(super) fn new(lock: &InterruptLock<H::Shared>, handler: H) -> Self {
        Self {
            own: UnsafeCell::new(handler),
            shared: lock.lock.guarded(),
            handling: lock.handling,
        }
    }

    pub(super) const fn handling(&self) -> Handling {
        self.handling
    }

    /// Whether the ISRs may defer their work.
    pub(super) fn deferring(&self) -> &AtomicBool {
        // SAFETY: the lock lives as long as the device, as this context does at most.
        &unsafe { shared_of(self.shared) }.deferring
    }

    /// # Safety
    /// The interrupt lock is held for `'a`, and this is the holder's only call.
    #[expect(
        clippy::mut_from_ref,
        reason = "the lock makes it exclusive, not the borrow"
    )]
    pub(super) unsafe fn locked<'a>(&'a self) -> (&'a mut H, &'a mut H::Shared) {
        // SAFETY: the lock lives as long as the device, as this context does at most.
        let shared: &'a Shared<H::Shared> = unsafe { shared_of(self.shared) };
        // SAFETY: the interrupt lock is held, so nobody else has a reference to it.
        let shared = unsafe { &mut *shared.data.get() };
        // SAFETY: the same lock guards it.
        let own = unsafe { &mut *self.own.get() };
        (own, shared)
    }

    /// What the object keeps for itself.
    ///
    /// # Safety
    /// No interrupt of the device is connected while the result lives, and this is the only call meanwhile.
    #[expect(
        clippy::mut_from_ref,
        reason = "that nobody else can have the lock makes it exclusive, not the borrow"
    )]
    pub(super) unsafe fn disconnected(&self) -> &mut H {
        // SAFETY: no ISR runs and no `InterruptGuard` exists, so nobody else has a reference to it.
        unsafe { &mut *self.own.get() }
    }
}

/// The interrupt lock is held, at DIRQL.
#[must_use = "the lock is released when this is dropped"]
pub struct InterruptGuard<'a, H: InterruptHandler> {
    handle: WDFINTERRUPT,
    /// What the interrupt object keeps for itself.
    pub own: &'a mut H,
}

impl<'a, H: InterruptHandler> InterruptGuard<'a, H> {
    /// `None` if the interrupt is handled at PASSIVE_LEVEL: then only its ISR has that lock.
    ///
    /// # Safety
    /// The object is connected and stays so for `'a`. The context is its own. The caller holds no
    /// interrupt lock.
    #[inline]
    pub(super) unsafe fn acquire(
        handle: WDFINTERRUPT,
        context: &'a InterruptContext<H>,
    ) -> Option<Self> {
        if context.handling.is_passive() {
            return None;
        }
        // SAFETY: the object is connected.
        unsafe { call_unsafe_wdf_function_binding!(WdfInterruptAcquireLock, handle) };
        // SAFETY: the lock is held until this guard is dropped.
        let (own, _) = unsafe { context.locked() };
        Some(Self { handle, own })
    }
}

impl<H: InterruptHandler> Drop for InterruptGuard<'_, H> {
    fn drop(&mut self) {
        // SAFETY: `acquire` took the lock.
        unsafe { call_unsafe_wdf_function_binding!(WdfInterruptReleaseLock, self.handle) };
    }
}
