//! Timers.

use wdk_sys::{LONGLONG, WDFTIMER, call_unsafe_wdf_function_binding};

use super::{Context, Device, NtStatus, Result, context, init};

/// `WDFTIMER`, that fires once each time it is started. Runs at DISPATCH_LEVEL.
///
/// ```no_run
/// use kmdf::{Device, Result, Timer, TimerHandler};
/// # struct MyDevice;
/// # kmdf::context_type!(MyDevice, c"MyDevice");
///
/// struct Tick;
///
/// impl TimerHandler for Tick {
///     type Device = MyDevice;
///
///     fn run(_device: &MyDevice) { /* … */ }
/// }
///
/// fn start(device: Device<'_>) -> Result<Timer> {
///     let timer = Timer::new::<Tick>(device)?;
///     timer.start(1_000);
///     Ok(timer)
/// }
/// ```
pub struct Timer(WDFTIMER);

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl Send for Timer {}
// SAFETY: the same on several processors at once.
unsafe impl Sync for Timer {}

/// EvtTimerFunc.
pub trait TimerHandler {
    /// The context of the device.
    type Device: Context;

    /// The timer's time has come. IRQL: DISPATCH_LEVEL.
    fn run(device: &Self::Device);
}

impl Timer {
    /// Creates a timer that does what `H` does (`WdfTimerCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new<H: TimerHandler>(device: Device<'_>) -> Result<Self> {
        let mut config = init::timer_config(Some(evt_timer::<H>));
        // A device of this layer has no synchronization scope to serialize with.
        config.AutomaticSerialization = false.into();
        let mut attributes = init::object_attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the parent is alive by the invariant of `Device`; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfTimerCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status).map(|()| Self(handle))
    }

    /// Has it fire in that time from now (`WdfTimerStart`); if it was started already, only then.
    /// IRQL: <= DISPATCH_LEVEL; a lock may be held.
    #[inline]
    pub fn start(&self, milliseconds: u32) {
        // WDF_REL_TIMEOUT_IN_MS: relative times are negative, in units of 100 ns.
        let due_time = -10_000 * LONGLONG::from(milliseconds);
        // SAFETY: the timer lives as long as its device, whose context or callback led here.
        let _was_started =
            unsafe { call_unsafe_wdf_function_binding!(WdfTimerStart, self.0, due_time) };
    }
}

/// `EVT_WDF_TIMER`. IRQL: DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a timer that [`Timer::new`] made.
unsafe extern "C" fn evt_timer<H: TimerHandler>(timer: WDFTIMER) {
    // SAFETY: the object is alive during its callback.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfTimerGetParentObject, timer) };
    // SAFETY: its parent is the device, which outlives it, and `Device::attach` initializes what it attaches.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::run(device);
    }
}
