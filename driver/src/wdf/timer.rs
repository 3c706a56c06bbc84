//! Timers.

use wdk_sys::{LONGLONG, WDF_TIMER_CONFIG, WDFTIMER, call_unsafe_wdf_function_binding};

use super::{
    Context, Device, NtStatus, Result,
    context::{self, attributes},
    size_field,
};

/// `WDFTIMER`, of a device, that fires once each time it is started.
pub struct Timer(WDFTIMER);

// SAFETY: a timer may be used on any processor.
unsafe impl Send for Timer {}
// SAFETY: the framework serializes what needs it.
unsafe impl Sync for Timer {}

/// EvtTimerFunc.
pub trait TimerHandler {
    /// The context of the device.
    type Device: Context;

    /// The time has come. IRQL: DISPATCH_LEVEL.
    fn on_timer(device: &Self::Device);
}

impl Timer {
    /// Creates a timer (`WdfTimerCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create<H: TimerHandler>(device: Device) -> Result<Self> {
        let mut config = config::<H>();
        let mut attributes = attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive; the three structures live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfTimerCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Self(handle))
    }

    /// Has it fire in that time from now (`WdfTimerStart`); if it was started already, only then.
    /// IRQL: <= DISPATCH_LEVEL; a lock may be held.
    pub fn start(&self, milliseconds: u32) {
        // WDF_REL_TIMEOUT_IN_MS: relative times are negative, in units of 100 ns.
        let due_time = -10_000 * LONGLONG::from(milliseconds);
        // SAFETY: the timer lives as long as its device, whose context or callback led here.
        let _was_started =
            unsafe { call_unsafe_wdf_function_binding!(WdfTimerStart, self.0, due_time) };
    }
}

/// `WDF_TIMER_CONFIG_INIT`, but for AutomaticSerialization, which C sets: the device has no
/// synchronization scope to serialize with.
fn config<H: TimerHandler>() -> WDF_TIMER_CONFIG {
    WDF_TIMER_CONFIG {
        Size: size_field::<WDF_TIMER_CONFIG>(),
        EvtTimerFunc: Some(evt_timer_func::<H>),
        ..WDF_TIMER_CONFIG::default()
    }
}

/// `EVT_WDF_TIMER`. IRQL: DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a timer made here.
unsafe extern "C" fn evt_timer_func<H: TimerHandler>(timer: WDFTIMER) {
    // SAFETY: the timer is alive during its callback.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfTimerGetParentObject, timer) };
    // SAFETY: its parent is the device, which outlives it, and whose context was attached before
    // anything started the timer.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::on_timer(device);
    }
}
