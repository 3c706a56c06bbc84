//! Queues: how requests come to the driver.

mod callbacks;

use wdk_sys::{
    _WDF_IO_QUEUE_DISPATCH_TYPE::{
        WdfIoQueueDispatchManual, WdfIoQueueDispatchParallel, WdfIoQueueDispatchSequential,
    },
    _WDF_TRI_STATE::{WdfFalse, WdfTrue},
    WDF_IO_QUEUE_CONFIG, WDFQUEUE, call_unsafe_wdf_function_binding,
};

pub(crate) use callbacks::device_of;
use callbacks::{
    evt_io_canceled_on_queue, evt_io_device_control, evt_io_read, evt_io_stop, evt_io_write,
};

use super::{Context, Device, NtStatus, Request, RequestId, Result, init};

/// `WDFQUEUE`: see [`QueueConfig`], which makes it; [`Request::forward_to`] and [`Queue::retrieve`].
pub struct Queue(WDFQUEUE);

// SAFETY: the handle is a number, and the framework serializes what is done with it.
unsafe impl Send for Queue {}
// SAFETY: the same on several processors at once.
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
///
/// ```no_run
/// use kmdf::{Device, NtStatus, Queue, QueueConfig, ReadWrite, ReadWriteHandler, Request, Result};
/// # struct MyDevice;
/// # kmdf::context_type!(MyDevice, c"MyDevice");
///
/// /// Reads four bytes at a time.
/// struct Reads;
///
/// impl ReadWriteHandler for Reads {
///     type Device = MyDevice;
///
///     fn on_read_write(_: &MyDevice, request: Request, kind: ReadWrite, length_bytes: usize) {
///         match (kind, length_bytes) {
///             (ReadWrite::Read, 4) => request.respond(&0_u32),
///             _ => request.complete(Err(NtStatus::INVALID_PARAMETER)),
///         }
///     }
/// }
///
/// fn create(device: Device<'_>) -> Result<Queue> {
///     QueueConfig::sequential().read_write::<Reads>().create(device)
/// }
/// ```
pub trait ReadWriteHandler {
    /// The context of the device.
    type Device: Context;

    /// A read or write request is presented. IRQL: <= DISPATCH_LEVEL.
    fn on_read_write(device: &Self::Device, request: Request, kind: ReadWrite, length_bytes: usize);
}

/// EvtIoStop, for a queue that is power-managed and whose requests stay with the driver for a
/// while.
///
/// ```no_run
/// use kmdf::{
///     CancelableRequest, Device, Queue, QueueConfig, Result, SpinLock, Stop, StopAction, StopHandler,
/// };
///
/// struct MyDevice {
///     owned: SpinLock<Option<CancelableRequest>>,
/// }
/// kmdf::context_type!(MyDevice, c"MyDevice");
///
/// impl StopHandler for MyDevice {
///     type Device = Self;
///
///     fn on_stop(device: &Self, stop: Stop<'_>) {
///         let mut owned = device.owned.lock();
///         let Some(request) = owned.take_if(|owned| owned.is(stop.id)) else {
///             return; // Somebody else is completing it.
///         };
///         match request.reclaim() {
///             Ok(request) if stop.action == StopAction::Suspend => stop.requeue(request),
///             Ok(request) => {
///                 drop(owned);
///                 stop.give_up(request);
///             }
///             // Canceled: EvtRequestCancel takes it out.
///             Err(request) => *owned = Some(request),
///         }
///     }
/// }
///
/// fn create(device: Device<'_>) -> Result<Queue> {
///     QueueConfig::sequential().stop::<MyDevice>().create(device)
/// }
/// ```
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
///
/// ```no_run
/// use kmdf::{Device, NtStatus, Queue, QueueCancelHandler, QueueConfig, Request, Result};
/// # struct MyDevice;
/// # kmdf::context_type!(MyDevice, c"MyDevice");
///
/// struct Waiting;
///
/// impl QueueCancelHandler for Waiting {
///     type Device = MyDevice;
///
///     fn on_canceled(_: &MyDevice, request: Request) {
///         request.complete(Err(NtStatus::CANCELLED));
///     }
/// }
///
/// fn create(device: Device<'_>) -> Result<Queue> {
///     QueueConfig::manual::<Waiting>().power_managed(false).create(device)
/// }
/// ```
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
    #[inline]
    pub fn requeue(self, request: Request) {
        if request.is(self.id) {
            request.requeue();
        }
    }

    /// Ends the driver's ownership as the action asks: requeues the request, or completes it with
    /// STATUS_CANCELLED. Hold no lock.
    #[inline]
    pub fn give_up(self, request: Request) {
        match self.action {
            StopAction::Suspend => self.requeue(request),
            StopAction::Purge => request.complete(Err(NtStatus::CANCELLED)),
        }
    }
}

