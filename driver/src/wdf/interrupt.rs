//! Interrupt objects, and the one lock that all of a device's share.

use core::{cell::UnsafeCell, marker::PhantomData, ptr::NonNull};

use wdk_sys::{
    _WDF_TRI_STATE::WdfUseDefault, BOOLEAN, NTSTATUS, STATUS_SUCCESS, ULONG, WDF_INTERRUPT_CONFIG,
    WDF_INTERRUPT_INFO, WDFDEVICE, WDFINTERRUPT, WDFOBJECT, call_unsafe_wdf_function_binding,
};

use super::{
    Connected, Context, Device, Disconnected, Guarded, NtStatus, Result, SpinLock,
    context::{self, attributes_with, initialize},
    size_field,
};

/// What an interrupt object does, and what it keeps in its context space for its ISR and DPC.
pub trait InterruptHandler: Sized + Send + 'static {
    /// What the ISRs of all interrupt objects of a device share.
    type Shared: Send + 'static;
    /// The context of the device.
    type Device: Context;

    /// EvtInterruptIsr. IRQL: DIRQL, interrupt lock held. Returns whether the interrupt was the
    /// device's.
    fn isr(&mut self, shared: &mut Self::Shared, message: u32, dpc: IsrDpc<'_>) -> bool;

    /// EvtInterruptDpc. IRQL: DISPATCH_LEVEL. May run on two processors at once.
    fn dpc(device: &Self::Device, interrupt: DpcInterrupt<'_, Self>);

    /// EvtInterruptEnable. IRQL: DIRQL, interrupt lock held.
    fn enable(&mut self, shared: &mut Self::Shared);

    /// EvtInterruptDisable. IRQL: DIRQL, interrupt lock held. Not called when the device was
    /// removed by surprise.
    fn disable(&mut self, shared: &mut Self::Shared);
}

/// The lock of all interrupt objects of a device, and what their ISRs share.
///
/// A framework spin lock, but never taken as one: given to each interrupt object, it becomes part
/// of the interrupt lock, which raises to DIRQL.
pub struct InterruptLock<S> {
    lock: SpinLock<S>,
    device: Device,
}

impl<S> InterruptLock<S>
where
    Guarded<S>: Context,
{
    /// Creates it. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device, shared: S) -> Result<Self> {
        Ok(Self {
            lock: SpinLock::new(device, shared)?,
            device,
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
        let guarded = unsafe { self.lock.guarded().as_ref() };
        // SAFETY: no interrupt of the device is connected, so no ISR runs and no `InterruptGuard`
        // exists; and there is one proof, mutably borrowed for as long as the result lives.
        Ok(unsafe { &mut *guarded.get() })
    }
}

/// The context of an interrupt object.
pub struct InterruptContext<H: InterruptHandler> {
    own: UnsafeCell<H>,
    shared: NonNull<Guarded<H::Shared>>,
}

// SAFETY: both members are reached through an `InterruptGuard` only, of which there is one at a time
// for all interrupt objects of a device, because they share a lock.
unsafe impl<H: InterruptHandler> Sync for InterruptContext<H> {}

impl<H: InterruptHandler> InterruptContext<H> {
    /// # Safety
    /// The interrupt lock is held for `'a`, and this is the holder's only call.
    #[expect(
        clippy::mut_from_ref,
        reason = "the lock makes it exclusive, not the borrow"
    )]
    unsafe fn locked<'a>(&'a self) -> (&'a mut H, &'a mut H::Shared) {
        // SAFETY: the lock's context lives as long as the device, as this one does.
        let shared: &'a Guarded<H::Shared> = unsafe { self.shared.as_ref() };
        // SAFETY: the interrupt lock is held, so nobody else has a reference to it.
        let shared = unsafe { &mut *shared.get() };
        // SAFETY: the same lock guards it.
        let own = unsafe { &mut *self.own.get() };
        (own, shared)
    }
}

/// `WDFINTERRUPT`.
pub struct Interrupt<H> {
    handle: WDFINTERRUPT,
    device: Device,
    handler: PhantomData<fn() -> H>,
}

// SAFETY: an interrupt object may be used on any processor.
unsafe impl<H> Send for Interrupt<H> {}
// SAFETY: the framework serializes what needs it.
unsafe impl<H> Sync for Interrupt<H> {}

