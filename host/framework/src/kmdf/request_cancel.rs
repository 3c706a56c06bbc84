//! Cancellation of requests, and the acknowledgement of a queue's stop.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_CANCELLED, STATUS_SUCCESS};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    queue::Queue,
    request::{Owner, Request, Stop},
    serial::CallbackLock,
};
use crate::{
    host::{Host, services},
    io::Major,
};

impl Host {
    /// `IoCancelIrp` for a request, wherever it is.
    pub(crate) fn cancel_request(&self, request: &Rc<Request>) {
        request.irp.canceled.set(true);
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
            Owner::Driver(0) => {
                let callback = request.cancel.replace(0);
                if callback != 0 {
                    request.canceled.set(true);
                    request.cancel_called.set(true);
                    self.call_cancel(&CallbackLock::None, request, callback);
                }
            }
            Owner::Driver(queue) => {
                if request.cancel.get() != 0 {
                    let queue = self.body::<Queue>(queue);
                    self.cancel_marked(&queue, request);
                }
            }
        }
    }

    /// Cancels a request that the driver lets be canceled: EvtRequestCancel is due.
    pub(super) fn cancel_marked(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        let callback = request.cancel.replace(0);
        queue
            .cancelable
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, request));
        self.cancel_due(queue, request, callback);
    }

    fn cancel_due(&self, queue: &Rc<Queue>, request: &Rc<Request>, callback: u64) {
        request.canceled.set(true);
        request.cancel_called.set(true);
        self.releases(&request.handed);
        let due = (Rc::clone(request), callback);
        queue.canceled.borrow_mut().push_back(due);
        self.dispatch_internal(queue);
    }

    /// Calls EvtRequestCancel, under the lock of the queue's other callbacks.
    pub(super) fn call_cancel(&self, lock: &CallbackLock, request: &Request, callback: u64) {
        self.strand_unless_locked(|| {
            self.acquires(&request.handed);
            lock.clone().hold(self, || {
                request.cancel_begun.set(true);
                request.left_to_cancel.set(false);
                let handle = request.handle;
                self.call_driver("EvtRequestCancel", handle, callback, &[handle]);
            });
        });
    }

    /// Ends a request that was canceled while it waited: EvtIoCanceledOnQueue is due where the driver
    /// has seen the request before, else the framework does it itself.
    pub(super) fn canceled_on_queue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        request.canceled.set(true);
        request.cancel_called.set(false);
        if queue.config.EvtIoCanceledOnQueue.0 == 0 || !request.presented.get() {
            self.complete_request(request, STATUS_CANCELLED, 0);
        } else {
            queue.give(request);
            let due = Rc::clone(request);
            queue.canceled_waiting.borrow_mut().push_back(due);
        }
        self.dispatch_internal(queue);
    }
}

services! {
    WdfRequestMarkCancelable <= DISPATCH => mark_cancelable;
    WdfRequestMarkCancelableEx <= DISPATCH => mark_cancelable_ex;
    WdfRequestUnmarkCancelable <= DISPATCH => unmark_cancelable;
    WdfRequestIsCanceled <= DISPATCH => is_canceled;
    WdfRequestStopAcknowledge <= DISPATCH => stop_acknowledge;
}

/// WdfRequestMarkCancelable(Request, EvtRequestCancel): a callback is due at once when the request
/// has been canceled already.
fn mark_cancelable(host: &Host, call: &Call) {
    let (handle, callback) = (call.arg(0), call.arg(1));
    let what = "WdfRequestMarkCancelable";
    if mark(host, what, handle, callback) == STATUS_SUCCESS {
        return;
    }
    let request = host.body::<Request>(handle);
    match request.owner.get() {
        Owner::Driver(queue) if queue != 0 => {
            host.cancel_due(&host.body::<Queue>(queue), &request, callback);
        }
        _ => {
            request.canceled.set(true);
            request.cancel_called.set(true);
            host.call_cancel(&CallbackLock::None, &request, callback);
        }
    }
}

