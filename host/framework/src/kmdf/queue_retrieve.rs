//! Taking requests out of a queue: those that a driver asks for rather than being given.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER_4, STATUS_NO_MORE_ENTRIES,
    STATUS_NOT_FOUND, STATUS_SUCCESS, STATUS_WDF_PAUSED,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    queue::{Dispatch, Queue},
    queue_power::Power,
    queue_present::is_of_length_zero,
    request::{Owner, Request},
};
use crate::host::{Host, services};

services! {
    WdfIoQueueRetrieveNextRequest <= DISPATCH => next;
    WdfIoQueueRetrieveRequestByFileObject <= DISPATCH => by_file;
    WdfIoQueueFindRequest <= DISPATCH => find;
    WdfIoQueueRetrieveFoundRequest <= DISPATCH => found;
    WdfIoQueueReadyNotify <= DISPATCH => ready_notify;
    WdfRequestRequeue <= DISPATCH => requeue;
}

/// Takes the first request that `wanted` picks out of the queue, and writes its handle. What reads or
/// writes nothing is completed on the way, as where requests are presented.
fn retrieve(
    host: &Host,
    queue: &Rc<Queue>,
    out: u64,
    what: &'static str,
    wanted: impl Fn(&Request) -> bool,
) -> Result<(), NtStatus> {
    host.memory.write(out, &0_u64);
    if matches!(queue.dispatch, Dispatch::Parallel(_)) {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if queue.power.get() == Power::Off || !queue.dispatching.get() {
        return Err(STATUS_WDF_PAUSED);
    }
    loop {
        let request = {
            let mut waiting = queue.waiting.borrow_mut();
            let index = waiting.iter().position(|request| wanted(request));
            index.and_then(|index| waiting.remove(index))
        };
        let request = request.ok_or(STATUS_NO_MORE_ENTRIES)?;
        if queue.config.AllowZeroLengthRequests == 0 && is_of_length_zero(&request.irp) {
            host.complete_request(&request, STATUS_SUCCESS, 0);
            continue;
        }
        request.presented.set(true);
        request.found.set(false);
        request.given.set(Some((what, host.now())));
        queue.give(&request);
        host.acquires(&request.handed);
        host.memory.write(out, &request.handle);
        return Ok(());
    }
}

/// WdfIoQueueRetrieveNextRequest(Queue, OutRequest)
fn next(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let queue = host.body::<Queue>(call.arg(0));
    check_sequential(host, &queue);
    let what = "WdfIoQueueRetrieveNextRequest";
    if host.checks_all()
        && queue
            .waiting
            .borrow()
            .iter()
            .any(|request| request.found.get())
    {
        host.violation(
            &rules::RETRIEVE_NEXT_REQUEST,
            "the next request is retrieved, while the driver has one that WdfIoQueueFindRequest has found: \
             it may be the same",
        );
    }
    retrieve(host, &queue, call.arg(1), what, |_| true)
}

/// WdfIoQueueRetrieveRequestByFileObject(Queue, FileObject, OutRequest)
fn by_file(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let queue = host.body::<Queue>(call.arg(0));
    check_sequential(host, &queue);
    let file = host.body::<super::file::FileObject>(call.arg(1)).handle;
    let what = "WdfIoQueueRetrieveRequestByFileObject";
    retrieve(host, &queue, call.arg(2), what, |request| {
        request.irp.file_object() == file
    })
}

fn check_sequential(host: &Host, queue: &Queue) {
    if queue.dispatch == Dispatch::Sequential && queue.presented.borrow().is_empty() {
        host.violation(
            &rules::RETRIEVE_NEXT_REQUEST,
            "a request is retrieved from a sequential queue of which the driver has none: the \
             framework may present one at the same time",
        );
    }
}

/// WdfIoQueueFindRequest(Queue, FoundRequest, FileObject, Parameters, OutRequest): the request
/// stays in the queue; the driver gets a reference of it.
fn find(host: &Host, call: &Call) -> NtStatus {
    let queue = host.body::<Queue>(call.arg(0));
    let status = find_in(host, call, &queue);
    queue.found_none.set(!status.is_success());
    status
}

fn find_in(host: &Host, call: &Call, queue: &Queue) -> NtStatus {
    let (tag, file, parameters) = (call.arg(1), call.arg(2), call.arg(3));
    let out = call.arg(4);
    if tag != 0 {
        host.body::<Request>(tag);
    }
    if parameters != 0 && !host.takes_parameters(parameters) {
        return STATUS_INVALID_PARAMETER_4;
    }
    if queue.dispatch != Dispatch::Manual {
        host.invalid_operation("WdfIoQueueFindRequest is called for a queue that is not manual");
    }
    host.memory.write(out, &0_u64);
    let waiting: Vec<_> = queue.waiting.borrow().iter().cloned().collect();
    let start = match tag {
        0 => 0,
        tag => match waiting.iter().position(|request| request.handle == tag) {
            Some(index) => index + 1,
            None => return STATUS_NOT_FOUND,
        },
    };
    let request = waiting[start..]
        .iter()
        .find(|request| file == 0 || request.irp.file_object() == file);
    let Some(request) = request else {
        return STATUS_NO_MORE_ENTRIES;
    };
    if parameters != 0 {
        host.write_parameters(&request.irp, parameters);
    }
    let object = host.object(request.handle);
    object.references.set(object.references.get() + 1);
    request.found.set(true);
    host.memory.write(out, &request.handle);
    STATUS_SUCCESS
}

/// WdfIoQueueRetrieveFoundRequest(Queue, FoundRequest, OutRequest)
fn found(host: &Host, call: &Call) -> NtStatus {
    let queue = host.body::<Queue>(call.arg(0));
    let (tag, out) = (call.arg(1), call.arg(2));
    if queue.dispatch != Dispatch::Manual {
        host.violation(
            &rules::RETRIEVE_FOUND_REQUEST,
            "WdfIoQueueRetrieveFoundRequest is called for a queue that is not manual",
        );
    }
    if tag == 0 && queue.found_none.get() {
        host.violation(
            &rules::FIND_REQUEST_FAILED,
            "WdfIoQueueRetrieveFoundRequest is called, and WdfIoQueueFindRequest has found no request",
        );
    }
    host.body::<Request>(tag);
    let what = "WdfIoQueueRetrieveFoundRequest";
    match retrieve(host, &queue, out, what, |request| request.handle == tag) {
        Ok(()) => STATUS_SUCCESS,
        Err(STATUS_NO_MORE_ENTRIES) => STATUS_NOT_FOUND,
        Err(status) => status,
    }
}

/// WdfIoQueueReadyNotify(Queue, QueueReady, Context): NULL takes it back. What waits already is
/// notified at once.
fn ready_notify(host: &Host, call: &Call) -> NtStatus {
    let queue = host.body::<Queue>(call.arg(0));
    let (callback, context) = (call.arg(1), call.arg(2));
    if queue.dispatch != Dispatch::Manual {
        host.invalid_operation("WdfIoQueueReadyNotify is called for a queue that is not manual");
    }
    if callback == 0 {
        if queue.ready.get().is_none() {
            host.invalid_operation("EvtIoQueueReady is withdrawn from a queue that has none");
        }
        if queue.dispatching.get() {
            host.invalid_operation("EvtIoQueueReady is withdrawn from a queue that is not stopped");
        }
        queue.ready.set(None);
    } else {
        if queue.ready.get().is_some() {
            host.invalid_operation("a queue is given a second EvtIoQueueReady");
        }
        queue.ready.set(Some((callback, context)));
    }
    host.dispatch_events(&queue);
    STATUS_SUCCESS
}

/// WdfRequestRequeue(Request): back to the head of the manual queue it came from.
fn requeue(host: &Host, call: &Call) -> NtStatus {
    let request = host.driver_request(call.arg(0), "WdfRequestRequeue");
    let queue = match request.owner.get() {
        Owner::Driver(queue) if queue != 0 => host.body::<Queue>(queue),
        _ => host.invalid_operation("a request is requeued that came from no queue"),
    };
    if request.is_marked() {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "a request is requeued while it is cancelable",
        );
    }
    if queue.dispatch != Dispatch::Manual {
        host.invalid_operation("a request is requeued to a queue that is not manual");
    }
    host.requeue(&queue, &request);
    host.dispatch_events(&queue);
    STATUS_SUCCESS
}