impl<H: InterruptHandler> Interrupt<H>
where
    InterruptContext<H>: Context,
    Guarded<H::Shared>: Context,
{
    /// Creates an interrupt object (`WdfInterruptCreate`). The first one created gets the first
    /// interrupt resource or message, and so on; one that gets none is never connected.
    /// IRQL: PASSIVE_LEVEL, in EvtDriverDeviceAdd.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create(lock: &InterruptLock<H::Shared>, handler: H) -> Result<Self> {
        let device = lock.device;
        let mut config = WDF_INTERRUPT_CONFIG {
            SpinLock: lock.lock.handle(),
            EvtInterruptEnable: Some(evt_interrupt_enable::<H>),
            EvtInterruptDisable: Some(evt_interrupt_disable::<H>),
            EvtInterruptDpc: Some(evt_interrupt_dpc::<H>),
            ..config::<H>()
        };
        let mut attributes = attributes_with::<InterruptContext<H>>();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device and the lock are alive; the others live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfInterruptCreate,
                device.handle(),
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        let context = InterruptContext {
            own: UnsafeCell::new(handler),
            shared: lock.lock.guarded(),
        };
        // SAFETY: the object has just been created with room for this context, and is not
        // connected before the device enters D0.
        unsafe { initialize(handle.cast(), context) }?;
        Ok(Self {
            handle,
            device,
            handler: PhantomData,
        })
    }

    /// Takes the interrupt lock (`WdfInterruptAcquireLock`). `None` if this object has no interrupt.
    /// IRQL: <= DISPATCH_LEVEL, and DIRQL until the guard is dropped.
    pub fn lock<'a>(&'a self, connected: &'a Connected) -> Option<InterruptGuard<'a, H>> {
        if !connected.is_of(self.device) || !self.is_connected() {
            return None;
        }
        // SAFETY: it is connected, and stays so as long as the proof is borrowed.
        unsafe { InterruptGuard::acquire(self.handle) }
    }

    /// Whether the object has an interrupt and is connected (`WdfInterruptWdmGetInterrupt`).
    fn is_connected(&self) -> bool {
        // SAFETY: the object lives as long as its device, whose context or callback led here.
        let interrupt =
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptWdmGetInterrupt, self.handle) };
        !interrupt.is_null()
    }

    /// How the object is connected (`WdfInterruptGetInfo`); all zero if it has no interrupt.
    /// IRQL: any.
    #[must_use]
    pub fn info(&self) -> WDF_INTERRUPT_INFO {
        let mut info = WDF_INTERRUPT_INFO {
            Size: size_field::<WDF_INTERRUPT_INFO>(),
            ..WDF_INTERRUPT_INFO::default()
        };
        // SAFETY: the object is alive, and the structure lives through the call.
        unsafe {
            call_unsafe_wdf_function_binding!(WdfInterruptGetInfo, self.handle, &raw mut info);
        }
        info
    }
}

/// `WDF_INTERRUPT_CONFIG_INIT`.
fn config<H: InterruptHandler>() -> WDF_INTERRUPT_CONFIG
where
    InterruptContext<H>: Context,
{
    WDF_INTERRUPT_CONFIG {
        Size: size_field::<WDF_INTERRUPT_CONFIG>(),
        ShareVector: WdfUseDefault,
        ReportInactiveOnPowerDown: WdfUseDefault,
        EvtInterruptIsr: Some(evt_interrupt_isr::<H>),
        ..WDF_INTERRUPT_CONFIG::default()
    }
}

/// The interrupt lock is held.
#[must_use = "the lock is released when this is dropped"]
pub struct InterruptGuard<'a, H: InterruptHandler> {
    handle: WDFINTERRUPT,
    /// What the interrupt object keeps for itself.
    pub own: &'a mut H,
}

