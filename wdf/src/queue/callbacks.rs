//! What the framework calls for a queue.

use wdk_sys::{
    _WDF_REQUEST_STOP_ACTION_FLAGS::WdfRequestStopActionPurge, ULONG, WDFOBJECT, WDFQUEUE,
    WDFREQUEST, call_unsafe_wdf_function_binding,
};

use super::{
    Control, ControlHandler, QueueCancelHandler, ReadWrite, ReadWriteHandler, Stop, StopAction,
    StopHandler,
};
use crate::{Context, Request, RequestId, context};

/// `WdfIoQueueGetDevice`
///
/// # Safety
/// The queue is alive.
#[inline]
pub(crate) unsafe fn device_of(queue: WDFQUEUE) -> WDFOBJECT {
    // SAFETY: the queue is alive by this function's contract.
    let device = unsafe { call_unsafe_wdf_function_binding!(WdfIoQueueGetDevice, queue) };
    device.cast()
}

/// The context of the device that a queue is of.
///
/// # Safety
/// The framework calls a callback of the queue, and the result is not used after it.
unsafe fn context_of<'a, C: Context>(queue: WDFQUEUE) -> Option<&'a C> {
    // SAFETY: the queue is alive during its callback.
    let device = unsafe { device_of(queue) };
    // SAFETY: the device outlives its queues. A `C` that is there is initialized: `Device::attach` writes it in the
    // call that makes room for it.
    unsafe { context::of(device) }
}

/// `EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
pub unsafe extern "C" fn evt_io_device_control<H: ControlHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    output_bytes: usize,
    input_bytes: usize,
    code: ULONG,
) {
    // SAFETY: the framework presents the request now, and it is neither completed nor cancelable.
    let request = unsafe { Request::new(request) };
    // SAFETY: this is a callback of the queue.
    if let Some(device) = unsafe { context_of::<H::Device>(queue) } {
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
pub unsafe extern "C" fn evt_io_read<H: ReadWriteHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    length_bytes: usize,
) {
    // SAFETY: the framework presents the request from this queue now.
    unsafe { read_write::<H>(queue, request, ReadWrite::Read, length_bytes) };
}

/// `EVT_WDF_IO_QUEUE_IO_WRITE`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
pub unsafe extern "C" fn evt_io_write<H: ReadWriteHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    length_bytes: usize,
) {
    // SAFETY: the framework presents the request from this queue now.
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
    // SAFETY: this is called in a callback of the queue.
    if let Some(device) = unsafe { context_of::<H::Device>(queue) } {
        H::on_read_write(device, request, kind, length_bytes);
    }
}

/// `EVT_WDF_IO_QUEUE_IO_STOP`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, for a queue made here.
pub unsafe extern "C" fn evt_io_stop<H: StopHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
    action_flags: ULONG,
) {
    // SAFETY: this is a callback of the queue.
    if let Some(device) = unsafe { context_of::<H::Device>(queue) } {
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
pub unsafe extern "C" fn evt_io_canceled_on_queue<H: QueueCancelHandler>(
    queue: WDFQUEUE,
    request: WDFREQUEST,
) {
    // SAFETY: the framework gives the request to the driver, neither completed nor cancelable.
    let request = unsafe { Request::new(request) };
    // SAFETY: this is a callback of the queue.
    if let Some(device) = unsafe { context_of::<H::Device>(queue) } {
        H::on_canceled(device, request);
    }
}
