//! What the framework calls for an interrupt object.

use core::{
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering},
};

use wdk_sys::{
    BOOLEAN, NTSTATUS, STATUS_SUCCESS, ULONG, WDFDEVICE, WDFINTERRUPT, WDFOBJECT,
    call_unsafe_wdf_function_binding,
};

use super::{Handling, InterruptContext, InterruptGuard, InterruptHandler};
use crate::wdf::{Context, context};

/// An interrupt object in its ISR.
pub struct Isr<'a, H> {
    handle: WDFINTERRUPT,
    handling: Handling,
    deferring: &'a AtomicBool,
    handler: PhantomData<fn() -> H>,
}

impl<H: InterruptHandler> Isr<'_, H> {
    /// Queues the object's DPC or work item (`WdfInterruptQueueDpcForIsr`,
    /// `WdfInterruptQueueWorkItemForIsr`). Returns whether it did: if it is queued already, that run
    /// takes what this interrupt brought. `None`: interrupts are being connected or disconnected, and
    /// what is queued now might run when they are not connected. At PASSIVE_LEVEL the device's lock is
    /// held, that [`crate::wdf::PnpPower::interrupts_disabling`] takes.
    #[must_use]
    pub fn queue_deferred(&self) -> Option<bool> {
        // The lock that is held orders this.
        if !self.deferring.load(Ordering::Relaxed) {
            return None;
        }
        let queued = match self.handling {
            Handling::Dirql | Handling::PassiveDpc => {
                // SAFETY: only the ISR has this value.
                unsafe {
                    call_unsafe_wdf_function_binding!(WdfInterruptQueueDpcForIsr, self.handle)
                }
            }
            Handling::PassiveWorkItem => {
                // SAFETY: only the ISR has this value.
                unsafe {
                    call_unsafe_wdf_function_binding!(WdfInterruptQueueWorkItemForIsr, self.handle)
                }
            }
        };
        Some(queued != 0)
    }

    /// Whether the ISR runs at PASSIVE_LEVEL.
    #[must_use]
    pub const fn is_passive(&self) -> bool {
        self.handling.is_passive()
    }

    /// The context of the device, if the ISR runs at PASSIVE_LEVEL and so may use it.
    #[must_use]
    pub fn passive_device(&self) -> Option<&H::Device> {
        if !self.handling.is_passive() {
            return None;
        }
        // SAFETY: the object is alive during its callback.
        let device =
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptGetDevice, self.handle) };
        // SAFETY: the device is alive, and its context was attached before it entered D0.
        unsafe { context::of(device.cast()) }
    }
}

/// An interrupt object in its DPC or work item.
pub struct DeferredInterrupt<'a, H> {
    handle: WDFINTERRUPT,
    handler: PhantomData<fn() -> H>,
    lent: PhantomData<&'a ()>,
}

impl<H: InterruptHandler> DeferredInterrupt<'_, H>
where
    InterruptContext<H>: Context,
{
    /// Takes the interrupt lock (`WdfInterruptAcquireLock`): DIRQL until the guard is dropped. `None`
    /// if the interrupt is handled at PASSIVE_LEVEL, or is about to be disconnected: what its ISR has
    /// recorded is taken then by those who stop the device.
    pub fn lock(&mut self) -> Option<InterruptGuard<'_, H>> {
        // SAFETY: the object is alive during its callback, and `create` initialized its context.
        let context = unsafe { context::of::<InterruptContext<H>>(self.handle.cast()) }?;
        if !context.deferring().load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: its ISR, which has queued this, was connected. It is not disconnected since: that
        // begins after `deferring` was cleared, and with a wait for this callback (see `deferring.rs`). The
        // guard borrows this value mutably.
        unsafe { InterruptGuard::acquire(self.handle, context) }
    }
}

/// `EVT_WDF_INTERRUPT_ISR`. IRQL: DIRQL, or PASSIVE_LEVEL for passive handling; interrupt lock held.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::Interrupt::create`].
pub(super) unsafe extern "C" fn evt_interrupt_isr<H: InterruptHandler>(
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
    let isr = Isr {
        handle: interrupt,
        handling: context.handling(),
        deferring: context.deferring(),
        handler: PhantomData,
    };
    own.isr(shared, message, isr).into()
}

/// `EVT_WDF_INTERRUPT_DPC` and `EVT_WDF_INTERRUPT_WORKITEM`. IRQL: DISPATCH_LEVEL and PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::Interrupt::create`]. The associated
/// object is its device, as it has no other parent.
pub(super) unsafe extern "C" fn evt_interrupt_deferred<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    device: WDFOBJECT,
) {
    let interrupt = DeferredInterrupt {
        handle: interrupt,
        handler: PhantomData,
        lent: PhantomData,
    };
    // SAFETY: the device is alive, and its context was attached before it entered D0.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::deferred(device, interrupt);
    }
}

/// `EVT_WDF_INTERRUPT_ENABLE`. IRQL and lock as for the ISR.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::Interrupt::create`].
pub(super) unsafe extern "C" fn evt_interrupt_enable<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    _device: WDFDEVICE,
) -> NTSTATUS
where
    InterruptContext<H>: Context,
{
    // SAFETY: the framework calls this shim with the same promises.
    unsafe { under_the_lock(interrupt, H::enable) }
}

/// `EVT_WDF_INTERRUPT_DISABLE`. IRQL and lock as for the ISR.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::Interrupt::create`].
pub(super) unsafe extern "C" fn evt_interrupt_disable<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    _device: WDFDEVICE,
) -> NTSTATUS
where
    InterruptContext<H>: Context,
{
    // SAFETY: the framework calls this shim with the same promises.
    unsafe { under_the_lock(interrupt, H::disable) }
}

/// # Safety
/// The framework holds the interrupt lock of an object made by [`super::Interrupt::create`], and this is
/// the only call under it.
unsafe fn under_the_lock<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    body: impl FnOnce(&mut H, &mut H::Shared),
) -> NTSTATUS
where
    InterruptContext<H>: Context,
{
    // SAFETY: the object is alive, and `create` initialized its context.
    if let Some(context) = unsafe { context::of::<InterruptContext<H>>(interrupt.cast()) } {
        // SAFETY: the caller vouches for the lock.
        let (own, shared) = unsafe { context.locked() };
        body(own, shared);
    }
    STATUS_SUCCESS
}
