//! Interrupt objects, and the one lock that all of a device's share.

mod callbacks;
mod deferring;
mod lock;

use core::marker::PhantomData;

use wdk_sys::{
    _WDF_TRI_STATE::{WdfFalse, WdfUseDefault},
    WDF_INTERRUPT_CONFIG, WDF_INTERRUPT_EXTENDED_POLICY, WDF_INTERRUPT_INFO, WDFINTERRUPT,
    call_unsafe_wdf_function_binding,
};

pub use callbacks::{DeferredInterrupt, Isr};
pub(super) use deferring::set_deferring;
pub use lock::{InterruptContext, InterruptGuard, InterruptLock, Shared};

use super::{
    Connected, Context, Device, Disconnected, Guarded, InterruptResource, NtStatus, Result,
    context::{self, attributes_with, initialize},
    size_field,
};

/// At which IRQL interrupts are handled, and where the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The ISR at DIRQL, the work in a DPC.
    Dirql,
    /// The ISR at PASSIVE_LEVEL, the work in the interrupt's work item. For one line, not for
    /// messages.
    PassiveWorkItem,
    /// The ISR at PASSIVE_LEVEL, the work in a DPC. For one line, not for messages.
    PassiveDpc,
}

impl Handling {
    /// Whether the ISR runs at PASSIVE_LEVEL.
    #[must_use]
    pub const fn is_passive(self) -> bool {
        matches!(self, Self::PassiveWorkItem | Self::PassiveDpc)
    }
}

/// Which processors are to take an interrupt, and before which others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Processors of group 0; 0 for any.
    pub processors: u64,
    /// `WDF_INTERRUPT_PRIORITY`
    pub priority: wdk_sys::WDF_INTERRUPT_PRIORITY,
}

