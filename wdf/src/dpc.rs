//! DPCs of a device, beside those of its interrupts.

use wdk_sys::{WDFDPC, call_unsafe_wdf_function_binding};

use super::{Context, Device, NtStatus, Result, context, init};

/// `WDFDPC`: a DPC beside those of the interrupts. Runs at DISPATCH_LEVEL, on two processors at once if
/// it is queued while it runs.
///
/// ```no_run
/// use kmdf::{Device, Dpc, DpcHandler, Result};
/// # struct MyDevice;
/// # kmdf::context_type!(MyDevice, c"MyDevice");
///
/// struct Transfers;
///
/// impl DpcHandler for Transfers {
///     type Device = MyDevice;
///
///     fn run(_device: &MyDevice) { /* … */ }
/// }
///
/// fn create(device: Device<'_>) -> Result<Dpc> {
///     Dpc::new::<Transfers>(device)
/// }
///
/// /// In an ISR.
/// fn transferred(dpc: &Dpc) {
///     dpc.enqueue();
/// }
/// ```
pub struct Dpc(WDFDPC);

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl Send for Dpc {}
// SAFETY: the same on several processors at once.
unsafe impl Sync for Dpc {}

/// EvtDpcFunc.
pub trait DpcHandler {
    /// The context of the device.
    type Device: Context;

    /// The DPC was queued. IRQL: DISPATCH_LEVEL.
    fn run(device: &Self::Device);
}

impl Dpc {
    /// Creates a DPC that does what `H` does (`WdfDpcCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn new<H: DpcHandler>(device: Device<'_>) -> Result<Self> {
        let mut config = init::dpc_config(Some(evt_dpc::<H>));
        // A device of this layer has no synchronization scope to serialize with.
        config.AutomaticSerialization = false.into();
        let mut attributes = init::object_attributes();
        attributes.ParentObject = device.as_object();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the parent is alive by the invariant of `Device`; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfDpcCreate,
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status).map(|()| Self(handle))
    }

    /// Queues it (`WdfDpcEnqueue`). If it is queued already, that run is this one, too. IRQL: any; a
    /// lock may be held.
    #[inline]
    pub fn enqueue(&self) {
        // SAFETY: the DPC lives as long as its device, whose context or callback led here.
        let _was_queued = unsafe { call_unsafe_wdf_function_binding!(WdfDpcEnqueue, self.0) };
    }
}

/// `EVT_WDF_DPC`. IRQL: DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a DPC that [`Dpc::new`] made.
unsafe extern "C" fn evt_dpc<H: DpcHandler>(dpc: WDFDPC) {
    // SAFETY: the object is alive during its callback.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfDpcGetParentObject, dpc) };
    // SAFETY: its parent is the device, which outlives it, and `Device::attach` initializes what it attaches.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::run(device);
    }
}
