//! Queues.

use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE::{
        WdfIoQueueDispatchManual, WdfIoQueueDispatchParallel, WdfIoQueueDispatchSequential,
    },
    _WDF_REQUEST_STOP_ACTION_FLAGS::WdfRequestStopActionPurge,
    _WDF_TRI_STATE::{WdfFalse, WdfTrue},
    ULONG, WDF_IO_QUEUE_CONFIG, WDF_IO_QUEUE_DISPATCH_TYPE, WDF_TRI_STATE, WDFQUEUE, WDFREQUEST,
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

/// Whether a request reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadWrite {
    /// ReadFile
    Read,
    /// WriteFile
    Write,
}

/// EvtIoRead and EvtIoWrite.
pub trait ReadWriteHandler {
    /// The context of the device.
    type Device: Context;

    /// A read or write request is presented. IRQL: <= DISPATCH_LEVEL.
    fn on_read_write(device: &Self::Device, request: Request, kind: ReadWrite, length_bytes: usize);
}

/// EvtIoStop, for a queue that is power-managed and whose requests stay with the driver for a
/// while.
pub trait StopHandler {
    /// The context of the device.
    type Device: Context;

    /// The device leaves D0 or is removed while the driver owns a request. The callback that was given
    /// the request has returned: the framework waits for it first (fxioqueue.cpp: `ProcessPowerEvents`, in
    /// the state FxIoQueuePowerStartingTransition). IRQL: <= DISPATCH_LEVEL.
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
    /// The device leaves D0: for a while, or as the first step of its removal.
    Suspend,
    /// The device has been removed, and the driver has kept the request so far.
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
    pub fn create_default<H: ControlHandler + ReadWriteHandler>(device: Device) -> Result<Self> {
        let mut config = WDF_IO_QUEUE_CONFIG {
            DefaultQueue: true.into(),
            EvtIoDeviceControl: Some(evt_io_device_control::<H>),
            EvtIoRead: Some(evt_io_read::<H>),
            EvtIoWrite: Some(evt_io_write::<H>),
            ..config(WdfIoQueueDispatchParallel, WdfFalse)
        };
        // No limit. Zero, which a structure cleared by hand has here, would present nothing ever.
        config.Settings.Parallel.NumberOfPresentedRequests = ULONG::MAX;
        Self::create(device, config)
    }

    /// Creates a sequential, power-managed queue of control requests that are done when they have been
    /// presented. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_control<H: ControlHandler>(device: Device) -> Result<Self> {
        let config = WDF_IO_QUEUE_CONFIG {
            EvtIoDeviceControl: Some(evt_io_device_control::<H>),
            ..config(WdfIoQueueDispatchSequential, WdfTrue)
        };
        Self::create(device, config)
    }

    /// Creates a sequential, power-managed queue of control requests that stay with the driver.
    /// IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_control_engine<H: ControlHandler + StopHandler>(device: Device) -> Result<Self> {
        let config = WDF_IO_QUEUE_CONFIG {
            EvtIoDeviceControl: Some(evt_io_device_control::<H>),
            EvtIoStop: Some(evt_io_stop::<H>),
            ..config(WdfIoQueueDispatchSequential, WdfTrue)
        };
        Self::create(device, config)
    }

    /// Creates a sequential, power-managed queue of reads and writes that stay with the driver.
    /// IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_read_write_engine<H: ReadWriteHandler + StopHandler>(
        device: Device,
    ) -> Result<Self> {
        let config = WDF_IO_QUEUE_CONFIG {
            EvtIoRead: Some(evt_io_read::<H>),
            EvtIoWrite: Some(evt_io_write::<H>),
            EvtIoStop: Some(evt_io_stop::<H>),
            ..config(WdfIoQueueDispatchSequential, WdfTrue)
        };
        Self::create(device, config)
    }

    /// Creates a queue whose requests wait until the driver fetches them, in low power, too.
    /// IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create_manual<H: QueueCancelHandler>(device: Device) -> Result<Self> {
        let config = WDF_IO_QUEUE_CONFIG {
            EvtIoCanceledOnQueue: Some(evt_io_canceled_on_queue::<H>),
            ..config(WdfIoQueueDispatchManual, WdfFalse)
        };
        Self::create(device, config)
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

/// `WDF_IO_QUEUE_CONFIG_INIT`, but for the limit of a parallel queue.
fn config(
    dispatch: WDF_IO_QUEUE_DISPATCH_TYPE,
    power_managed: WDF_TRI_STATE,
) -> WDF_IO_QUEUE_CONFIG {
    WDF_IO_QUEUE_CONFIG {
        Size: size_field::<WDF_IO_QUEUE_CONFIG>(),
        DispatchType: dispatch,
        PowerManaged: power_managed,
        ..WDF_IO_QUEUE_CONFIG::default()
    }
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

/// `EVT_WDF_IO_QUEUE_IO_READ`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
unsafe extern "C" fn evt_io_read<H: ReadWriteHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    length_bytes: usize,
) {
    // SAFETY: the framework calls this shim with the same promises.
    unsafe { read_write::<H>(queue, request, ReadWrite::Read, length_bytes) };
}

/// `EVT_WDF_IO_QUEUE_IO_WRITE`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
unsafe extern "C" fn evt_io_write<H: ReadWriteHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    length_bytes: usize,
) {
    // SAFETY: the framework calls this shim with the same promises.
    unsafe { read_write::<H>(queue, request, ReadWrite::Write, length_bytes) };
}

/// # Safety
/// The framework presents the request from a queue made here.
unsafe fn read_write<H: ReadWriteHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    kind: ReadWrite,
    length_bytes: usize,
) {
    // SAFETY: the framework presents the request now, and it is neither completed nor cancelable.
    let request = unsafe { Request::new(request) };
    // SAFETY: the queue is alive during its callback.
    let device = unsafe { device_of(queue) };
    // SAFETY: as in `evt_io_device_control`.
    if let Some(device) = unsafe { context::of::<H::Device>(device.as_object()) } {
        H::on_read_write(device, request, kind, length_bytes);
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
