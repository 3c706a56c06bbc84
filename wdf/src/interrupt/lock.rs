//! The interrupt lock, and what it guards.

use core::{cell::UnsafeCell, ptr::NonNull};

use wdk_sys::{WDFINTERRUPT, WDFSPINLOCK, WDFWAITLOCK, call_unsafe_wdf_function_binding};

use super::{
    Handling, InterruptHandler,
    deferring::{Deferring, User},
};
use crate::{
    Context, ContextType, Device, Disconnected, NtStatus, Result, device::DeviceHandle, init,
    spin_lock,
};

/// What the ISRs of a device share: the context of an [`InterruptLock`].
///
/// No example: no driver names it.
pub struct Shared<S>(UnsafeCell<S>);

// SAFETY: the `S` is reached with the interrupt lock held, or while no interrupt is connected.
unsafe impl<S: Send> Sync for Shared<S> {}

impl<S: Send + 'static> Context for Shared<S> {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<()> = ContextType::new(&TYPE, c"InterruptLock");
        // SAFETY: only `InterruptLock::new` makes an object with it, and only that lock's `S` is in it.
        unsafe { TYPE.of_one() }
    }
}

/// One lock for several interrupt objects of a device, and what their ISRs share.
///
/// At DIRQL it is a framework spin lock, but never taken as one: given to each interrupt object, it
/// becomes part of the interrupt lock, which raises to DIRQL. For passive handling it is a wait lock,
/// and the spin lock's object is only the place of what it guards.
///
/// ```no_run
/// use kmdf::{Device, Disconnected, Handling, InterruptLock, Result};
///
/// struct Sequence(u64);
///
/// fn create(device: Device<'_>) -> Result<InterruptLock<Sequence>> {
///     InterruptLock::new(device, Handling::Dirql, Sequence(0))
/// }
///
/// /// In EvtDeviceReleaseHardware.
/// fn reset(lock: &InterruptLock<Sequence>, disconnected: &mut Disconnected<'_>) -> Result<()> {
///     assert_eq!(lock.handling(), Handling::Dirql);
///     lock.shared(disconnected)?.0 = 0;
///     Ok(())
/// }
/// ```
pub struct InterruptLock<S> {
    shared: NonNull<Shared<S>>,
    spin_lock: WDFSPINLOCK,
    wait_lock: WDFWAITLOCK,
    device: DeviceHandle,
    handling: Handling,
}

// SAFETY: the handles are numbers, and what `shared` leads to is `Sync`.
unsafe impl<S: Send> Send for InterruptLock<S> {}
// SAFETY: the same on several processors at once.
unsafe impl<S: Send> Sync for InterruptLock<S> {}

impl<S: Send + 'static> InterruptLock<S> {
    /// Creates it (`WdfSpinLockCreate`, `WdfWaitLockCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device<'_>, handling: Handling, data: S) -> Result<Self> {
        let (spin_lock, shared) = spin_lock::create(device, Shared(UnsafeCell::new(data)))?;
        Ok(Self {
            shared,
            spin_lock,
            wait_lock: if handling.is_passive() {
                create_wait_lock(device)?
            } else {
                core::ptr::null_mut()
            },
            device: device.to_handle(),
            handling,
        })
    }
}

impl<S> InterruptLock<S> {
    /// What the ISRs share, while none of them can run. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// STATUS_INTERNAL_ERROR: the proof is another device's.
    #[inline]
    pub fn shared<'a>(&'a self, disconnected: &'a mut Disconnected<'_>) -> Result<&'a mut S> {
        if !disconnected.is_of(self.device) {
            return Err(NtStatus::INTERNAL_ERROR);
        }
        // SAFETY: the context lives as long as the lock object, a child of the device, in whose context or
        // callback this value is.
        let shared = unsafe { self.shared.as_ref() };
        // SAFETY: no interrupt of the device is connected, so no ISR runs and no `InterruptGuard`
        // exists; and there is one proof, mutably borrowed for as long as the result lives.
        Ok(unsafe { &mut *shared.0.get() })
    }

    /// At which IRQL the interrupts are handled.
    #[must_use]
    #[inline]
    pub const fn handling(&self) -> Handling {
        self.handling
    }

    #[inline]
    pub(super) const fn device(&self) -> DeviceHandle {
        self.device
    }

    /// What interrupt objects are created with.
    #[inline]
    pub(super) const fn locking(&self) -> Locking<S> {
        Locking {
            // A spin lock is none of a passive interrupt's.
            spin_lock: if self.handling.is_passive() {
                core::ptr::null_mut()
            } else {
                self.spin_lock
            },
            wait_lock: self.wait_lock,
            shared: self.shared,
        }
    }
}

/// How an interrupt object locks, and what its ISR shares with others.
///
/// # Invariants
/// `shared` is valid as long as the device is, and whoever uses it holds the lock that these handles make.
pub(super) struct Locking<S> {
    /// `WDF_INTERRUPT_CONFIG::SpinLock`
    pub spin_lock: WDFSPINLOCK,
    /// `WDF_INTERRUPT_CONFIG::WaitLock`
    pub wait_lock: WDFWAITLOCK,
    pub shared: NonNull<Shared<S>>,
}

