//! What the framework calls for an interrupt object.

use core::marker::PhantomData;

use wdk_sys::{
    BOOLEAN, NTSTATUS, STATUS_SUCCESS, ULONG, WDFDEVICE, WDFINTERRUPT, WDFOBJECT,
    call_unsafe_wdf_function_binding,
};

use super::{Deferring, Handling, InterruptContext, InterruptGuard, InterruptHandler};
use crate::context;

/// An interrupt object in its ISR.
///
/// ```no_run
/// use kmdf::{Claim, Deferral, DeferredInterrupt, InterruptHandler, Isr, SpinLock};
///
/// struct MyDevice {
///     causes: SpinLock<u32>,
/// }
/// kmdf::context_type!(MyDevice, c"MyDevice");
///
/// /// One that is handled at DIRQL or at PASSIVE_LEVEL, as the device's INF says.
/// #[derive(Default)]
/// struct MyInterrupt {
///     causes: u32,
///     coalesced: u64,
/// }
///
/// impl InterruptHandler for MyInterrupt {
///     type Shared = ();
///     type Device = MyDevice;
///
///     fn isr(&mut self, (): &mut (), isr: &Isr<'_, Self>) -> Claim {
///         let cause = 1 << (isr.message() & 31);
///         if isr.is_passive() {
///             // The device's lock, under which it is decided whether to defer: see `interrupts_disabling`.
///             let Some(device) = isr.passive_device() else {
///                 return Claim::NotOurs;
///             };
///             let mut causes = device.causes.lock();
///             *causes |= cause;
///             isr.defer();
///         } else {
///             self.causes |= cause;
///             if isr.defer() == Deferral::AlreadyQueued {
///                 self.coalesced += 1;
///             }
///         }
///         Claim::Ours
///     }
///
///     fn deferred(device: &MyDevice, mut interrupt: DeferredInterrupt<'_, Self>) {
///         let causes = interrupt.locked(|own| core::mem::take(&mut own.causes));
///         let causes = causes.unwrap_or_else(|| core::mem::take(&mut *device.causes.lock()));
///         // … what the causes ask for …
/// #       let _ = causes;
///     }
///
///     fn set_enabled(&mut self, (): &mut (), enabled: bool) {
///         // … have the device interrupt, or not …
/// #       let _ = enabled;
///     }
/// }
/// ```
///
/// IRQL: DIRQL, or PASSIVE_LEVEL for passive handling; interrupt lock held.
pub struct Isr<'a, H> {
    handle: WDFINTERRUPT,
    handling: Handling,
    deferring: &'a Deferring,
    message: u32,
    handler: PhantomData<fn() -> H>,
}

/// What [`Isr::defer`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// The DPC or work item is queued.
    Queued,
    /// It was queued already, and has not begun: that run takes what this interrupt brought.
    AlreadyQueued,
    /// Nothing is queued: interrupts are being connected or disconnected, and what is queued now might run when
    /// they are not connected. What the ISR has recorded is the driver's to work off later: when the device is in D0
    /// again ([`crate::PnpPower::interrupts_enabled`]), or when it is stopped.
    NotNow,
}

impl<H: InterruptHandler> Isr<'_, H> {
    /// Which message it was; 0 for a line.
    #[must_use]
    #[inline]
    pub const fn message(&self) -> u32 {
        self.message
    }

    /// Queues the object's DPC or work item (`WdfInterruptQueueDpcForIsr`,
    /// `WdfInterruptQueueWorkItemForIsr`).
    #[expect(
        clippy::must_use_candidate,
        reason = "whether it was queued already is of interest to those who count"
    )]
    #[inline]
    pub fn defer(&self) -> Deferral {
        if !self.deferring.in_isr() {
            return Deferral::NotNow;
        }
        let queued = match self.handling {
            Handling::Dirql | Handling::PassiveDpc => {
                // SAFETY: this is the object's ISR: its shim lends this value for the call, and nothing else makes one.
                unsafe {
                    call_unsafe_wdf_function_binding!(WdfInterruptQueueDpcForIsr, self.handle)
                }
            }
            Handling::DirqlWorkItem | Handling::PassiveWorkItem => {
                // SAFETY: this is the object's ISR: its shim lends this value for the call, and nothing else makes one.
                unsafe {
                    call_unsafe_wdf_function_binding!(WdfInterruptQueueWorkItemForIsr, self.handle)
                }
            }
        };
        if queued == 0 {
            Deferral::AlreadyQueued
        } else {
            Deferral::Queued
        }
    }

    /// Whether the ISR runs at PASSIVE_LEVEL.
    #[must_use]
    #[inline]
    pub const fn is_passive(&self) -> bool {
        self.handling.is_passive()
    }

    /// The context of the device, if the ISR runs at PASSIVE_LEVEL and so may use it.
    #[must_use]
    #[inline]
    pub fn passive_device(&self) -> Option<&H::Device> {
        if !self.handling.is_passive() {
            return None;
        }
        // SAFETY: the object is alive during its callback.
        let device =
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptGetDevice, self.handle) };
        // SAFETY: the device outlives its interrupt objects, and `Device::attach` initializes what it attaches.
        unsafe { context::of(device.cast()) }
    }
}

