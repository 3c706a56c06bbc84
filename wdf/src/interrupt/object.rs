//! The interrupt object.

use core::{marker::PhantomData, ptr::NonNull};

use wdk_sys::{WDF_INTERRUPT_INFO, WDFINTERRUPT, call_unsafe_wdf_function_binding};

use super::{
    Deferring, Handling, InterruptContext, InterruptGuard, InterruptHandler, InterruptLock, Policy,
    config::{self, Origin},
    deferring::User,
    lock::Locking,
};
use crate::{
    Connected, Device, Disconnected, InterruptResource, NtStatus, Result, WakeResource,
    context::{self, attributes_with, initialize},
    device::DeviceHandle,
    init,
};

/// `WDFINTERRUPT`.
///
/// ```no_run
/// use kmdf::{
///     Connected, Context, Device, Disconnected, Handling, Hardware, Interrupt, InterruptHandler, InterruptLock,
///     Policy, Priority, Result,
/// };
///
/// /// In EvtDriverDeviceAdd: two objects, with one lock and on the first two processors.
/// fn create<H: InterruptHandler + Default>(device: Device<'_>, shared: H::Shared) -> Result<[Interrupt<H>; 2]> {
///     let lock = InterruptLock::new(device, Handling::Dirql, shared)?;
///     let first = Interrupt::create(device, &lock, H::default())?;
///     let second = Interrupt::create(device, &lock, H::default())?;
///     let policy = Policy { processors: 0b11, priority: Priority::High };
///     first.set_policy(device, policy);
///     second.set_policy(device, policy);
///     Ok([first, second])
/// }
///
/// /// Or in EvtDevicePrepareHardware: one for each resource that can wake the device, or for the first resource.
/// fn create_late<H: InterruptHandler + Default>(
///     hardware: &Hardware<'_>,
///     lock: &InterruptLock<H::Shared>,
/// ) -> Result<Option<Interrupt<H>>> {
///     let mut resources = hardware.resources.interrupts();
///     let Some(resource) = resources.next() else {
///         return Ok(None);
///     };
///     let created = match resource.wake() {
///         Some(waking) => Interrupt::create_wake(&waking, lock, H::default()),
///         None => Interrupt::create_for(&resource, lock, H::default()),
///     };
///     created.map(Some)
/// }
///
/// /// With the proof that `PnpPower::interrupts_enabled` gets.
/// fn take<H: InterruptHandler + Default>(interrupt: &Interrupt<H>, connected: &Connected) -> Option<H> {
///     let guard = interrupt.lock(connected)?;
///     Some(core::mem::take(guard.own))
/// }
///
/// /// In EvtDeviceReleaseHardware; which vector it had.
/// fn release<H: InterruptHandler + Default>(interrupt: &Interrupt<H>, proof: &mut Disconnected<'_>) -> Result<u32> {
///     *interrupt.disconnected(proof)? = H::default();
///     Ok(interrupt.info().Vector)
/// }
/// ```
pub struct Interrupt<H> {
    handle: WDFINTERRUPT,
    device: DeviceHandle,
    deferring: NonNull<Deferring>,
    handling: Handling,
    handler: PhantomData<fn() -> H>,
}

// SAFETY: the handle is a number, `deferring` leads to what is `Sync`, and the framework serializes what is done with it.
unsafe impl<H> Send for Interrupt<H> {}
// SAFETY: the same on several processors at once.
unsafe impl<H> Sync for Interrupt<H> {}

impl<H: InterruptHandler<Shared = ()>> Interrupt<H> {
    /// Creates an interrupt object with a lock of its own, in EvtDriverDeviceAdd. Else as [`Interrupt::create`].
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device<'_>, handling: Handling, handler: H) -> Result<Self> {
        // SAFETY: the device is alive by the invariant of `Device`, and the framework makes the lock.
        unsafe {
            create(
                device.to_handle(),
                handling,
                &Locking::OWN,
                handler,
                Origin::DeviceAdd,
            )
        }
    }
}

