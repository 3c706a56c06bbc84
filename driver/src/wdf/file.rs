//! File objects: the handles that apps have of the device.

use wdk_sys::{WDFFILEOBJECT, call_unsafe_wdf_function_binding};
use zerocopy::FromZeros;

use super::{Context, context, device::Device};

/// The context of a handle, and EvtFileCleanup.
pub trait HandleContext: Context + FromZeros {
    /// The context of the device.
    type Device: Context;

    /// The handle is closed. What waits of it in a queue, the framework cancels after this; what
    /// the driver has of it stays. IRQL: PASSIVE_LEVEL.
    fn on_cleanup(&self, device: &Self::Device);
}

/// `EVT_WDF_FILE_CLEANUP`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a file object with an `H`.
pub(super) unsafe extern "C" fn evt_file_cleanup<H: HandleContext>(file: WDFFILEOBJECT) {
    // SAFETY: the file object is alive during its callback.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfFileObjectGetDevice, file) };
    let device = Device::from_handle(device);
    // SAFETY: the device outlives its files, and its context was attached before one was opened.
    let device = unsafe { context::of::<H::Device>(device.as_object()) };
    // SAFETY: the framework has zeroed the context of the file object, which is a valid `H`.
    let handle = unsafe { context::of::<H>(file.cast()) };
    if let (Some(device), Some(handle)) = (device, handle) {
        handle.on_cleanup(device);
    }
}
