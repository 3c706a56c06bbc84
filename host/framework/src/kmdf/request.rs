//! Requests: who owns them, and completion exactly once.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_DEVICE_BUSY, STATUS_INSUFFICIENT_RESOURCES, STATUS_INTERNAL_ERROR,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, STATUS_WDF_BUSY, STATUS_WDF_INTERNAL_ERROR,
    STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS, STATUS_WDF_PAUSED,
};
use kmdf_machine::{Alarm, Edge, Event, VirtualTime, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    attributes::Attributes,
    buffer::Buffers,
    device::Device,
    object::{Body, Object},
    queue::Queue,
    target::{below::Below, format::Format},
};
use crate::{
    host::{Host, services},
    io::{Irp, Major, Outcome},
};

/// Who has a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It waits in the queue with that handle.
    Queue(u64),
    /// The driver, which got it from the queue with that handle; 0 for none.
    Driver(u64),
    /// It was sent to an I/O target, by the driver, which got it from the queue with that handle.
    Target(u64),
    /// Nobody any more.
    Completed,
}

/// What the driver has said of a request when its queue stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It was not asked.
    None,
    /// Nothing yet.
    Asked,
    /// It keeps the request.
    Kept,
    /// It gives the request back to its queue.
    GivenBack,
}

/// WDFREQUEST
pub(crate) struct Request {
    pub(crate) handle: u64,
    /// The device whose queues have it: the parent of its own, once it was forwarded there.
    pub(crate) device: Cell<u64>,
    pub(crate) irp: Rc<Irp>,
    pub(crate) owner: Cell<Owner>,
    /// What was done with it comes before what whoever gets it next does.
    pub(super) handed: Edge,
    /// EvtRequestCancel while the request is cancelable, else 0.
    pub(crate) cancel: Cell<u64>,
    /// Whether EvtRequestCancel was called or is about to be.
    pub(super) cancel_called: Cell<bool>,
    /// Whether EvtRequestCancel has begun.
    pub(super) cancel_begun: Cell<bool>,
    /// Whether WdfRequestUnmarkCancelable has left it to EvtRequestCancel, which has not begun.
    pub(super) left_to_cancel: Cell<bool>,
    /// Whether the driver has had it: it wants to hear of its cancellation then.
    pub(super) presented: Cell<bool>,
    /// Whether the framework has canceled it, be its IRP canceled or not.
    pub(super) canceled: Cell<bool>,
    /// What the driver has said when its queue stopped.
    pub(super) stop: Cell<Stop>,
    /// EvtRequestCompletion and its context, for when it is sent.
    pub(super) completion: Cell<(u64, u64)>,
    /// How sending it ended.
    pub(super) sent: Cell<NtStatus>,
    /// Whether that has a meaning: it was sent, or could not be.
    pub(super) has_status: Cell<bool>,
    /// How the driver got it, and when.
    pub(crate) given: Cell<Option<(&'static str, VirtualTime)>>,
    /// Whether WdfIoQueueFindRequest has found it, and the driver has neither retrieved it nor given its
    /// reference back.
    pub(super) found: Cell<bool>,
    /// Whether it is not an app's: WdfRequestCreate made it.
    pub(crate) made_by_driver: bool,
    /// Whether it has an IRP: an app's, or one that the framework has allocated for a target.
    pub(super) has_irp: Cell<bool>,
    /// Whether the framework keeps completion parameters of it: it was formatted for a target once.
    pub(super) has_context: Cell<bool>,
    /// What it asks for when it is sent.
    pub(super) format: RefCell<Option<Format>>,
    /// Whether it is sent as it came.
    pub(super) formatted_as_is: Cell<bool>,
    /// The target that it was last sent to.
    pub(super) target: Cell<u64>,
    /// Its stay with the driver below, while that has it.
    pub(super) below: RefCell<Option<Below>>,
    /// How it ends if whoever has it lets it be canceled.
    pub(super) given_up: Cell<Option<NtStatus>>,
    /// When its sender gives up waiting.
    pub(super) limit: Cell<Option<Alarm>>,
    /// Whether EvtIoInCallerContext has it, in the app's thread.
    pub(super) in_caller_context: Cell<bool>,
    /// Whether EvtIoStop runs for it.
    pub(crate) stopping: Cell<bool>,
    /// Whether EvtDeviceWdmIrpPreprocess has its IRP, and the framework has not.
    pub(super) preprocessing: Cell<bool>,
    /// Whether EvtDeviceWdmIrpDispatch has its IRP, and nobody has had it since.
    pub(super) choosing: Cell<bool>,
    /// The queue that EvtIoInCallerContext hands it to, where the driver has chosen one.
    pub(super) chosen: RefCell<Option<Rc<Queue>>>,
    /// The address of its IRP, once the driver has asked for it, or 0.
    pub(super) wdm: Cell<u64>,
    /// Whether that goes with the request, though it is the driver's own.
    pub(super) frees_wdm: Cell<bool>,
    pub(super) information: Cell<u64>,
    pub(super) buffers: RefCell<Buffers>,
}

impl Body for Request {
    const KIND: &'static str = "WDFREQUEST";

