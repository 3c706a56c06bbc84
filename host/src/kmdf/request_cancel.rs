//! Cancellation of requests, and the acknowledgement of a queue's stop.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_CANCELLED, STATUS_INVALID_PARAMETER, STATUS_SUCCESS};

use super::{
    queue::Queue,
    request::{Owner, Request},
    serial::CallbackLock,
};
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

impl Host {
    /// `IoCancelIrp` for a request, wherever it is.
    pub(crate) fn cancel_request(&self, request: &Rc<Request>) {
        request.irp.cancelled.set(true);
        match request.owner.get() {
            Owner::Completed => {}
            Owner::Target(_) => {
                self.cancel_below(request, STATUS_CANCELLED);
            }
            Owner::Queue(queue) => {
                let queue = self.body::<Queue>(queue);
                if queue.take_waiting(request) {
                    self.canceled_on_queue(&queue, request);
                }
            }
            Owner::Driver(queue) => {
                let callback = request.cancel.replace(0);
                if callback != 0 {
                    request.cancel_called.set(true);
                    self.call_cancel(queue, request, callback);
                }
            }
        }
    }

    /// Calls EvtRequestCancel, under the lock of the queue's other callbacks.
    fn call_cancel(&self, queue: u64, request: &Request, callback: u64) {
        let lock = match queue {
            0 => CallbackLock::None,
            queue => self.body::<Queue>(queue).lock.clone(),
        };
        lock.hold(self, || {
            request.cancel_begun.set(true);
            request.left_to_cancel.set(false);
            let handle = request.handle;
            self.call_driver("EvtRequestCancel", handle, callback, &[handle]);
        });
    }

    /// Ends a request that was canceled while it waited: EvtIoCanceledOnQueue where the driver has
    /// seen the request before, else the framework itself.
    pub(crate) fn canceled_on_queue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        let callback = queue.config.EvtIoCanceledOnQueue.0;
        if callback == 0 || !request.presented.get() {
            self.complete_request(request, STATUS_CANCELLED, 0);
            self.queue_changed(queue);
            return;
        }
        request.owner.set(Owner::Driver(queue.handle));
        queue.presented.borrow_mut().push(Rc::clone(request));
        let arguments = [queue.handle, request.handle];
        queue.lock.clone().hold(self, || {
            self.call_driver("EvtIoCanceledOnQueue", request.handle, callback, &arguments);
        });
    }
}

services! {
    WdfRequestMarkCancelable <= DISPATCH => mark_cancelable;
    WdfRequestMarkCancelableEx <= DISPATCH => mark_cancelable_ex;
    WdfRequestUnmarkCancelable <= DISPATCH => unmark_cancelable;
    WdfRequestIsCanceled <= DISPATCH => is_canceled;
    WdfRequestStopAcknowledge <= DISPATCH => stop_acknowledge;
}

/// WdfRequestMarkCancelable(Request, EvtRequestCancel): calls the callback at once when the request
/// has been cancelled already.
fn mark_cancelable(host: &Host, call: &Call) {
    let (request, callback) = (call.arg(0), call.arg(1));
    if mark(host, "WdfRequestMarkCancelable", request, callback) == STATUS_CANCELLED {
        let body = host.body::<Request>(request);
        body.cancel_called.set(true);
        if let Owner::Driver(queue) = body.owner.get() {
            host.call_cancel(queue, &body, callback);
        }
    }
}

/// WdfRequestMarkCancelableEx(Request, EvtRequestCancel)
fn mark_cancelable_ex(host: &Host, call: &Call) -> NtStatus {
    mark(host, "WdfRequestMarkCancelableEx", call.arg(0), call.arg(1))
}

fn mark(host: &Host, what: &str, handle: u64, callback: u64) -> NtStatus {
    let request = host.driver_request(handle, what);
    if request.cancel.get() != 0 {
        host.violation(
            &rules::MARK_CANC_ON_CANC_REQ,
            "a cancelable request is marked cancelable again",
        );
    }
    if callback == 0 {
        return STATUS_INVALID_PARAMETER;
    }
    let purged = match request.owner.get() {
        Owner::Driver(queue) if queue != 0 => host.body::<Queue>(queue).canceling.get(),
        _ => false,
    };
    if purged || request.irp.cancelled.get() {
        return STATUS_CANCELLED;
    }
    request.cancel.set(callback);
    STATUS_SUCCESS
}

/// WdfRequestUnmarkCancelable(Request)
fn unmark_cancelable(host: &Host, call: &Call) -> NtStatus {
    let request = host.driver_request(call.arg(0), "WdfRequestUnmarkCancelable");
    if request.cancel.replace(0) != 0 {
        STATUS_SUCCESS
    } else if request.cancel_called.get() {
        if !request.cancel_begun.get() {
            request.left_to_cancel.set(true);
        }
        STATUS_CANCELLED
    } else {
        STATUS_INVALID_PARAMETER
    }
}

fn is_canceled(host: &Host, call: &Call) -> bool {
    let request = host.driver_request(call.arg(0), "WdfRequestIsCanceled");
    if request.cancel.get() != 0 {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "WdfRequestIsCanceled is called for a cancelable request",
        );
    }
    request.irp.cancelled.get()
}

/// WdfRequestStopAcknowledge(Request, Requeue)
fn stop_acknowledge(host: &Host, call: &Call) {
    // One that was sent can be acknowledged all the same.
    let sent = host.body::<Request>(call.arg(0));
    let request = match sent.owner.get() {
        Owner::Target(_) if sent.stopping.get() && !call.flag(1) => sent,
        _ => host.driver_request(call.arg(0), "WdfRequestStopAcknowledge"),
    };
    if !request.stopping.get() {
        host.violation(
            &rules::STOP_ACK_WITHIN_EVT_IO_STOP,
            "WdfRequestStopAcknowledge is called outside of EvtIoStop for that request",
        );
    }
    if !call.flag(1) {
        request.stop_acknowledged.set(true);
        return;
    }
    let Owner::Driver(queue) = request.owner.get() else {
        return;
    };
    if request.cancel.get() != 0 {
        host.violation(
            &rules::EVT_IO_STOP_CANCEL,
            "a cancelable request is requeued from EvtIoStop",
        );
    }
    let queue = host.body::<Queue>(queue);
    host.requeue(&queue, &request);
}
