//! Requests: buffers, cancellation, and completion exactly once.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_CANCELLED, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};

use super::{object::Body, queue::Queue};
use crate::{
    cpu::stub::Call,
    event::Event,
    host::Host,
    io::{Irp, Major, Outcome},
    memory::Purpose,
    service::services,
};

/// Who has a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It waits in the queue with that handle.
    Queue(u64),
    /// The driver, which got it from the queue with that handle.
    Driver(u64),
    /// Nobody any more.
    Completed,
}

/// WDFREQUEST
pub(crate) struct Request {
    pub(crate) handle: u64,
    pub(crate) irp: Rc<Irp>,
    pub(crate) owner: Cell<Owner>,
    /// EvtRequestCancel while the request is cancelable, else 0.
    pub(crate) cancel: Cell<u64>,
    /// Whether EvtRequestCancel was called or is about to be.
    cancel_called: Cell<bool>,
    /// Whether the driver has acknowledged the stop of its queue for this request.
    pub(crate) stop_acknowledged: Cell<bool>,
    /// Whether EvtIoStop runs for it.
    pub(crate) stopping: Cell<bool>,
    information: Cell<u64>,
    buffer: RefCell<Option<u64>>,
}

impl Body for Request {
    const KIND: &'static str = "WDFREQUEST";
}

impl Request {
    /// Whether it has been completed.
    pub(crate) fn is_completed(&self) -> bool {
        self.owner.get() == Owner::Completed
    }
}

impl Host {
    /// Makes the request of an IRP.
    pub(crate) fn create_request(&self, device: u64, irp: &Rc<Irp>) -> Rc<Request> {
        let parent = self.object(device);
        let attributes = super::object::Attributes::default();
        let (_, request) = self.create_object(Some(&parent), &attributes, |handle| Request {
            handle,
            irp: Rc::clone(irp),
            owner: Cell::new(Owner::Queue(0)),
            cancel: Cell::new(0),
            cancel_called: Cell::new(false),
            stop_acknowledged: Cell::new(false),
            stopping: Cell::new(false),
            information: Cell::new(0),
            buffer: RefCell::new(None),
        });
        *irp.request.borrow_mut() = Rc::downgrade(&request);
        self.events.count(|counts| counts.requests += 1);
        request
    }

    /// The request with that handle, which the driver must own.
    pub(crate) fn driver_request(&self, handle: u64, what: &str) -> Rc<Request> {
        if self.framework.objects.was(handle, Request::KIND) {
            let completing = what.starts_with("WdfRequestComplete");
            let rule = if completing {
                "DoubleCompletion"
            } else {
                "RequestCompleted"
            };
            self.violation(
                rule,
                format!("{what} is called for a request that was completed"),
            );
        }
        let request = self.body::<Request>(handle);
        if let Owner::Queue(_) = request.owner.get() {
            self.violation(
                "InvalidReqAccess",
                format!("{what} is called for a request that waits in a queue"),
            );
        }
        request
    }

    /// Completes a request, whoever has it.
    pub(crate) fn complete_request(
        &self,
        request: &Rc<Request>,
        status: NtStatus,
        information: u64,
    ) {
        let owner = request.owner.replace(Owner::Completed);
        let irp = &request.irp;
        let buffer = request.buffer.borrow_mut().take();
        let output = match buffer {
            Some(address) if !status.is_error() && irp.major != Major::Write => {
                let bytes = (information as usize).min(irp.output_length);
                self.memory.read_bytes(address, bytes)
            }
            _ => Vec::new(),
        };
        if let Some(address) = buffer
            && let Err(text) = self.memory.free(address)
        {
            self.violation("BufferOverrun", text);
        }
        self.record(Event::Complete {
            request: request.handle,
            status: status.0,
            information,
        });
        let object = self.object(request.handle);
        self.delete_object(&object);
        irp.finish(Outcome {
            status,
            information,
            output,
        });
        if let Owner::Driver(queue) = owner {
            let queue = self.body::<Queue>(queue);
            queue.forget(request);
            self.present_requests(&queue);
        }
    }

    /// `IoCancelIrp` for a request, wherever it is.
    pub(crate) fn cancel_request(&self, request: &Rc<Request>) {
        request.irp.cancelled.set(true);
        match request.owner.get() {
            Owner::Completed => {}
            Owner::Queue(queue) => {
                if self.body::<Queue>(queue).take_waiting(request) {
                    self.complete_request(request, STATUS_CANCELLED, 0);
                }
            }
            Owner::Driver(_) => {
                let callback = request.cancel.replace(0);
                if callback != 0 {
                    request.cancel_called.set(true);
                    let handle = request.handle;
                    self.call_driver("EvtRequestCancel", handle, callback, &[handle]);
                }
            }
        }
    }

    /// The system buffer of a request, made when it is first asked for: the input, and room for
    /// the output that holds whatever pool held before.
    fn system_buffer(&self, request: &Request) -> u64 {
        let irp = &request.irp;
        *request.buffer.borrow_mut().get_or_insert_with(|| {
            let bytes = irp.input.len().max(irp.output_length) as u64;
            let purpose = Purpose::Buffer {
                request: format!("WDFREQUEST {:#x}", request.handle),
            };
            let address = self
                .memory
                .allocate(bytes, false, purpose)
                .expect("a run has address space for its buffers");
            self.memory.write_bytes(address, &irp.input);
            address
        })
    }
}