impl<H: InterruptHandler> Interrupt<H> {
    /// Creates an interrupt object in EvtDriverDeviceAdd (`WdfInterruptCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// The first object that is created gets the first interrupt or message, and so on; one that gets none is never
    /// connected.
    ///
    /// # Errors
    /// The framework's status; STATUS_INTERNAL_ERROR: the lock is another device's.
    pub fn create(device: Device<'_>, lock: &InterruptLock<H::Shared>, handler: H) -> Result<Self> {
        if lock.device() != device.to_handle() {
            return Err(NtStatus::INTERNAL_ERROR);
        }
        let (handling, locking) = (lock.handling(), &lock.locking());
        // SAFETY: the device is alive by the invariant of `Device`, and the lock is its own.
        unsafe { create(lock.device(), handling, locking, handler, Origin::DeviceAdd) }
    }

    /// Creates an interrupt object for a resource in EvtDevicePrepareHardware (`WdfInterruptCreate`): for one of
    /// several messages, the next that has none. The framework deletes the object after EvtDeviceReleaseHardware: there,
    /// drop this value. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status; STATUS_INVALID_PARAMETER: the resource is none of the device that the lock is of.
    pub fn create_for(
        resource: &InterruptResource<'_>,
        lock: &InterruptLock<H::Shared>,
        handler: H,
    ) -> Result<Self> {
        Self::create_with(lock, handler, Origin::Resource(resource))
    }

    /// Creates an interrupt object that wakes the device (`WDF_INTERRUPT_CONFIG::CanWakeDevice`). When the device is
    /// armed for wake, the interrupt stays connected while it is not in D0; the ISR is called when the device is in D0
    /// again, and EvtInterruptDisable and EvtInterruptEnable are not. The driver must be the device's power policy owner.
    /// Else as [`Interrupt::create_for`].
    ///
    /// # Errors
    /// As [`Interrupt::create_for`], and STATUS_INVALID_PARAMETER: the lock is not one of passive handling, or the
    /// driver is not the power policy owner.
    pub fn create_wake(
        resource: &WakeResource<'_>,
        lock: &InterruptLock<H::Shared>,
        handler: H,
    ) -> Result<Self> {
        Self::create_with(lock, handler, Origin::Wake(resource))
    }

    /// Creates an object whose resource proves the callback it is created in.
    fn create_with(
        lock: &InterruptLock<H::Shared>,
        handler: H,
        origin: Origin<'_>,
    ) -> Result<Self> {
        let (handling, locking) = (lock.handling(), &lock.locking());
        // SAFETY: whoever has the lock is called for its device, which is alive; the lock is its own. The resource is
        // borrowed from EvtDevicePrepareHardware.
        unsafe { create(lock.device(), handling, locking, handler, origin) }
    }

