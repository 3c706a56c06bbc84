//! Objects of a device that call back later: DPCs of its own, timers, work items.
//!
//! They have one shape: a child of the device, whose callback gets the device's context. What differs is
//! which functions of the framework make and queue them, and at which IRQL they run.

use core::ptr::null_mut;

use wdk_sys::{
    LONGLONG, WDF_DPC_CONFIG, WDF_OBJECT_ATTRIBUTES, WDF_TIMER_CONFIG, WDF_WORKITEM_CONFIG, WDFDPC,
    WDFOBJECT, WDFTIMER, WDFWORKITEM, call_unsafe_wdf_function_binding,
};

use super::{
    Context, Device, NtStatus, Result,
    context::{self, attributes},
    size_field,
};

/// `WDFDPC`: a DPC beside those of the interrupts. Runs at DISPATCH_LEVEL, on two processors at once if
/// it is queued while it runs.
pub enum Dpc {}

/// `WDFTIMER`, that fires once each time it is started. Runs at DISPATCH_LEVEL.
pub enum Timer {}

/// `WDFWORKITEM`. Runs at PASSIVE_LEVEL.
pub enum WorkItem {}

/// EvtDpcFunc, EvtTimerFunc, EvtWorkItem: what an object of kind `K` does. IRQL: see the kind.
pub trait DeferredHandler<K> {
    /// The context of the device.
    type Device: Context;

    /// The object was queued, or its time has come.
    fn run(device: &Self::Device);
}

/// An object of a kind, child of a device.
pub struct Deferred<K: Kind>(K::Handle);

// SAFETY: these objects may be used on any processor.
unsafe impl<K: Kind> Send for Deferred<K> {}
// SAFETY: the framework serializes what needs it.
unsafe impl<K: Kind> Sync for Deferred<K> {}

/// A kind of object: [`Dpc`], [`Timer`], [`WorkItem`].
///
/// # Safety
/// `create` makes an object with these attributes that calls `callback` with its own handle, and nothing
/// else. `parent` gives the parent that the attributes named.
pub unsafe trait Kind {
    /// Its handle.
    type Handle: Copy;

    /// Creates one. `WDF_XXX_CONFIG_INIT`, but for AutomaticSerialization, which C sets: the device has no
    /// synchronization scope to serialize with. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    ///
    /// # Safety
    /// The parent that the attributes name is alive.
    unsafe fn create(
        callback: unsafe extern "C" fn(Self::Handle),
        attributes: &mut WDF_OBJECT_ATTRIBUTES,
    ) -> Result<Self::Handle>;

    /// Its parent.
    ///
    /// # Safety
    /// The object is alive.
    unsafe fn parent(handle: Self::Handle) -> WDFOBJECT;
}

impl<K: Kind> Deferred<K> {
    /// Creates an object that does what `H` does. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create<H: DeferredHandler<K>>(device: Device) -> Result<Self> {
        let mut attributes = attributes();
        attributes.ParentObject = device.as_object();
        // SAFETY: the device is alive.
        unsafe { K::create(evt_deferred::<K, H>, &mut attributes) }.map(Self)
    }
}

/// `EVT_WDF_DPC`, `EVT_WDF_TIMER`, `EVT_WDF_WORKITEM`. IRQL: see the kind.
///
/// # Safety
/// Only the framework calls it, for an object that [`Deferred::create`] made.
unsafe extern "C" fn evt_deferred<K: Kind, H: DeferredHandler<K>>(handle: K::Handle) {
    // SAFETY: the object is alive during its callback.
    let device = unsafe { K::parent(handle) };
    // SAFETY: its parent is the device, which outlives it, and whose context was attached before
    // anything queued or started the object.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::run(device);
    }
}

/// Makes a [`Kind`] of a handle, its configuration and the functions that create it and know its parent.
macro_rules! kind {
    ($kind:ty: $handle:ty, $config:ident { $callback:ident }, $create:ident, $parent:ident) => {
        // SAFETY: that is what these two functions of the framework do.
        unsafe impl Kind for $kind {
            type Handle = $handle;

            unsafe fn create(
                callback: unsafe extern "C" fn($handle),
                attributes: &mut WDF_OBJECT_ATTRIBUTES,
            ) -> Result<$handle> {
                let mut config = $config {
                    Size: size_field::<$config>(),
                    $callback: Some(callback),
                    ..$config::default()
                };
                let mut handle = null_mut();
                // SAFETY: the caller vouches for the parent; the structures live through the call.
                let status = unsafe {
                    call_unsafe_wdf_function_binding!(
                        $create,
                        &raw mut config,
                        attributes,
                        &raw mut handle
                    )
                };
                NtStatus::check(status).map(|()| handle)
            }

            unsafe fn parent(handle: $handle) -> WDFOBJECT {
                // SAFETY: the caller vouches for the object.
                unsafe { call_unsafe_wdf_function_binding!($parent, handle) }
            }
        }
    };
}

kind!(Dpc: WDFDPC, WDF_DPC_CONFIG { EvtDpcFunc }, WdfDpcCreate, WdfDpcGetParentObject);
kind!(Timer: WDFTIMER, WDF_TIMER_CONFIG { EvtTimerFunc }, WdfTimerCreate, WdfTimerGetParentObject);
kind!(
    WorkItem: WDFWORKITEM,
    WDF_WORKITEM_CONFIG { EvtWorkItemFunc },
    WdfWorkItemCreate,
    WdfWorkItemGetParentObject
);

impl Deferred<Dpc> {
    /// Queues it (`WdfDpcEnqueue`). If it is queued already, that run is this one, too. IRQL: any; a
    /// lock may be held.
    pub fn enqueue(&self) {
        // SAFETY: the DPC lives as long as its device, whose context or callback led here.
        let _was_queued = unsafe { call_unsafe_wdf_function_binding!(WdfDpcEnqueue, self.0) };
    }
}

impl Deferred<Timer> {
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

impl Deferred<WorkItem> {
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
