//! Interrupt objects: EvtInterruptIsr, EvtInterruptDpc or EvtInterruptWorkItem, EvtInterruptEnable and
//! EvtInterruptDisable of a type, and what that type keeps for its ISR.
//!
//! ```no_run
//! use core::mem::take;
//! use kmdf::{Claim, DeferredInterrupt, InterruptHandler, Isr, Mapping, mmio::{ReadPure, WriteOnly}, register};
//! # struct MyDevice;
//! # kmdf::context_type!(MyDevice, c"MyDevice");
//!
//! #[repr(C)]
//! struct Registers {
//!     status: ReadPure<u32>,
//!     acknowledge: WriteOnly<u32>,
//! }
//!
//! /// What the interrupt object keeps in its context space.
//! struct MyInterrupt {
//!     registers: Option<Mapping<Registers>>,
//!     causes: u32,
//! }
//!
//! impl InterruptHandler for MyInterrupt {
//!     type Shared = ();
//!     type Device = MyDevice;
//!
//!     fn isr(&mut self, (): &mut (), isr: &Isr<'_, Self>) -> Claim {
//!         let Some(mapping) = &mut self.registers else {
//!             return Claim::NotOurs;
//!         };
//!         let causes = register!(*mapping, status).read();
//!         if causes == 0 {
//!             return Claim::NotOurs;
//!         }
//!         register!(*mapping, acknowledge).write(causes);
//!         self.causes |= causes;
//!         isr.defer();
//!         Claim::Ours
//!     }
//!
//!     fn deferred(_device: &MyDevice, mut interrupt: DeferredInterrupt<'_, Self>) {
//!         let causes = interrupt.lock().map(|guard| take(&mut guard.own.causes));
//!         // … what the causes ask for …
//!         # let _ = causes;
//!     }
//! }
//! ```

mod callbacks;
mod config;
mod deferring;
mod lock;

use core::marker::PhantomData;

use wdk_sys::{BOOLEAN, WDF_INTERRUPT_INFO, WDFINTERRUPT, call_unsafe_wdf_function_binding};

pub use callbacks::{Deferral, DeferredInterrupt, Isr};
pub use config::{Handling, Policy, Priority};
pub(crate) use deferring::{Deferring, set_deferring};
pub use lock::{InterruptContext, InterruptGuard, InterruptLock, Shared};

use super::{
    Connected, Context, Device, Disconnected, InterruptResource, NtStatus, Result,
    context::{self, attributes_with, initialize},
    init,
};
use lock::Locking;

/// Whether an interrupt was the device's: what EvtInterruptIsr returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// It was: the ISR has acknowledged it. TRUE.
    Ours,
    /// It was another device's on the same line, or none. FALSE.
    NotOurs,
}

impl From<Claim> for BOOLEAN {
    #[inline]
    fn from(claim: Claim) -> Self {
        match claim {
            Claim::Ours => 1,
            Claim::NotOurs => 0,
        }
    }
}

/// What an interrupt object does, and what it keeps in its context space for its ISR: see the example of
/// [`Interrupt`]'s module.
pub trait InterruptHandler: Sized + Send + 'static {
    /// What the ISRs of several interrupt objects share, by an [`InterruptLock`]; `()` for nothing.
    type Shared: Send + 'static;
    /// The context of the device.
    type Device: Context;

    /// EvtInterruptIsr. IRQL: DIRQL, or PASSIVE_LEVEL for passive handling; interrupt lock held.
    fn isr(&mut self, shared: &mut Self::Shared, isr: &Isr<'_, Self>) -> Claim;

    /// EvtInterruptDpc or EvtInterruptWorkItem. IRQL: DISPATCH_LEVEL or PASSIVE_LEVEL. A DPC may
    /// run on two processors at once.
    fn deferred(device: &Self::Device, interrupt: DeferredInterrupt<'_, Self>);

    /// EvtInterruptEnable and EvtInterruptDisable: have the device interrupt or not, and acknowledge what nobody will
    /// service, so that no line stays asserted. IRQL and lock as for the ISR. The device may have been
    /// surprise-removed.
    fn set_enabled(&mut self, shared: &mut Self::Shared, enabled: bool) {
        _ = (shared, enabled);
    }
}

/// `WDFINTERRUPT`.
pub struct Interrupt<H> {
    handle: WDFINTERRUPT,
    device: Device,
    handling: Handling,
    handler: PhantomData<fn() -> H>,
}

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl<H> Send for Interrupt<H> {}
// SAFETY: the same on several processors at once.
unsafe impl<H> Sync for Interrupt<H> {}

impl<H: InterruptHandler<Shared = ()>> Interrupt<H> {
    /// Creates an interrupt object with a lock of its own, in EvtDriverDeviceAdd. Else as [`Interrupt::create`].
    ///
    /// # Errors
    /// The framework's status.
    pub fn new(device: Device, handling: Handling, handler: H) -> Result<Self> {
        Self::create_with(device, handling, &Locking::OWN, handler, None)
    }
}

impl<H: InterruptHandler> Interrupt<H> {
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
        Self::create_with(
            lock.device(),
            lock.handling(),
            &lock.locking(),
            handler,
            resource,
        )
    }

    fn create_with(
        device: Device,
        handling: Handling,
        locking: &Locking<H::Shared>,
        handler: H,
        resource: Option<&InterruptResource<'_>>,
    ) -> Result<Self> {
        let mut config = config::config::<H>(handling, locking, resource);
        // SAFETY: the device is alive in EvtDriverDeviceAdd and EvtDevicePrepareHardware, and `DeviceInit::create`
        // initialized this context.
        let deferring = unsafe { context::of::<Deferring>(device.as_object()) };
        let deferring = deferring.ok_or(NtStatus::INTERNAL_ERROR)?;
        let mut attributes = attributes_with::<InterruptContext<H>>();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device, its locks and the descriptors are alive; the others are locals.
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
        let context = InterruptContext::new(locking.shared, deferring, handling, handler);
        // SAFETY: the object has just been created with room for this context, and is not
        // connected before the device enters D0.
        unsafe { initialize(handle.cast(), context) }?;
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
        if self.handling.is_passive() || !connected.is_of(self.device) || !self.is_connected() {
            return None;
        }
        // SAFETY: the object is alive, and its context was initialized when it was created.
        let context = unsafe { context::of::<InterruptContext<H>>(self.handle.cast()) }?;
        // SAFETY: it is connected, and stays so as long as the proof is borrowed.
        unsafe { InterruptGuard::acquire(self.handle, context) }
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
        // SAFETY: the object lives as long as the driver keeps this value; see the crate.
        let context = unsafe { context::of::<InterruptContext<H>>(self.handle.cast()) };
        let context = context.ok_or(NtStatus::INTERNAL_ERROR)?;
        // SAFETY: there is one proof, mutably borrowed for as long as the result lives.
        Ok(unsafe { context.disconnected() })
    }

    /// Whether the object has an interrupt and is connected (`WdfInterruptWdmGetInterrupt`).
    #[inline]
    fn is_connected(&self) -> bool {
        // SAFETY: the object lives as long as the driver keeps this value; see the crate.
        let interrupt =
            unsafe { call_unsafe_wdf_function_binding!(WdfInterruptWdmGetInterrupt, self.handle) };
        !interrupt.is_null()
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
