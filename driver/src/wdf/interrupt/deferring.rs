//! Whether the ISRs of a device may defer their work to a DPC or a work item.
//!
//! The framework flushes the DPC and the work item of an interrupt *before* it disconnects it
//! (`FxInterrupt::Disconnect`, interruptobject.cpp). An ISR that runs between the two may still queue one,
//! which then runs at any time: after EvtDeviceD0Exit, after EvtDeviceReleaseHardware. There is no
//! interrupt lock then: WdfInterruptAcquireLock takes none, and breaks into the debugger under KMDF
//! Verifier (`FxInterrupt::AcquireLock`).
//!
//! So an ISR defers nothing unless this is set: from EvtDeviceD0EntryPostInterruptsEnabled to
//! EvtDeviceD0ExitPreInterruptsDisabled. The shims of these callbacks set and clear it, and nobody else
//! can. It follows that no DPC and no work item of an interrupt is left when the interrupt is disconnected:
//!
//! 1. Where EvtDeviceD0EntryPostInterruptsEnabled has been called, and has succeeded as this driver's
//!    always does, EvtDeviceD0ExitPreInterruptsDisabled is called before any interrupt is flushed:
//!    `PowerGotoD3Stopped`, `PowerGotoDxIoStoppedCommon` and, for a start that fails later on,
//!    `PowerInitialDmaEnableFailed` and `PowerWakingDmaEnableFailed` (powerstatemachine.cpp). A surprise
//!    removal goes the first way, too. A start that fails before has never set it.
//! 2. An ISR decides with the interrupt lock held, at PASSIVE_LEVEL with the device's lock held, and queues
//!    in the same hold of it. One that has found it set may still be running when it is cleared. But before
//!    the flush each of these locks is taken once more: by
//!    [`PnpPower::interrupts_disabling`](crate::wdf::PnpPower::interrupts_disabling), which counts what each
//!    object has, and by EvtInterruptDisable. So that ISR has queued before the flush, and the framework
//!    waits for what it has queued.
//!
//! What an ISR records while it may not defer is worked off later: when the device is in D0 again, or in
//! EvtDeviceReleaseHardware.

use core::{
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering},
};

use wdk_sys::WDFDEVICE;

use crate::wdf::{context, context_type};

/// The context of a device that has an interrupt lock: where the ISRs look.
pub struct Deferring(NonNull<AtomicBool>);

// SAFETY: it leads to what is atomic.
unsafe impl Sync for Deferring {}

context_type!(Deferring, c"Deferring");

impl Deferring {
    pub(super) fn new(deferring: &AtomicBool) -> Self {
        Self(NonNull::from(deferring))
    }
}

/// Lets the ISRs of a device defer their work, or not.
///
/// # Safety
/// The device is alive. From when the ISRs may defer until they may not, the framework does not begin to
/// disconnect an interrupt of the device.
pub(in crate::wdf) unsafe fn set_deferring(device: WDFDEVICE, may: bool) {
    // SAFETY: the caller vouches for the device.
    if let Some(Deferring(deferring)) = unsafe { context::of(device.cast()) } {
        // SAFETY: it is in the interrupt lock, which lives as long as the device.
        unsafe { deferring.as_ref() }.store(may, Ordering::Release);
    }
}