services! {
    WdfRequestComplete <= DISPATCH => complete;
    WdfRequestCompleteWithInformation <= DISPATCH => complete_with_information;
    WdfRequestSetInformation <= DISPATCH => set_information;
    WdfRequestRetrieveInputBuffer <= DISPATCH => input_buffer;
    WdfRequestRetrieveOutputBuffer <= DISPATCH => output_buffer;
    WdfRequestMarkCancelable <= DISPATCH => mark_cancelable;
    WdfRequestMarkCancelableEx <= DISPATCH => mark_cancelable_ex;
    WdfRequestUnmarkCancelable <= DISPATCH => unmark_cancelable;
    WdfRequestIsCanceled <= DISPATCH => is_canceled;
    WdfRequestStopAcknowledge <= DISPATCH => stop_acknowledge;
    WdfRequestGetIoQueue <= DISPATCH => io_queue;
}

/// WdfRequestComplete(Request, Status)
fn complete(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestComplete");
    let information = request.information.get();
    finish(
        host,
        &request,
        NtStatus(call.arg32(1).cast_signed()),
        information,
    );
}

/// WdfRequestCompleteWithInformation(Request, Status, Information)
fn complete_with_information(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestCompleteWithInformation");
    finish(
        host,
        &request,
        NtStatus(call.arg32(1).cast_signed()),
        call.arg(2),
    );
}

fn finish(host: &Host, request: &Rc<Request>, status: NtStatus, information: u64) {
    if request.cancel.get() != 0 {
        host.violation(
            "ReqNotCanceled",
            "a request is completed while it is cancelable: WdfRequestUnmarkCancelable comes first",
        );
    }
    let irp = &request.irp;
    let limit = match irp.major {
        Major::Write => irp.input.len(),
        Major::Read | Major::DeviceControl => irp.output_length,
    };
    if status.is_success() && information > limit as u64 {
        host.violation(
            "InformationTooLarge",
            format!("a request is completed with {information} bytes; its buffer has {limit}"),
        );
    }
    if request.stopping.get() {
        request.stop_acknowledged.set(true);
    }
    host.complete_request(request, status, information);
}

fn set_information(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestSetInformation");
    request.information.set(call.arg(1));
}

/// WdfRequestRetrieveInputBuffer(Request, MinimumRequiredLength, Buffer, Length)
fn input_buffer(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), "WdfRequestRetrieveInputBuffer");
    if request.irp.major == Major::Read {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    retrieve(host, call, &request, request.irp.input.len())
}

/// WdfRequestRetrieveOutputBuffer(Request, MinimumRequiredSize, Buffer, Length)
fn output_buffer(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), "WdfRequestRetrieveOutputBuffer");
    if request.irp.major == Major::Write {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    retrieve(host, call, &request, request.irp.output_length)
}

fn retrieve(host: &Host, call: &Call, request: &Request, bytes: usize) -> Result<(), NtStatus> {
    let bytes = bytes as u64;
    if bytes == 0 || bytes < call.arg(1) {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    host.memory.write(call.arg(2), &host.system_buffer(request));
    if call.arg(3) != 0 {
        host.memory.write(call.arg(3), &bytes);
    }
    Ok(())
}

/// WdfRequestMarkCancelable(Request, EvtRequestCancel): calls the callback at once when the request
/// has been cancelled already.
fn mark_cancelable(host: &Host, call: &Call) {
    let (request, callback) = (call.arg(0), call.arg(1));
    if mark(host, "WdfRequestMarkCancelable", request, callback) == STATUS_CANCELLED {
        host.body::<Request>(request).cancel_called.set(true);
        host.call_driver("EvtRequestCancel", request, callback, &[request]);
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
            "MarkCancOnCancReq",
            "a cancelable request is marked cancelable again",
        );
    }
    if request.irp.cancelled.get() {
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
        STATUS_CANCELLED
    } else {
        STATUS_INVALID_PARAMETER
    }
}

fn is_canceled(host: &Host, call: &Call) -> bool {
    let request = host.driver_request(call.arg(0), "WdfRequestIsCanceled");
    request.irp.cancelled.get()
}

/// WdfRequestStopAcknowledge(Request, Requeue)
fn stop_acknowledge(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestStopAcknowledge");
    if !request.stopping.get() {
        host.violation(
            "StopAckWithinEvtIoStop",
            "WdfRequestStopAcknowledge is called outside of EvtIoStop for that request",
        );
    }
    let requeue = call.flag(1);
    let Owner::Driver(queue) = request.owner.get() else {
        return;
    };
    if requeue {
        if request.cancel.get() != 0 {
            host.violation(
                "EvtIoStopCancel",
                "a cancelable request is requeued from EvtIoStop",
            );
        }
        let queue = host.body::<Queue>(queue);
        host.requeue(&queue, &request);
    } else {
        request.stop_acknowledged.set(true);
    }
}

fn io_queue(host: &Host, call: &Call) -> u64 {
    let request = host.driver_request(call.arg(0), "WdfRequestGetIoQueue");
    match request.owner.get() {
        Owner::Driver(queue) | Owner::Queue(queue) => queue,
        Owner::Completed => 0,
    }
}
