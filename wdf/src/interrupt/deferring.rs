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
//! Whoever takes an interrupt lock elsewhere, with a [`crate::Connected`], is counted while he has it. When the driver has
//! returned from EvtDeviceD0ExitPreInterruptsDisabled its proof ends: the shim waits until nobody is left, and who comes
//! later takes no lock. So a driver that keeps its proof too long gets nothing by it.
//!
//! What an ISR records while it may not defer is worked off later: when the device is in D0 again, or in
//! EvtDeviceReleaseHardware.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use wdk_sys::WDFDEVICE;

use crate::{context, context_type, wait};

/// A context that every device has: whether its ISRs may defer their work.
pub(crate) struct Deferring {
    set: AtomicBool,
    /// Whether a [`crate::Connected`] is true.
    connected: AtomicBool,
    /// Those who rely on connected interrupts outside of ISRs and what these defer.
    users: AtomicU32,
}

/// One of those.
pub(super) struct User<'a>(&'a Deferring);

context_type!(Deferring, c"Deferring");

impl Deferring {
    pub(crate) const fn new() -> Self {
        Self {
            set: AtomicBool::new(false),
            connected: AtomicBool::new(false),
            users: AtomicU32::new(0),
        }
    }

    /// Asked in an ISR: the interrupt lock orders this.
    #[inline]
    pub(super) fn in_isr(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// Asked in what an ISR has deferred.
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Lets the ISRs defer their work, or not.
    ///
    /// # Safety
    /// From when they may until they may not, the framework does not begin to disconnect an interrupt of the device.
    pub(crate) unsafe fn set(&self, may: bool) {
        self.set.store(may, Ordering::Release);
    }

    /// Lets a [`crate::Connected`] of the device be used, or not, and then waits until nobody uses one. IRQL:
    /// PASSIVE_LEVEL.
    ///
    /// # Safety
    /// From when it may be used until it may not, the interrupts of the device are connected.
    pub(crate) unsafe fn set_connected(&self, connected: bool) {
        self.connected.store(connected, Ordering::SeqCst);
        // They hold the interrupt lock, or are about to: for as long as a few instructions take.
        while !connected && self.users.load(Ordering::SeqCst) != 0 {
            wait::sleep(1);
        }
    }

    /// Asked anywhere else. Interrupts that are connected stay so as long as the result lives.
    #[inline]
    pub(super) fn enter(&self) -> Option<User<'_>> {
        // Counted before it is asked, while `set_connected` clears before it looks who is counted: one of both sees the other.
        self.users.fetch_add(1, Ordering::SeqCst);
        let user = User(self);
        self.connected.load(Ordering::SeqCst).then_some(user)
    }
}

impl Drop for User<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::Release);
    }
}

/// That context of a device.
///
/// # Safety
/// The device is alive for the lifetime.
pub(crate) unsafe fn deferring_of<'a>(device: WDFDEVICE) -> &'a Deferring {
    // SAFETY: the device is alive by this function's contract, and `DeviceInit::create` made it with this context.
    unsafe { context::own(device.cast()) }
}