    /// Says which processors shall take the interrupt, and how urgent it is (`WdfInterruptSetExtendedPolicy`). In
    /// EvtDriverDeviceAdd, before the device has resources; not another device's. IRQL: PASSIVE_LEVEL.
    pub fn set_policy(&self, device: Device<'_>, policy: Policy) {
        if device.to_handle() != self.device {
            return;
        }
        let mut extended = policy.extended();
        // SAFETY: the object is alive, and the framework copies the structure in this call.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfInterruptSetExtendedPolicy,
                self.handle,
                &raw mut extended
            );
        }
    }

    /// Takes the interrupt lock (`WdfInterruptAcquireLock`). `None` if this object has no interrupt,
    /// or if that is handled at PASSIVE_LEVEL. IRQL: <= DISPATCH_LEVEL, and DIRQL until the guard is
    /// dropped.
    #[must_use]
    #[inline]
    pub fn lock<'a>(&'a self, connected: &'a Connected) -> Option<InterruptGuard<'a, H>> {
        if self.handling.is_passive() {
            return None;
        }
        let user = self.enter(connected)?;
        // SAFETY: it is connected, and stays so as long as `user` lives, which the guard keeps.
        unsafe { InterruptGuard::acquire(self.handle, self.context(), Some(user)) }
    }

    /// Tells the system that the interrupt is expected again (`WdfInterruptReportActive`), after
    /// [`Interrupt::report_inactive`]. Nothing happens if it is active, or this object has no interrupt. IRQL: <=
    /// DISPATCH_LEVEL.
    #[inline]
    pub fn report_active(&self, connected: &Connected) {
        if let Some(_user) = self.enter(connected) {
            // SAFETY: the object is alive and connected, and stays so as long as `_user` lives.
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptReportActive, self.handle) };
        }
    }

    /// Tells the system that no interrupt is expected (`WdfInterruptReportInactive`): it may mask the line if all that
    /// share it have said so. The object stays connected, and its ISR may be called all the same. IRQL: <=
    /// DISPATCH_LEVEL.
    ///
    /// ```no_run
    /// use kmdf::{Connected, Interrupt, InterruptHandler};
    ///
    /// /// The device raises nothing from now on, and then it does again.
    /// fn rest<H: InterruptHandler>(interrupt: &Interrupt<H>, connected: &Connected) {
    ///     interrupt.report_inactive(connected);
    ///     // …
    ///     interrupt.report_active(connected);
    /// }
    /// ```
    #[inline]
    pub fn report_inactive(&self, connected: &Connected) {
        if let Some(_user) = self.enter(connected) {
            // SAFETY: the object is alive and connected, and stays so as long as `_user` lives.
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptReportInactive, self.handle) };
        }
    }

    /// What the object keeps for itself, while no interrupt of the device is connected. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// STATUS_INTERNAL_ERROR: the proof is another device's.
    #[inline]
    pub fn disconnected<'a>(&'a self, proof: &'a mut Disconnected<'_>) -> Result<&'a mut H> {
        if !proof.is_of(self.device) {
            return Err(NtStatus::INTERNAL_ERROR);
        }
        // SAFETY: there is one proof, mutably borrowed for as long as the result lives.
        Ok(unsafe { self.context().disconnected() })
    }

    /// Keeps the object connected as long as the result lives. `None` if the proof is of another device, or was kept too
    /// long, or the object has no interrupt (`WdfInterruptWdmGetInterrupt`).
    #[inline]
    fn enter(&self, connected: &Connected) -> Option<User<'_>> {
        if !connected.is_of(self.device) {
            return None;
        }
        // SAFETY: it is a context of the device, whose child this object is.
        let deferring = unsafe { self.deferring.as_ref() };
        let user = deferring.enter()?;
        // SAFETY: the object lives as long as the driver keeps this value; see the crate.
        let interrupt =
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptWdmGetInterrupt, self.handle) };
        (!interrupt.is_null()).then_some(user)
    }

    #[inline]
    fn context(&self) -> &InterruptContext<H> {
        // SAFETY: the object lives as long as the driver keeps this value, and `create` made it with this context.
        unsafe { context::own::<InterruptContext<H>>(self.handle.cast()) }
    }

    /// How the object is connected (`WdfInterruptGetInfo`); all zero if it has no interrupt.
    /// IRQL: any.
    #[must_use]
    #[inline]
    pub fn info(&self) -> WDF_INTERRUPT_INFO {
        let mut info = init::interrupt_info();
        // SAFETY: the object is alive, and the structure lives through the call.
        unsafe {
            call_unsafe_wdf_function_binding!(WdfInterruptGetInfo, self.handle, &raw mut info);
        }
        info
    }
}

/// `WdfInterruptCreate`, and the context of the object.
///
/// # Safety
/// The device is alive, and this is the callback that the origin names. The locks are the device's.
unsafe fn create<H: InterruptHandler>(
    device: DeviceHandle,
    handling: Handling,
    locking: &Locking<H::Shared>,
    handler: H,
    origin: Origin<'_>,
) -> Result<Interrupt<H>> {
    let mut config = config::config::<H>(handling, locking, origin);
    // SAFETY: the device is alive by this function's contract, and `DeviceInit::create` made it with this context.
    let deferring: &Deferring = unsafe { context::own(device.get().cast()) };
    let mut attributes = attributes_with::<InterruptContext<H>>();
    let mut handle = core::ptr::null_mut();
    // SAFETY: the device, its locks and the descriptors are alive; the others are locals.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfInterruptCreate,
            device.get(),
            &raw mut config,
            &raw mut attributes,
            &raw mut handle
        )
    };
    NtStatus::check(status)?;
    let context = InterruptContext::new(locking.shared, deferring, handling, handler);
    // SAFETY: the object has just been created with room for this context, and is not
    // connected before the device enters D0.
    unsafe { initialize(handle.cast(), context) }?;
    Ok(Interrupt {
        handle,
        device,
        deferring: NonNull::from(deferring),
        handling,
        handler: PhantomData,
    })
}
