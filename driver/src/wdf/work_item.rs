//! Work items: code at PASSIVE_LEVEL for what is found at DISPATCH_LEVEL.

use wdk_sys::{WDF_WORKITEM_CONFIG, WDFWORKITEM, call_unsafe_wdf_function_binding};

use super::{
    Context, Device, NtStatus, Result,
    context::{self, attributes},
    size_field,
};

/// `WDFWORKITEM`, of a device.
pub struct WorkItem(WDFWORKITEM);

// SAFETY: a work item may be used on any processor.
unsafe impl Send for WorkItem {}
// SAFETY: the framework serializes what needs it.
unsafe impl Sync for WorkItem {}

/// EvtWorkItem.
pub trait WorkItemHandler {
    /// The context of the device.
    type Device: Context;

    /// It was queued. IRQL: PASSIVE_LEVEL.
    fn on_work(device: &Self::Device);
}

impl WorkItem {
    /// Creates a work item (`WdfWorkItemCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create<H: WorkItemHandler>(device: Device) -> Result<Self> {
        let mut config = config::<H>();
        let mut attributes = attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive; the three structures live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfWorkItemCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Self(handle))
    }

    /// Queues it (`WdfWorkItemEnqueue`). If it is queued already and has not begun, that run is this
    /// one, too. IRQL: <= DISPATCH_LEVEL; a spin lock may be held.
    pub fn enqueue(&self) {
        // SAFETY: the work item lives as long as its device, whose context or callback led here.
        unsafe { call_unsafe_wdf_function_binding!(WdfWorkItemEnqueue, self.0) };
    }

    /// Waits until it is neither queued nor running (`WdfWorkItemFlush`). IRQL: PASSIVE_LEVEL; not in
    /// the work item itself, and not with a lock that it takes.
    pub fn flush(&self) {
        // SAFETY: as in `enqueue`.
        unsafe { call_unsafe_wdf_function_binding!(WdfWorkItemFlush, self.0) };
    }
}

/// `WDF_WORKITEM_CONFIG_INIT`, but for AutomaticSerialization, which C sets: the device has no
/// synchronization scope to serialize with.
fn config<H: WorkItemHandler>() -> WDF_WORKITEM_CONFIG {
    WDF_WORKITEM_CONFIG {
        Size: size_field::<WDF_WORKITEM_CONFIG>(),
        EvtWorkItemFunc: Some(evt_work_item::<H>),
        ..WDF_WORKITEM_CONFIG::default()
    }
}

/// `EVT_WDF_WORKITEM`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a work item made here.
unsafe extern "C" fn evt_work_item<H: WorkItemHandler>(item: WDFWORKITEM) {
    // SAFETY: the work item is alive during its callback.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfWorkItemGetParentObject, item) };
    // SAFETY: its parent is the device, which outlives it, and whose context was attached before
    // anything queued the work item.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::on_work(device);
    }
}