/// What an interrupt object does, and what it keeps in its context space for its ISR.
pub trait InterruptHandler: Sized + Send + 'static {
    /// What the ISRs of all interrupt objects of a device share.
    type Shared: Send + 'static;
    /// The context of the device.
    type Device: Context;

    /// EvtInterruptIsr. IRQL: DIRQL, or PASSIVE_LEVEL for passive handling; interrupt lock held.
    /// Returns whether the interrupt was the device's.
    fn isr(&mut self, shared: &mut Self::Shared, message: u32, isr: Isr<'_, Self>) -> bool;

    /// EvtInterruptDpc or EvtInterruptWorkItem. IRQL: DISPATCH_LEVEL or PASSIVE_LEVEL. A DPC may
    /// run on two processors at once.
    fn deferred(device: &Self::Device, interrupt: DeferredInterrupt<'_, Self>);

    /// EvtInterruptEnable. IRQL and lock as for the ISR.
    fn enable(&mut self, shared: &mut Self::Shared);

    /// EvtInterruptDisable. IRQL and lock as for the ISR. The device may be gone.
    fn disable(&mut self, shared: &mut Self::Shared);
}

/// `WDFINTERRUPT`.
pub struct Interrupt<H> {
    handle: WDFINTERRUPT,
    device: Device,
    handling: Handling,
    handler: PhantomData<fn() -> H>,
}

// SAFETY: an interrupt object may be used on any processor.
unsafe impl<H> Send for Interrupt<H> {}
// SAFETY: the framework serializes what needs it.
unsafe impl<H> Sync for Interrupt<H> {}

impl<H: InterruptHandler> Interrupt<H>
where
    InterruptContext<H>: Context,
    Guarded<Shared<H::Shared>>: Context,
{
    /// Creates an interrupt object (`WdfInterruptCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// In EvtDriverDeviceAdd without a resource: the first object created gets the first interrupt
    /// or message, and so on; one that gets none is never connected. In EvtDevicePrepareHardware
    /// with a resource: the framework deletes the object after EvtDeviceReleaseHardware.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create(
        lock: &InterruptLock<H::Shared>,
        handler: H,
        resource: Option<&InterruptResource<'_>>,
    ) -> Result<Self> {
        let device = lock.device();
        let handling = lock.handling();
        let mut config = config::<H>(lock);
        if let Some(resource) = resource {
            // The framework only reads them.
            config.InterruptRaw = core::ptr::from_ref(resource.raw).cast_mut();
            config.InterruptTranslated = core::ptr::from_ref(resource.translated).cast_mut();
        }
        let mut attributes = attributes_with::<InterruptContext<H>>();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device, the lock and the descriptors are alive; the others live through the
        // call.
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
        // SAFETY: the object has just been created with room for this context, and is not
        // connected before the device enters D0.
        unsafe { initialize(handle.cast(), InterruptContext::new(lock, handler)) }?;
        Ok(Self {
            handle,
            device,
            handling,
            handler: PhantomData,
        })
    }

    /// Says which processors shall take the interrupt, and how urgent it is
    /// (`WdfInterruptSetExtendedPolicy`). IRQL: PASSIVE_LEVEL, before the device has resources.
    pub fn set_policy(&self, policy: Policy) {
        // WDF_INTERRUPT_EXTENDED_POLICY_INIT
        let mut extended = WDF_INTERRUPT_EXTENDED_POLICY {
            Size: size_field::<WDF_INTERRUPT_EXTENDED_POLICY>(),
            Policy: if policy.processors == 0 {
                wdk_sys::_WDF_INTERRUPT_POLICY::WdfIrqPolicyMachineDefault
            } else {
                wdk_sys::_WDF_INTERRUPT_POLICY::WdfIrqPolicySpecifiedProcessors
            },
            Priority: policy.priority,
            ..WDF_INTERRUPT_EXTENDED_POLICY::default()
        };
        extended.TargetProcessorSetAndGroup.Mask = policy.processors;
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
    pub fn lock<'a>(&'a self, connected: &'a Connected) -> Option<InterruptGuard<'a, H>> {
        if self.handling.is_passive() || !connected.is_of(self.device) || !self.is_connected() {
            return None;
        }
        // SAFETY: the object is alive, and its context was initialized when it was created.
        let context = unsafe { context::of::<InterruptContext<H>>(self.handle.cast()) }?;
        // SAFETY: it is connected, and stays so as long as the proof is borrowed.
        unsafe { InterruptGuard::acquire(self.handle, context) }
    }

    /// What the object keeps for itself, while no interrupt of the device is connected. `None`: the proof
    /// is another device's.
    pub fn disconnected<'a>(&'a self, proof: &'a mut Disconnected<'_>) -> Option<&'a mut H> {
        if !proof.is_of(self.device) {
            return None;
        }
        // SAFETY: the object lives as long as the driver keeps this value; see the module `wdf`.
        let context = unsafe { context::of::<InterruptContext<H>>(self.handle.cast()) }?;
        // SAFETY: there is one proof, mutably borrowed for as long as the result lives.
        Some(unsafe { context.disconnected() })
    }

    /// Whether the object has an interrupt and is connected (`WdfInterruptWdmGetInterrupt`).
    fn is_connected(&self) -> bool {
        // SAFETY: the object lives as long as the driver keeps this value; see the module `wdf`.
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

/// `WDF_INTERRUPT_CONFIG_INIT`, with the callbacks that the handling needs. Not both a DPC and a work
/// item: the framework refuses that.
fn config<H: InterruptHandler>(lock: &InterruptLock<H::Shared>) -> WDF_INTERRUPT_CONFIG
where
    InterruptContext<H>: Context,
    Guarded<Shared<H::Shared>>: Context,
{
    let config = WDF_INTERRUPT_CONFIG {
        Size: size_field::<WDF_INTERRUPT_CONFIG>(),
        ShareVector: WdfUseDefault,
        // The default is TRUE on ARM64: then the object stays connected in Dx, and on a shared line the ISR is
        // called there (interruptobject.cpp: the constructor, `Disconnect`).
        ReportInactiveOnPowerDown: WdfFalse,
        SpinLock: lock.spin_lock(),
        WaitLock: lock.wait_lock(),
        PassiveHandling: lock.handling().is_passive().into(),
        EvtInterruptIsr: Some(callbacks::evt_interrupt_isr::<H>),
        EvtInterruptEnable: Some(callbacks::evt_interrupt_enable::<H>),
        EvtInterruptDisable: Some(callbacks::evt_interrupt_disable::<H>),
        ..WDF_INTERRUPT_CONFIG::default()
    };
    match lock.handling() {
        Handling::Dirql | Handling::PassiveDpc => WDF_INTERRUPT_CONFIG {
            EvtInterruptDpc: Some(callbacks::evt_interrupt_deferred::<H>),
            ..config
        },
        Handling::PassiveWorkItem => WDF_INTERRUPT_CONFIG {
            EvtInterruptWorkItem: Some(callbacks::evt_interrupt_deferred::<H>),
            ..config
        },
    }
}