/// WdfRequestMarkCancelableEx(Request, EvtRequestCancel)
fn mark_cancelable_ex(host: &Host, call: &Call) -> NtStatus {
    mark(host, "WdfRequestMarkCancelableEx", call.arg(0), call.arg(1))
}

fn mark(host: &Host, what: &str, handle: u64, callback: u64) -> NtStatus {
    let request = host.driver_request(handle, what);
    if callback == 0 {
        host.invalid_operation(format!("{what} is called without EvtRequestCancel"));
    }
    let queue = queue_of(host, &request, what);
    if request.is_marked() {
        host.violation(
            &rules::MARK_CANC_ON_CANC_REQ,
            "a cancelable request is marked cancelable again",
        );
    }
    let purged = queue.as_ref().is_some_and(|queue| queue.canceling.get());
    if purged || request.irp.canceled.get() {
        return STATUS_CANCELLED;
    }
    host.releases(&request.handed);
    request.cancel.set(callback);
    if let Some(queue) = queue {
        queue.cancelable.borrow_mut().push(request);
    }
    STATUS_SUCCESS
}

/// The queue that a request came from; none for a create request of EvtDeviceFileCreate, whose queue
/// is the framework's own.
fn queue_of(host: &Host, request: &Request, what: &str) -> Option<Rc<Queue>> {
    match request.owner.get() {
        Owner::Driver(queue) if queue != 0 => Some(host.body::<Queue>(queue)),
        _ if request.irp.major == Major::Create && !request.made_by_driver => None,
        _ => host.invalid_operation(format!(
            "{what} is called for a request that came from no queue"
        )),
    }
}

/// WdfRequestUnmarkCancelable(Request)
fn unmark_cancelable(host: &Host, call: &Call) -> NtStatus {
    let what = "WdfRequestUnmarkCancelable";
    let request = host.driver_request(call.arg(0), what);
    let queue = queue_of(host, &request, what);
    if request.cancel.replace(0) != 0 {
        if let Some(queue) = queue {
            let mut cancelable = queue.cancelable.borrow_mut();
            cancelable.retain(|other| !Rc::ptr_eq(other, &request));
        }
        return STATUS_SUCCESS;
    }
    if !request.cancel_called.get() {
        host.violation(
            &rules::UNMARK_NOT_CANCELABLE,
            "WdfRequestUnmarkCancelable is called for a request that is not cancelable",
        );
    }
    if !request.cancel_begun.get() {
        request.left_to_cancel.set(true);
    }
    STATUS_CANCELLED
}

/// WdfRequestIsCanceled(Request)
fn is_canceled(host: &Host, call: &Call) -> bool {
    let request = host.driver_request(call.arg(0), "WdfRequestIsCanceled");
    if request.is_marked() {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "WdfRequestIsCanceled is called for a cancelable request",
        );
    }
    request.irp.canceled.get() || request.canceled.get()
}

/// WdfRequestStopAcknowledge(Request, Requeue): what it says is done when EvtIoStop has been called
/// for all requests of the queue.
fn stop_acknowledge(host: &Host, call: &Call) {
    // One that was sent can be acknowledged all the same.
    let sent = host.body::<Request>(call.arg(0));
    let requeue = call.flag(1);
    let request = match sent.owner.get() {
        Owner::Target(_) if sent.stopping.get() && !requeue => sent,
        _ => host.driver_request(call.arg(0), "WdfRequestStopAcknowledge"),
    };
    if !request.stopping.get() {
        host.violation(
            &rules::STOP_ACK_WITHIN_EVT_IO_STOP,
            "WdfRequestStopAcknowledge is called outside of EvtIoStop for that request",
        );
    }
    if requeue && request.is_marked() {
        host.violation(
            &rules::EVT_IO_STOP_CANCEL,
            "a cancelable request is requeued from EvtIoStop",
        );
    }
    host.hands_over(&request);
    request
        .stop
        .set(if requeue { Stop::GivenBack } else { Stop::Kept });
}