    fn dispose(&self, host: &Host) {
        host.set_format(self, None);
        host.drop_wdm_irp(self);
    }
}

impl Request {
    /// `IO_STATUS_BLOCK.Information`
    pub(super) fn information(&self) -> u64 {
        self.information.get()
    }

    /// It was sent and has come back, or could not be sent.
    pub(super) fn end_sending(&self, status: NtStatus) {
        self.sent.set(status);
        self.has_status.set(true);
    }

    /// Takes what the driver below has answered.
    pub(super) fn came_back(&self, status: NtStatus, information: u64) {
        self.end_sending(status);
        self.information.set(information);
    }

    /// Whether a driver below has had it.
    pub(crate) fn was_sent(&self) -> bool {
        self.target.get() != 0
    }

    /// Where the bytes are that its app is given, if they have a place.
    pub(crate) fn output_address(&self) -> Option<u64> {
        self.buffers.borrow().output(&self.irp)
    }

    /// Whether one of its buffers begins at an address.
    pub(super) fn has_buffer_at(&self, address: u64) -> bool {
        self.buffers.borrow().has(address)
    }

    /// Whether it counts as cancelable: it is, or EvtRequestCancel is due or was called.
    pub(super) fn is_marked(&self) -> bool {
        self.cancel.get() != 0 || self.cancel_called.get()
    }
}

impl Host {
    /// Makes the request of an IRP.
    pub(crate) fn create_request(&self, device: &Device, irp: &Rc<Irp>) -> Rc<Request> {
        let parent = self.object(device.handle);
        let attributes = &device.request_attributes;
        let request = self.make_request(&parent, attributes, device.handle, irp, false);
        *irp.request.borrow_mut() = Rc::downgrade(&request);
        self.count(|counts| counts.requests += 1);
        request
    }

    /// Makes a request of the driver's own, for a device's target; 0 where that comes later.
    pub(super) fn create_own_request(
        &self,
        parent: &Rc<Object>,
        attributes: &Attributes,
        device: u64,
    ) -> Rc<Request> {
        let irp = Rc::new(Irp::of_driver());
        self.make_request(parent, attributes, device, &irp, true)
    }

    fn make_request(
        &self,
        parent: &Rc<Object>,
        attributes: &Attributes,
        device: u64,
        irp: &Rc<Irp>,
        made_by_driver: bool,
    ) -> Rc<Request> {
        let (_, request) = self.create_object(Some(parent), attributes, |handle| Request {
            handle,
            device: Cell::new(device),
            irp: Rc::clone(irp),
            owner: Cell::new(Owner::Driver(0)),
            handed: Edge::default(),
            cancel: Cell::new(0),
            cancel_called: Cell::new(false),
            cancel_begun: Cell::new(false),
            left_to_cancel: Cell::new(false),
            presented: Cell::new(false),
            canceled: Cell::new(false),
            stop: Cell::new(Stop::None),
            stopping: Cell::new(false),
            completion: Cell::new((0, 0)),
            sent: Cell::new(STATUS_SUCCESS),
            has_status: Cell::new(false),
            given: Cell::new(None),
            found: Cell::new(false),
            made_by_driver,
            has_irp: Cell::new(!made_by_driver || device != 0),
            has_context: Cell::new(false),
            format: RefCell::default(),
            formatted_as_is: Cell::new(false),
            target: Cell::new(0),
            below: RefCell::default(),
            given_up: Cell::new(None),
            limit: Cell::new(None),
            in_caller_context: Cell::new(false),
            preprocessing: Cell::new(false),
            choosing: Cell::new(false),
            chosen: RefCell::default(),
            wdm: Cell::new(0),
            frees_wdm: Cell::new(false),
            information: Cell::new(0),
            buffers: RefCell::default(),
        });
        request
    }

    /// The request with that handle, which the driver must own.
    pub(crate) fn driver_request(&self, handle: u64, what: &str) -> Rc<Request> {
        if self.framework().objects.was(handle, Request::KIND) {
            self.completed_before(what);
        }
        let request = self.body::<Request>(handle);
        match request.owner.get() {
            Owner::Queue(_) => self.violation(
                &rules::INVALID_REQ_ACCESS,
                format!("{what} is called for a request that waits in a queue"),
            ),
            Owner::Target(_) => self.violation(
                &rules::INVALID_REQ_ACCESS,
                format!("{what} is called for a request that was sent and is not back"),
            ),
            // The driver holds a reference of its own.
            Owner::Completed => self.completed_before(what),
            Owner::Driver(_) => request,
        }
    }

