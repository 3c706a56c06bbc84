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
//! 1. Where EvtDeviceD0EntryPostInterruptsEnabled has been called, and has succeeded as it always does here,
//!    EvtDeviceD0ExitPreInterruptsDisabled is called before any interrupt is flushed:
//!    `PowerGotoD3Stopped`, `PowerGotoDxIoStoppedCommon` and, for a start that fails later on,
//!    `PowerInitialDmaEnableFailed` and `PowerWakingDmaEnableFailed` (powerstatemachine.cpp). A surprise
//!    removal goes the first way, too. A start that fails before has never set it.
//! 2. An ISR decides and queues with its interrupt lock held. One that has found it set may still be running
//!    when it is cleared. But before the flush the framework takes that lock once more, for EvtInterruptDisable,
//!    which every object of this layer has (`FxInterrupt::Disconnect` calls `InterruptDisable` for an interrupt
//!    that is enabled; it leaves that out in one case only, `PowerGotoDxStoppedDisableInterruptNP`, and there the
//!    device left D0 before). So that ISR has queued before the flush, and the framework waits for what it has
//!    queued.
//!
//! What an ISR records while it may not defer is worked off later: when the device is in D0 again, or in
//! EvtDeviceReleaseHardware.

use core::sync::atomic::{AtomicBool, Ordering};

use wdk_sys::WDFDEVICE;

use crate::{context, context_type};

/// A context that every device has: whether its ISRs may defer their work.
pub(crate) struct Deferring(AtomicBool);

context_type!(Deferring, c"Deferring");

impl Deferring {
    pub(crate) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Asked in an ISR: the interrupt lock orders this.
    #[inline]
    pub(super) fn in_isr(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Asked anywhere else.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Lets the ISRs of a device defer their work, or not.
///
/// # Safety
/// The device is alive. From when the ISRs may defer until they may not, the framework does not begin to
/// disconnect an interrupt of the device.
pub(crate) unsafe fn set_deferring(device: WDFDEVICE, may: bool) {
    // SAFETY: the device is alive by this function's contract, and `DeviceInit::create` made it with this context.
    let Deferring(deferring) = unsafe { context::own(device.cast()) };
    deferring.store(may, Ordering::Release);
}