impl Locking<()> {
    /// A lock of its own, which the framework makes; nothing is shared.
    pub(super) const OWN: Self = Self {
        spin_lock: core::ptr::null_mut(),
        wait_lock: core::ptr::null_mut(),
        // Valid: there is nothing in it.
        shared: NonNull::dangling(),
    };
}

/// `WdfWaitLockCreate`
fn create_wait_lock(device: Device<'_>) -> Result<WDFWAITLOCK> {
    let mut attributes = init::object_attributes();
    attributes.ParentObject = device.as_object();
    let mut handle = core::ptr::null_mut();
    // SAFETY: the parent is alive by the invariant of `Device`; the others are locals.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(WdfWaitLockCreate, &raw mut attributes, &raw mut handle)
    };
    NtStatus::check(status)?;
    Ok(handle)
}

/// The context of an interrupt object. In this order: what the ISR touches most is where the context is.
///
/// No example: no driver names it.
#[repr(C)]
pub struct InterruptContext<H: InterruptHandler> {
    own: UnsafeCell<H>,
    shared: NonNull<Shared<H::Shared>>,
    deferring: NonNull<Deferring>,
    handling: Handling,
}

// SAFETY: `own` and `shared` are reached with the interrupt lock held or while the interrupt is not connected, and
// all interrupt objects with the same `shared` have the same lock. `deferring` is atomic.
unsafe impl<H: InterruptHandler> Sync for InterruptContext<H> {}

impl<H: InterruptHandler> Context for InterruptContext<H> {
    fn context_type() -> &'static ContextType<Self> {
        static TYPE: ContextType<()> = ContextType::new(&TYPE, c"Interrupt");
        // SAFETY: only `Interrupt::create` and `new` make an object with it. Its callbacks, and the handle that they
        // give, are of the same `H`.
        unsafe { TYPE.of_one() }
    }
}

impl<H: InterruptHandler> InterruptContext<H> {
    pub(super) fn new(
        shared: NonNull<Shared<H::Shared>>,
        deferring: &Deferring,
        handling: Handling,
        handler: H,
    ) -> Self {
        Self {
            own: UnsafeCell::new(handler),
            shared,
            deferring: NonNull::from(deferring),
            handling,
        }
    }

    #[inline]
    pub(super) const fn handling(&self) -> Handling {
        self.handling
    }

    /// Whether the ISRs may defer their work.
    #[inline]
    pub(super) const fn deferring(&self) -> &Deferring {
        // SAFETY: it is a context of the device, which this object's context does not outlive.
        unsafe { self.deferring.as_ref() }
    }

    /// # Safety
    /// The interrupt lock is held for `'a`, and this is the holder's only call.
    #[expect(
        clippy::mut_from_ref,
        reason = "the lock makes it exclusive, not the borrow"
    )]
    #[inline]
    pub(super) unsafe fn locked<'a>(&'a self) -> (&'a mut H, &'a mut H::Shared) {
        // SAFETY: the invariant of `Locking`, of which this is.
        let shared: &'a Shared<H::Shared> = unsafe { self.shared.as_ref() };
        // SAFETY: the interrupt lock is held by this function's contract, so nobody else has a reference to it.
        let shared = unsafe { &mut *shared.0.get() };
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
    #[inline]
    pub(super) unsafe fn disconnected(&self) -> &mut H {
        // SAFETY: no ISR runs and no `InterruptGuard` exists, so nobody else has a reference to it.
        unsafe { &mut *self.own.get() }
    }
}

/// The interrupt lock is held, at DIRQL.
///
/// ```no_run
/// use kmdf::{InterruptGuard, InterruptHandler};
///
/// fn add<H: InterruptHandler<Shared = u64>>(guard: &mut InterruptGuard<'_, H>) {
///     *guard.shared += 1;
/// }
/// ```
#[must_use = "the lock is released when this is dropped"]
pub struct InterruptGuard<'a, H: InterruptHandler> {
    handle: WDFINTERRUPT,
    /// What the interrupt object keeps for itself.
    pub own: &'a mut H,
    /// What it shares with others.
    pub shared: &'a mut H::Shared,
    /// Who keeps the interrupt connected; nobody needs to in what its ISR has deferred.
    _user: Option<User<'a>>,
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
        user: Option<User<'a>>,
    ) -> Option<Self> {
        if context.handling.is_passive() {
            return None;
        }
        // SAFETY: the object is connected by this function's contract.
        unsafe { call_unsafe_wdf_function_binding!(WdfInterruptAcquireLock, handle) };
        // SAFETY: the lock is held until this guard is dropped.
        let (own, shared) = unsafe { context.locked() };
        Some(Self {
            handle,
            own,
            shared,
            _user: user,
        })
    }
}

impl<H: InterruptHandler> Drop for InterruptGuard<'_, H> {
    /// `WdfInterruptReleaseLock`
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `acquire` took the lock, and the interrupt is still connected.
        unsafe { call_unsafe_wdf_function_binding!(WdfInterruptReleaseLock, self.handle) };
    }
}
