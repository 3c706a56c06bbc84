//! Queues.

use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE::{
        WdfIoQueueDispatchManual, WdfIoQueueDispatchParallel, WdfIoQueueDispatchSequential,
    },
    _WDF_REQUEST_STOP_ACTION_FLAGS::WdfRequestStopActionPurge,
    _WDF_TRI_STATE::{WdfFalse, WdfTrue},
    PFN_WDF_IO_QUEUE_IO_STOP, ULONG, WDF_IO_QUEUE_CONFIG, WDFQUEUE, WDFREQUEST,
    call_unsafe_wdf_function_binding,
};

use super::{
    Context, Device, NtStatus, Request, RequestId, Result,
    context::{self, attributes},
    size_field,
};

/// `WDFQUEUE`.
pub struct Queue(WDFQUEUE);

// SAFETY: a queue may be used on any processor.
unsafe impl Send for Queue {}
// SAFETY: the framework serializes what needs it.
unsafe impl Sync for Queue {}

/// How a queue presents requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// At once, however many the driver has.
    Parallel,
    /// The next when the driver has completed the one before.
    Sequential,
}

/// What a control request asks.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// Its code.
    pub code: u32,
    /// Length of its input buffer.
    pub input_bytes: usize,
    /// Length of its output buffer.
    pub output_bytes: usize,
}

/// EvtIoDeviceControl.
pub trait ControlHandler {
    /// The context of the device.
    type Device: Context;

    /// A control request is presented. IRQL: <= DISPATCH_LEVEL.
    fn on_control(device: &Self::Device, request: Request, control: Control);
}

/// EvtIoStop, for a queue that is power-managed and whose requests stay with the driver for a
/// while.
pub trait StopHandler: ControlHandler {
    /// The device leaves D0 or is removed while the driver owns a request. IRQL: <= DISPATCH_LEVEL.
    ///
    /// Whoever owns the request must give it up now: requeue or complete it, or let the one who
    /// completes it do so.
    fn on_stop(device: &Self::Device, stop: Stop<'_>);
}

/// EvtIoCanceledOnQueue, for a manual queue.
pub trait QueueCancelHandler {
    /// The context of the device.
    type Device: Context;

    /// A request was canceled while it was in the queue: complete it with STATUS_CANCELLED.
    /// IRQL: <= DISPATCH_LEVEL.
    fn on_canceled(device: &Self::Device, request: Request);
}

/// A request of which EvtIoStop says that the driver owns it.
pub struct Stop<'a> {
    /// Which request. It may be completed at any moment, by whoever owns it.
    pub id: &'a RequestId,
    /// Why.
    pub action: StopAction,
}

/// `WDF_REQUEST_STOP_ACTION_FLAGS`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopAction {
    /// The device leaves D0 for a while.
    Suspend,
    /// The device is removed.
    Purge,
}

impl Stop<'_> {
    /// Gives a request back to the front of its queue, to be presented again when the device is in
    /// D0 (`WdfRequestStopAcknowledge`). Only EvtIoStop has a [`Stop`] to call it with; if the
    /// request is not the one that was stopped, it is failed.
    pub fn requeue(self, request: Request) {
        if request.is(self.id) {
            request.requeue();
        }
    }
}

