//! File objects: the handles that apps have of the device.

use wdk_sys::WDFFILEOBJECT;
use zerocopy::FromZeros;

use super::{Context, context};

/// The context of a handle, and EvtFileCleanup: see [`crate::DeviceInit::set_handle_context`].
///
/// ```no_run
/// use core::sync::atomic::{AtomicBool, Ordering};
/// use kmdf::HandleContext;
///
/// #[derive(zerocopy::FromZeros)]
/// struct Handle {
///     closed: AtomicBool,
/// }
/// kmdf::context_type!(Handle, c"Handle");
///
/// impl HandleContext for Handle {
///     fn on_cleanup(&self) {
///         self.closed.store(true, Ordering::Release);
///     }
/// }
/// ```
pub trait HandleContext: Context + FromZeros {
    /// The handle is closed. What waits of it in a queue, the framework cancels after this; what
    /// the driver has of it stays, and requests that other threads were just sending through it still
    /// come. IRQL: PASSIVE_LEVEL.
    fn on_cleanup(&self);
}

/// `EVT_WDF_FILE_CLEANUP`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a file object with an `H`.
pub(super) unsafe extern "C" fn evt_file_cleanup<H: HandleContext>(file: WDFFILEOBJECT) {
    // SAFETY: the file object is alive during its callback. The framework has zeroed its context,
    // which is a valid `H`.
    if let Some(handle) = unsafe { context::of::<H>(file.cast()) } {
        handle.on_cleanup();
    }
}