/// A queue that is about to be created (`WDF_IO_QUEUE_CONFIG`).
///
/// ```no_run
/// use kmdf::{Control, ControlHandler, Device, NtStatus, Queue, QueueConfig, Request, Result};
/// # struct MyDevice;
/// # kmdf::context_type!(MyDevice, c"MyDevice");
///
/// /// The default queue, which has no request to answer yet.
/// struct Default;
///
/// impl ControlHandler for Default {
///     type Device = MyDevice;
///
///     fn on_control(_: &MyDevice, request: Request, _: Control) {
///         request.complete(Err(NtStatus::INVALID_DEVICE_REQUEST));
///     }
/// }
///
/// fn create(device: Device<'_>) -> Result<Queue> {
///     QueueConfig::parallel().default_queue().control::<Default>().create(device)
/// }
/// ```
#[must_use = "`create` makes the queue"]
pub struct QueueConfig(WDF_IO_QUEUE_CONFIG);

impl QueueConfig {
    /// Presents every request at once. Power-managed, as all, unless said otherwise.
    pub fn parallel() -> Self {
        Self(init::io_queue_config(WdfIoQueueDispatchParallel)).power_managed(true)
    }

    /// Presents one request, and the next when the driver has completed, forwarded or requeued it.
    pub fn sequential() -> Self {
        Self(init::io_queue_config(WdfIoQueueDispatchSequential)).power_managed(true)
    }

    /// Presents no request: the driver retrieves them. If one is canceled there, `H` completes it.
    pub fn manual<H: QueueCancelHandler>() -> Self {
        let mut config = init::io_queue_config(WdfIoQueueDispatchManual);
        config.EvtIoCanceledOnQueue = Some(evt_io_canceled_on_queue::<H>);
        Self(config).power_managed(true)
    }

    /// Gets every request of the device that no other queue is named for.
    pub fn default_queue(mut self) -> Self {
        self.0.DefaultQueue = true.into();
        self
    }

    /// Whether it presents requests in D0 only. One that keeps a request of such a queue has [`QueueConfig::stop`], too.
    pub fn power_managed(mut self, managed: bool) -> Self {
        self.0.PowerManaged = if managed { WdfTrue } else { WdfFalse };
        self
    }

    /// Presents control requests to `H`.
    pub fn control<H: ControlHandler>(mut self) -> Self {
        self.0.EvtIoDeviceControl = Some(evt_io_device_control::<H>);
        self
    }

    /// Presents reads and writes to `H`.
    pub fn read_write<H: ReadWriteHandler>(mut self) -> Self {
        self.0.EvtIoRead = Some(evt_io_read::<H>);
        self.0.EvtIoWrite = Some(evt_io_write::<H>);
        self
    }

    /// Tells `H` when the device leaves D0 while the driver owns a request of the queue.
    pub fn stop<H: StopHandler>(mut self) -> Self {
        self.0.EvtIoStop = Some(evt_io_stop::<H>);
        self
    }

    /// Creates it (`WdfIoQueueCreate`). IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// The framework's status.
    pub fn create(mut self, device: Device<'_>) -> Result<Queue> {
        let mut attributes = init::object_attributes();
        let mut handle = core::ptr::null_mut();
        // SAFETY: the device is alive by the invariant of `Device`; the others are locals.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfIoQueueCreate,
                device.handle(),
                &raw mut self.0,
                &raw mut attributes,
                &raw mut handle
            )
        };
        NtStatus::check(status)?;
        Ok(Queue(handle))
    }
}

impl Queue {
    #[inline]
    pub(super) const fn handle(&self) -> WDFQUEUE {
        self.0
    }
}
