//! Work items.

use wdk_sys::{WDFWORKITEM, call_unsafe_wdf_function_binding};

use super::{Context, Device, NtStatus, Result, context, init};

/// `WDFWORKITEM`. Runs at PASSIVE_LEVEL.
///
/// ```no_run
/// use kmdf::{Device, Result, WorkItem, WorkItemHandler};
/// # struct MyDevice;
/// # kmdf::context_type!(MyDevice, c"MyDevice");
///
/// struct Recovery;
///
/// impl WorkItemHandler for Recovery {
///     type Device = MyDevice;
///
///     fn run(_device: &MyDevice) { /* … */ }
/// }
///
/// fn create(device: Device<'_>) -> Result<WorkItem> {
///     WorkItem::new::<Recovery>(device)
/// }
///
/// /// In a DPC.
/// fn failed(recovery: &WorkItem) {
///     recovery.enqueue();
/// }
///
/// /// In EvtDeviceReleaseHardware.
/// fn released(recovery: &WorkItem) {
///     recovery.flush();
/// }
/// ```
pub struct WorkItem(WDFWORKITEM);

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl Send for WorkItem {}
// SAFETY: the same on several processors at once.
unsafe impl Sync for WorkItem {}

/// EvtWorkItem.
pub trait WorkItemHandler {
    /// The context of the device.
    type Device: Context;

    /// The work item was queued. IRQL: PASSIVE_LEVEL.
    fn run(device: &Self::Device);
}

impl WorkItem {
    /// Creates a work item that does what `H` does (`WdfWorkItemCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new<H: WorkItemHandler>(device: Device<'_>) -> Result<Self> {
        let mut config = init::work_item_config(Some(evt_work_item::<H>));
        // A device of this layer has no synchronization scope to serialize with.
        config.AutomaticSerialization = false.into();
        let mut attributes = init::object_attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the parent is alive by the invariant of `Device`; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfWorkItemCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status).map(|()| Self(handle))
    }

    /// Queues it (`WdfWorkItemEnqueue`). If it is queued already and has not begun, that run is this
    /// one, too. IRQL: <= DISPATCH_LEVEL; a spin lock may be held.
    #[inline]
    pub fn enqueue(&self) {
        // SAFETY: the work item lives as long as its device, whose context or callback led here.
        unsafe { call_unsafe_wdf_function_binding!(WdfWorkItemEnqueue, self.0) };
    }

    /// Waits until it is neither queued nor running (`WdfWorkItemFlush`). IRQL: PASSIVE_LEVEL; not in
    /// the work item itself, and not with a lock that it takes.
    #[inline]
    pub fn flush(&self) {
        // SAFETY: the work item lives as long as its device, whose context or callback led here.
        unsafe { call_unsafe_wdf_function_binding!(WdfWorkItemFlush, self.0) };
    }
}

/// `EVT_WDF_WORKITEM`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a work item that [`WorkItem::new`] made.
unsafe extern "C" fn evt_work_item<H: WorkItemHandler>(work_item: WDFWORKITEM) {
    // SAFETY: the object is alive during its callback.
    let device =
        unsafe { call_unsafe_wdf_function_binding!(WdfWorkItemGetParentObject, work_item) };
    // SAFETY: its parent is the device, which outlives it, and `Device::attach` initializes what it attaches.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::run(device);
    }
}
