//! DPCs of the driver's own, beside those of its interrupts.

use wdk_sys::{WDF_DPC_CONFIG, WDFDPC, call_unsafe_wdf_function_binding};

use super::{
    Context, Device, NtStatus, Result,
    context::{self, attributes},
    size_field,
};

/// `WDFDPC`, of a device.
pub struct Dpc(WDFDPC);

// SAFETY: a DPC may be used on any processor.
unsafe impl Send for Dpc {}
// SAFETY: the framework serializes what needs it.
unsafe impl Sync for Dpc {}

/// EvtDpcFunc.
pub trait DpcHandler {
    /// The context of the device.
    type Device: Context;

    /// It was queued. IRQL: DISPATCH_LEVEL. May run on two processors at once.
    fn on_dpc(device: &Self::Device);
}

impl Dpc {
    /// Creates a DPC (`WdfDpcCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create<H: DpcHandler>(device: Device) -> Result<Self> {
        let mut config = config::<H>();
        let mut attributes = attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive; the three structures live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDpcCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Self(handle))
    }

    /// Queues it (`WdfDpcEnqueue`). If it is queued already, that run is this one, too. IRQL: any; a
    /// lock may be held.
    pub fn enqueue(&self) {
        // SAFETY: the DPC lives as long as its device, whose context or callback led here.
        let _was_queued = unsafe { call_unsafe_wdf_function_binding!(WdfDpcEnqueue, self.0) };
    }
}

/// `WDF_DPC_CONFIG_INIT`, but for AutomaticSerialization, which C sets: the device has no
/// synchronization scope to serialize with.
fn config<H: DpcHandler>() -> WDF_DPC_CONFIG {
    WDF_DPC_CONFIG {
        Size: size_field::<WDF_DPC_CONFIG>(),
        EvtDpcFunc: Some(evt_dpc_func::<H>),
        ..WDF_DPC_CONFIG::default()
    }
}

/// `EVT_WDF_DPC`. IRQL: DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a DPC made here.
unsafe extern "C" fn evt_dpc_func<H: DpcHandler>(dpc: WDFDPC) {
    // SAFETY: the DPC is alive during its callback.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfDpcGetParentObject, dpc) };
    // SAFETY: its parent is the device, which outlives it, and whose context was attached before
    // anything queued the DPC.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::on_dpc(device);
    }
}
