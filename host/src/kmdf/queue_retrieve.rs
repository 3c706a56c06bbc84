//! Taking requests out of a queue: those that a driver asks for rather than being given.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE, STATUS_NO_MORE_ENTRIES,
    STATUS_NOT_FOUND, STATUS_SUCCESS, STATUS_WDF_PAUSED,
};

use super::{
    queue::{Dispatch, Queue},
    request::{Owner, Request},
};
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

services! {
    WdfIoQueueRetrieveNextRequest <= DISPATCH => next;
    WdfIoQueueRetrieveRequestByFileObject <= DISPATCH => by_file;
    WdfIoQueueFindRequest <= DISPATCH => find;
    WdfIoQueueRetrieveFoundRequest <= DISPATCH => found;
    WdfIoQueueReadyNotify <= DISPATCH => ready_notify;
    WdfRequestRequeue <= DISPATCH => requeue;
}

/// Takes the first request that `wanted` picks out of the queue, and writes its handle.
fn retrieve(
    host: &Host,
    queue: &Rc<Queue>,
    out: u64,
    wanted: impl Fn(&Request) -> bool,
) -> Result<(), NtStatus> {
    host.memory.write(out, &0_u64);
    if matches!(queue.dispatch, Dispatch::Parallel(_)) {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if !queue.hands_out() {
        return Err(STATUS_WDF_PAUSED);
    }
    let request = {
        let mut waiting = queue.waiting.borrow_mut();
        let index = waiting.iter().position(|request| wanted(request));
        index.and_then(|index| waiting.remove(index))
    };
    let request = request.ok_or(STATUS_NO_MORE_ENTRIES)?;
    request.owner.set(Owner::Driver(queue.handle));
    request.presented.set(true);
    queue.presented.borrow_mut().push(Rc::clone(&request));
    host.memory.write(out, &request.handle);
    Ok(())
}

/// WdfIoQueueRetrieveNextRequest(Queue, OutRequest)
fn next(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let queue = host.body::<Queue>(call.arg(0));
    check_sequential(host, &queue);
    retrieve(host, &queue, call.arg(1), |_| true)
}

/// WdfIoQueueRetrieveRequestByFileObject(Queue, FileObject, OutRequest)
fn by_file(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let queue = host.body::<Queue>(call.arg(0));
    check_sequential(host, &queue);
    let file = host.body::<super::file::FileObject>(call.arg(1)).handle;
    retrieve(host, &queue, call.arg(2), |request| {
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
    let (tag, file, parameters) = (call.arg(1), call.arg(2), call.arg(3));
    let out = call.arg(4);
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
    host.body::<Request>(tag);
    match retrieve(host, &queue, out, |request| request.handle == tag) {
        Ok(()) => STATUS_SUCCESS,
        Err(STATUS_NO_MORE_ENTRIES) => STATUS_NOT_FOUND,
        Err(status) => status,
    }
}

/// WdfIoQueueReadyNotify(Queue, QueueReady, Context): NULL takes it back.
fn ready_notify(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let queue = host.body::<Queue>(call.arg(0));
    let (callback, context) = (call.arg(1), call.arg(2));
    if queue.dispatch != Dispatch::Manual {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if callback == 0 {
        if queue.dispatching.get() {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        queue.ready.set(None);
        return Ok(());
    }
    if queue.ready.get().is_some() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    queue.ready.set(Some((callback, context)));
    Ok(())
}

/// WdfRequestRequeue(Request): back to the head of the manual queue it came from.
fn requeue(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), "WdfRequestRequeue");
    let Owner::Driver(queue) = request.owner.get() else {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    };
    if queue == 0 {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let queue = host.body::<Queue>(queue);
    if queue.dispatch != Dispatch::Manual {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if request.cancel.get() != 0 {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "a request is requeued while it is cancelable",
        );
    }
    host.requeue(&queue, &request);
    Ok(())
}
