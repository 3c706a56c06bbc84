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
mod object;

use wdk_sys::BOOLEAN;

pub use callbacks::{Deferral, DeferredInterrupt, Isr};
pub use config::{Handling, Policy, Priority};
pub(crate) use deferring::{Deferring, deferring_of};
pub use lock::{InterruptContext, InterruptGuard, InterruptLock, Shared};
pub use object::Interrupt;

use super::Context;

/// Whether an interrupt was the device's: what EvtInterruptIsr returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[repr(u8)]
pub enum Claim {
    /// It was another device's on the same line, or none. FALSE.
    NotOurs = 0,
    /// It was: the ISR has acknowledged it. TRUE.
    Ours = 1,
}

impl From<Claim> for BOOLEAN {
    #[inline]
    fn from(claim: Claim) -> Self {
        claim as Self
    }
}

/// What an interrupt object does, and what it keeps in its context space for its ISR: see the example of
/// [`Interrupt`]'s module.
pub trait InterruptHandler: Sized + Send + 'static {
    /// What the ISRs of several interrupt objects share, by an [`InterruptLock`]; `()` for nothing.
    type Shared: Send + 'static;
    /// The context of the device.
    type Device: Context;

    /// Whether the framework only reports the interrupt to be inactive when the device leaves D0, and does not
    /// disconnect it (`WDF_INTERRUPT_CONFIG::ReportInactiveOnPowerDown`): both ways are faster. On a line that others
    /// share, the ISR is then called while the device has no power, and must return [`Claim::NotOurs`] for what its
    /// registers read: all ones.
    ///
    /// ```no_run
    /// # use kmdf::{Claim, DeferredInterrupt, InterruptHandler, Isr};
    /// # struct MyDevice;
    /// # kmdf::context_type!(MyDevice, c"MyDevice");
    /// # struct MyInterrupt;
    /// # fn read_causes() -> u32 { u32::MAX }
    /// impl InterruptHandler for MyInterrupt {
    ///     type Shared = ();
    ///     type Device = MyDevice;
    ///
    ///     const REPORTS_INACTIVE: bool = true;
    ///
    ///     fn isr(&mut self, (): &mut (), isr: &Isr<'_, Self>) -> Claim {
    ///         let causes = read_causes();
    ///         if causes == 0 || causes == u32::MAX {
    ///             return Claim::NotOurs;
    ///         }
    ///         // … acknowledge and save them …
    ///         isr.defer();
    ///         Claim::Ours
    ///     }
    ///     // …
    /// #   fn deferred(_: &MyDevice, _: DeferredInterrupt<'_, Self>) {}
    /// }
    /// ```
    const REPORTS_INACTIVE: bool = false;

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