    fn completed_before(&self, what: &str) -> ! {
        let completing = what.starts_with("WdfRequestComplete");
        let rule = if completing {
            &rules::DOUBLE_COMPLETION
        } else {
            &rules::REQUEST_COMPLETED
        };
        self.violation(
            rule,
            format!("{what} is called for a request that was completed"),
        )
    }

    /// The driver lets go of a request: what it did with it comes before what is done with it next.
    pub(super) fn hands_over(&self, request: &Request) {
        self.releases(&request.handed);
        if let Owner::Driver(queue) = request.owner.get()
            && queue != 0
        {
            self.releases(&self.body::<Queue>(queue).left);
        }
    }

    /// Completes a request, whoever has it.
    pub(crate) fn complete_request(
        &self,
        request: &Rc<Request>,
        status: NtStatus,
        information: u64,
    ) {
        self.hands_over(request);
        let owner = request.owner.replace(Owner::Completed);
        let irp = &request.irp;
        let output = self.take_output(request, status, information);
        self.record(Event::Complete {
            request: request.handle,
            status: status.0,
            information,
        });
        let object = self.object(request.handle);
        self.delete_object(&object);
        let outcome = Outcome {
            status,
            information,
            output,
        };
        let irp = Rc::clone(irp);
        if let Owner::Driver(queue) = owner
            && queue != 0
        {
            let queue = self.body::<Queue>(queue);
            queue.forget(request);
            self.finish_irp(&irp, &outcome);
            self.dispatch_internal(&queue);
        } else {
            self.finish_irp(&irp, &outcome);
        }
    }
}

services! {
    WdfRequestComplete <= DISPATCH => complete;
    WdfRequestCompleteWithInformation <= DISPATCH => complete_with_information;
    WdfRequestCompleteWithPriorityBoost <= DISPATCH => complete;
}

/// WdfRequestComplete(Request, Status), WdfRequestCompleteWithPriorityBoost
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

/// The status that an app gets: not one of the framework's own.
fn framework_free(status: NtStatus) -> NtStatus {
    /// `FACILITY_DRIVER_FRAMEWORK`, where a status has its facility.
    const FRAMEWORK: i32 = 0x0020_0000;
    if status.0 & 0x0FFF_0000 != FRAMEWORK {
        return status;
    }
    match status {
        STATUS_WDF_PAUSED | STATUS_WDF_BUSY => STATUS_DEVICE_BUSY,
        STATUS_WDF_INTERNAL_ERROR => STATUS_INTERNAL_ERROR,
        STATUS_WDF_NOT_ENOUGH_MAP_REGISTERS => STATUS_INSUFFICIENT_RESOURCES,
        _ => STATUS_INVALID_DEVICE_REQUEST,
    }
}

fn finish(host: &Host, request: &Rc<Request>, status: NtStatus, information: u64) {
    if request.made_by_driver {
        host.violation(
            &rules::REQ_DELETE,
            "a request is completed that the driver made: it has to be deleted",
        );
    }
    host.check_not_surprised(
        &rules::SURPRISE_REMOVE_NO_REQUEST_COMPLETE,
        "a request is completed",
    );
    let due = request.cancel_called.get() && !request.cancel_begun.get();
    if request.cancel.get() != 0 || due && !request.left_to_cancel.get() {
        host.violation(
            &rules::REQ_NOT_CANCELED,
            "a request is completed while it is cancelable: WdfRequestUnmarkCancelable comes first",
        );
    }
    if request.left_to_cancel.get() {
        host.violation(
            &rules::COMPLETE_CANCELED_REQ,
            "a request is completed although WdfRequestUnmarkCancelable said that it is canceled: \
             EvtRequestCancel is about to complete it",
        );
    }
    host.check_not_transferred(request);
    let irp = &request.irp;
    let limit = match irp.major {
        Major::Write => Some(irp.input.len()),
        Major::Read => Some(irp.output_length),
        // One that gives no bytes may say how many it took.
        Major::DeviceControl | Major::InternalControl => {
            Some(irp.output_length).filter(|&length| length > 0)
        }
        // FILE_OPENED and relatives.
        Major::Create => None,
    };
    if let Some(limit) = limit
        && status.is_success()
        && information > limit as u64
    {
        host.violation(
            &rules::INFORMATION_TOO_LARGE,
            format!("a request is completed with {information} bytes; its buffer has {limit}"),
        );
    }
    if status == kmdf_abi::ntstatus::STATUS_PENDING {
        host.violation(
            &rules::COMPLETE_PENDING,
            "a request is completed with STATUS_PENDING",
        );
    }
    host.check_output(request, status, information);
    host.complete_request(request, framework_free(status), information);
}