impl Queue {
    /// Creates the queue that gets every request first: parallel and not power-managed.
    /// IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_default<H: ControlHandler>(device: Device) -> Result<Self> {
        let mut config = config::<H>(Dispatch::Parallel);
        config.DefaultQueue = true.into();
        config.PowerManaged = WdfFalse;
        Self::create(device, config)
    }

    /// Creates a power-managed queue. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_power_managed<H: ControlHandler>(
        device: Device,
        dispatch: Dispatch,
    ) -> Result<Self> {
        let mut config = config::<H>(dispatch);
        config.PowerManaged = WdfTrue;
        Self::create(device, config)
    }

    /// Creates a power-managed queue with EvtIoStop. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_stoppable<H: StopHandler>(device: Device, dispatch: Dispatch) -> Result<Self> {
        let mut config = config::<H>(dispatch);
        config.PowerManaged = WdfTrue;
        let stop: PFN_WDF_IO_QUEUE_IO_STOP = Some(evt_io_stop::<H>);
        config.EvtIoStop = stop;
        Self::create(device, config)
    }

    /// Creates a queue whose requests wait until the driver fetches them, in low power, too.
    /// IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_manual<H: QueueCancelHandler>(device: Device) -> Result<Self> {
        let config = WDF_IO_QUEUE_CONFIG {
            Size: size_field::<WDF_IO_QUEUE_CONFIG>(),
            DispatchType: WdfIoQueueDispatchManual,
            PowerManaged: WdfFalse,
            EvtIoCanceledOnQueue: Some(evt_io_canceled_on_queue::<H>),
            ..WDF_IO_QUEUE_CONFIG::default()
        };
        Self::create(device, config)
    }

    /// Fetches the request at the front of a manual queue (`WdfIoQueueRetrieveNextRequest`).
    /// IRQL: <= DISPATCH_LEVEL; hold no lock.
    pub fn retrieve_next(&self) -> Option<Request> {
        let mut request = core::ptr::null_mut();
        // SAFETY: the queue lives as long as its device; the pointer lives through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfIoQueueRetrieveNextRequest,
                self.0,
                &raw mut request
            )
        };
        NtStatus::check(status).ok()?;
        // SAFETY: the framework has just given it, neither completed nor cancelable.
        Some(unsafe { Request::new(request) })
    }

    /// `WdfIoQueueCreate`
    fn create(device: Device, mut config: WDF_IO_QUEUE_CONFIG) -> Result<Self> {
        let mut attributes = attributes();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive; the others live through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfIoQueueCreate,
                device.handle(),
                &raw mut config,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Self(handle))
    }

    pub(super) const fn handle(&self) -> WDFQUEUE {
        self.0
    }
}

/// `WDF_IO_QUEUE_CONFIG_INIT`.
fn config<H: ControlHandler>(dispatch: Dispatch) -> WDF_IO_QUEUE_CONFIG {
    let mut config = WDF_IO_QUEUE_CONFIG {
        Size: size_field::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType: match dispatch {
            Dispatch::Parallel => WdfIoQueueDispatchParallel,
            Dispatch::Sequential => WdfIoQueueDispatchSequential,
        },
        EvtIoDeviceControl: Some(evt_io_device_control::<H>),
        ..WDF_IO_QUEUE_CONFIG::default()
    };
    if dispatch == Dispatch::Parallel {
        // No limit. Zero, which a structure cleared by hand has here, would present nothing ever.
        config.Settings.Parallel.NumberOfPresentedRequests = ULONG::MAX;
    }
    config
}

/// `WdfIoQueueGetDevice`
///
/// # Safety
/// The queue is alive.
pub(super) unsafe fn device_of(queue: WDFQUEUE) -> Device {
    // SAFETY: the caller vouches for the queue.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfIoQueueGetDevice, queue) };
    Device::from_handle(device)
}

/// `EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
unsafe extern "C" fn evt_io_device_control<H: ControlHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    output_bytes: usize,
    input_bytes: usize,
    code: ULONG,
) {
    // SAFETY: the framework presents the request now, and it is neither completed nor cancelable.
    let request = unsafe { Request::new(request) };
    // SAFETY: the queue is alive during its callback.
    let device = unsafe { device_of(queue) };
    // SAFETY: the device outlives its queues, and its context was attached before EvtDriverDeviceAdd
    // returned, which is before a queue presents anything.
    if let Some(device) = unsafe { context::of::<H::Device>(device.as_object()) } {
        let control = Control {
            code,
            input_bytes,
            output_bytes,
        };
        H::on_control(device, request, control);
    }
}

/// `EVT_WDF_IO_QUEUE_IO_STOP`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
unsafe extern "C" fn evt_io_stop<H: StopHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    action_flags: ULONG,
) {
    // SAFETY: the queue is alive during its callback.
    let device = unsafe { device_of(queue) };
    // SAFETY: as in `evt_io_device_control`.
    if let Some(device) = unsafe { context::of::<H::Device>(device.as_object()) } {
        let action = if action_flags & WdfRequestStopActionPurge as ULONG == 0 {
            StopAction::Suspend
        } else {
            StopAction::Purge
        };
        let id = &RequestId::new(request);
        H::on_stop(device, Stop { id, action });
    }
}

/// `EVT_WDF_IO_QUEUE_IO_CANCELED_ON_QUEUE`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
unsafe extern "C" fn evt_io_canceled_on_queue<H: QueueCancelHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
) {
    // SAFETY: the framework gives the request to the driver, neither completed nor cancelable.
    let request = unsafe { Request::new(request) };
    // SAFETY: the queue is alive during its callback.
    let device = unsafe { device_of(queue) };
    // SAFETY: as in `evt_io_device_control`.
    if let Some(device) = unsafe { context::of::<H::Device>(device.as_object()) } {
        H::on_canceled(device, request);
    }
}