/// An interrupt object in its DPC (DISPATCH_LEVEL) or work item (PASSIVE_LEVEL).
pub struct DeferredInterrupt<'a, H> {
    handle: WDFINTERRUPT,
    lent: PhantomData<&'a mut H>,
}

impl<H: InterruptHandler> DeferredInterrupt<'_, H> {
    /// Runs that with the interrupt lock held. `None` as in [`DeferredInterrupt::lock`].
    #[inline]
    pub fn locked<R>(&mut self, body: impl FnOnce(&mut H) -> R) -> Option<R> {
        self.lock().map(|guard| body(guard.own))
    }

    /// Takes the interrupt lock (`WdfInterruptAcquireLock`): DIRQL until the guard is dropped. Hold no other. `None`
    /// if the interrupt is handled at PASSIVE_LEVEL, or is about to be disconnected: what its ISR has
    /// recorded is taken then by those who stop the device.
    #[inline]
    pub fn lock(&mut self) -> Option<InterruptGuard<'_, H>> {
        // SAFETY: the object is alive during its callback, and `create` made it with this context.
        let context = unsafe { context::own::<InterruptContext<H>>(self.handle.cast()) };
        if !context.deferring().is_set() {
            return None;
        }
        // SAFETY: its ISR, which has queued this, was connected. It is not disconnected since: that
        // begins after `deferring` was cleared, and with a wait for this callback (see `deferring.rs`). The
        // guard borrows this value mutably.
        unsafe { InterruptGuard::acquire(self.handle, context, None) }
    }
}

/// `EVT_WDF_INTERRUPT_ISR`. IRQL: DIRQL, or PASSIVE_LEVEL for passive handling; interrupt lock held.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::object::create`].
pub(super) unsafe extern "C" fn evt_interrupt_isr<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    message: ULONG,
) -> BOOLEAN {
    // SAFETY: the object is alive, and `create` made it with this context before it was connected.
    let context = unsafe { context::own::<InterruptContext<H>>(interrupt.cast()) };
    // SAFETY: the framework holds the interrupt lock for the ISR, and this is its only call.
    let (own, shared) = unsafe { context.locked() };
    let isr = Isr {
        handle: interrupt,
        handling: context.handling(),
        deferring: context.deferring(),
        message,
        handler: PhantomData,
    };
    own.isr(shared, &isr).into()
}

/// `EVT_WDF_INTERRUPT_DPC` and `EVT_WDF_INTERRUPT_WORKITEM`. IRQL: DISPATCH_LEVEL and PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::object::create`]. The associated
/// object is its device, as it has no other parent.
pub(super) unsafe extern "C" fn evt_interrupt_deferred<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    device: WDFOBJECT,
) {
    let interrupt = DeferredInterrupt {
        handle: interrupt,
        lent: PhantomData,
    };
    // SAFETY: the device outlives its interrupt objects, and `Device::attach` initializes what it attaches.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::deferred(device, interrupt);
    }
}

/// `EVT_WDF_INTERRUPT_ENABLE`. IRQL and lock as for the ISR.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::object::create`].
pub(super) unsafe extern "C" fn evt_interrupt_enable<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    _device: WDFDEVICE,
) -> NTSTATUS {
    // SAFETY: the framework calls it for such an object, with its lock held, and this is the shim's only call.
    unsafe { set_enabled::<H>(interrupt, true) }
}

/// `EVT_WDF_INTERRUPT_DISABLE`. IRQL and lock as for the ISR.
///
/// # Safety
/// Only the framework calls it, for an object made by [`super::object::create`].
pub(super) unsafe extern "C" fn evt_interrupt_disable<H: InterruptHandler>(
    interrupt: WDFINTERRUPT,
    _device: WDFDEVICE,
) -> NTSTATUS {
    // SAFETY: the framework calls it for such an object, with its lock held, and this is the shim's only call.
    unsafe { set_enabled::<H>(interrupt, false) }
}

/// # Safety
/// The framework holds the interrupt lock of an object made by [`super::object::create`], and this is
/// the only call under it.
unsafe fn set_enabled<H: InterruptHandler>(interrupt: WDFINTERRUPT, enabled: bool) -> NTSTATUS {
    // SAFETY: the object is alive, and `create` made it with this context.
    let context = unsafe { context::own::<InterruptContext<H>>(interrupt.cast()) };
    // SAFETY: the lock is held by this function's contract.
    let (own, shared) = unsafe { context.locked() };
    own.set_enabled(shared, enabled);
    STATUS_SUCCESS
}