impl<H: InterruptHandler> InterruptGuard<'_, H>
where
    InterruptContext<H>: Context,
{
    /// # Safety
    /// The object is connected and stays so for `'a`. The caller holds no interrupt lock.
    unsafe fn acquire(handle: WDFINTERRUPT) -> Option<Self> {
        // SAFETY: the object is alive, and its context was initialized when it was created.
        let context = unsafe { context::of::<InterruptContext<H>>(handle.cast()) }?;
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

/// An interrupt object in its ISR.
pub struct IsrDpc<'a> {
    handle: WDFINTERRUPT,
    lent: PhantomData<&'a ()>,
}

impl IsrDpc<'_> {
    /// Queues the object's DPC (`WdfInterruptQueueDpcForIsr`). Returns whether it did: if the DPC
    /// is queued already, that run takes what this interrupt brought.
    #[must_use]
    pub fn queue(self) -> bool {
        // SAFETY: only the ISR has this value.
        let queued =
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptQueueDpcForIsr, self.handle) };
        queued != 0
    }
}

/// An interrupt object in its DPC. It is connected: the framework waits for queued DPCs before it
/// disconnects.
pub struct DpcInterrupt<'a, H> {
    handle: WDFINTERRUPT,
    handler: PhantomData<fn() -> H>,
    lent: PhantomData<&'a ()>,
}

impl<H: InterruptHandler> DpcInterrupt<'_, H>
where
    InterruptContext<H>: Context,
{
    /// Takes the interrupt lock (`WdfInterruptAcquireLock`): DIRQL until the guard is dropped.
    pub fn lock(&mut self) -> Option<InterruptGuard<'_, H>> {
        // SAFETY: it is connected while its DPC runs, and the guard borrows this value mutably.
        unsafe { InterruptGuard::acquire(self.handle) }
    }
}

/// `EVT_WDF_INTERRUPT_ISR`. IRQL: DIRQL, interrupt lock held.
///
/// # Safety
/// Only the framework calls it, for an object made by [`Interrupt::create`].
unsafe extern "C" fn evt_interrupt_isr<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    message: ULONG,
) -> BOOLEAN
where
    InterruptContext<H>: Context,
{
    // SAFETY: the object is alive, and `create` initialized its context before it was connected.
    let Some(context) = (unsafe { context::of::<InterruptContext<H>>(interrupt.cast()) }) else {
        return false.into();
    };
    // SAFETY: the framework holds the interrupt lock for the ISR, and this is its only call.
    let (own, shared) = unsafe { context.locked() };
    let dpc = IsrDpc {
        handle: interrupt,
        lent: PhantomData,
    };
    own.isr(shared, message, dpc).into()
}

/// `EVT_WDF_INTERRUPT_DPC`. IRQL: DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for an object made by [`Interrupt::create`]. The associated object
/// is its device, as it has no other parent.
unsafe extern "C" fn evt_interrupt_dpc<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    device: WDFOBJECT,
) {
    let interrupt = DpcInterrupt {
        handle: interrupt,
        handler: PhantomData,
        lent: PhantomData,
    };
    // SAFETY: the device is alive, and its context was attached before it entered D0.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::dpc(device, interrupt);
    }
}

/// `EVT_WDF_INTERRUPT_ENABLE`. IRQL: DIRQL, interrupt lock held.
///
/// # Safety
/// Only the framework calls it, for an object made by [`Interrupt::create`].
unsafe extern "C" fn evt_interrupt_enable<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    _device: WDFDEVICE,
) -> NTSTATUS
where
    InterruptContext<H>: Context,
{
    // SAFETY: the object is alive, and `create` initialized its context.
    if let Some(context) = unsafe { context::of::<InterruptContext<H>>(interrupt.cast()) } {
        // SAFETY: the framework holds the interrupt lock, and this is the only call under it.
        let (own, shared) = unsafe { context.locked() };
        own.enable(shared);
    }
    STATUS_SUCCESS
}

/// `EVT_WDF_INTERRUPT_DISABLE`. IRQL: DIRQL, interrupt lock held.
///
/// # Safety
/// Only the framework calls it, for an object made by [`Interrupt::create`].
unsafe extern "C" fn evt_interrupt_disable<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    _device: WDFDEVICE,
) -> NTSTATUS
where
    InterruptContext<H>: Context,
{
    // SAFETY: the object is alive, and `create` initialized its context.
    if let Some(context) = unsafe { context::of::<InterruptContext<H>>(interrupt.cast()) } {
        // SAFETY: the framework holds the interrupt lock, and this is the only call under it.
        let (own, shared) = unsafe { context.locked() };
        own.disable(shared);
    }
    STATUS_SUCCESS
}
