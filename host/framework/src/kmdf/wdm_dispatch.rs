//! A driver that chooses the queue of each request itself: EvtDeviceWdmIrpDispatch, which sees an IRP after its
//! preprocessing and before it becomes a request.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_PENDING,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{device::Device, driver::Driver, queue::Queue, request::Request, states::Pnp};
use crate::{
    host::{Host, services},
    io::Major,
};

services! {
    WdfDeviceConfigureWdmIrpDispatchCallback <= DISPATCH => configure;
    WdfDeviceWdmDispatchIrp <= DISPATCH => dispatch_irp;
    WdfDeviceWdmDispatchIrpToIoQueue <= DISPATCH => dispatch_to_queue;
}

/// `FX_IN_DISPATCH_CALLBACK`, in a dispatch context.
const IN_CALLBACK: u64 = 1;

/// EvtDeviceWdmIrpDispatch, for requests of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DispatchCallback {
    major: Major,
    callback: u64,
    context: u64,
}

/// The dispatch context of a device's callbacks: there is nobody after them.
const fn context_of(device: &Device) -> u64 {
    device.wdm_own() | IN_CALLBACK
}

/// WdfDeviceConfigureWdmIrpDispatchCallback(Device, Driver, MajorFunction, EvtDeviceWdmIrpDispatch, DriverContext)
fn configure(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let major = match call.arg8(2) {
        0x03 => Major::Read,
        0x04 => Major::Write,
        0x0E => Major::DeviceControl,
        0x0F => Major::InternalControl,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    if call.arg(1) != 0 {
        host.body::<Driver>(call.arg(1));
    }
    host.require(call.arg(3) != 0, "EvtDeviceWdmIrpDispatch is NULL");
    let is_ready = if device.is_control() {
        device.was_started.get()
    } else {
        device.states.pnp() != Pnp::Init
    };
    if is_ready {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    let mut callbacks = device.dispatch_callbacks.borrow_mut();
    if callbacks.iter().any(|other| other.major == major) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    callbacks.push(DispatchCallback {
        major,
        callback: call.arg(3),
        context: call.arg(4),
    });
    Ok(())
}

impl Device {
    /// Whether its driver chooses the queue of such requests itself.
    pub(crate) fn chooses_queue(&self, major: Major) -> bool {
        let callbacks = self.dispatch_callbacks.borrow();
        callbacks.iter().any(|other| other.major == major)
    }
}

impl Host {
    /// Gives a request to EvtDeviceWdmIrpDispatch, or where there is none to its queue.
    pub(crate) fn dispatch_or_ask(&self, device: &Device, request: &Rc<Request>) -> NtStatus {
        let callbacks = device.dispatch_callbacks.borrow().clone();
        let irp = &request.irp;
        let Some(found) = callbacks.iter().find(|other| other.major == irp.major) else {
            return self.dispatch_request(device, request);
        };
        request.choosing.set(true);
        let arguments = [
            device.handle,
            super::wdm_irp::major_function(irp.major).into(),
            0,
            irp.code.into(),
            found.context,
            self.wdm_irp(request),
            context_of(device),
        ];
        let what = "EvtDeviceWdmIrpDispatch";
        let value = self.call_driver(what, device.handle, found.callback, &arguments);
        NtStatus(value as u32 as i32)
    }

    /// The request of an IRP that a callback was given and that nobody has had since; any other is a violation.
    fn held_request(&self, irp: u64, what: &str, preprocessed: bool) -> Rc<Request> {
        let handle = self.request_of_irp(irp);
        let handle = handle.filter(|&handle| !self.framework().objects.was(handle, "WDFREQUEST"));
        let request = handle.map(|handle| self.body::<Request>(handle));
        let held = request.filter(|request| {
            let held = if preprocessed {
                &request.preprocessing
            } else {
                &request.choosing
            };
            held.replace(false)
        });
        held.unwrap_or_else(|| {
            self.violation(
                &rules::IRP,
                format!(
                    "{what} is called with {irp:#x}, which the callback was not given, or which the framework or \
                     a queue has already"
                ),
            )
        })
    }
}

/// WdfDeviceWdmDispatchIrp(Device, Irp, DispatchContext): from EvtDeviceWdmIrpDispatch. That it is called from a
/// preprocessing callback is for class extensions.
fn dispatch_irp(host: &Host, call: &Call) -> NtStatus {
    let device = host.body::<Device>(call.arg(0));
    if call.arg(2) != context_of(&device) {
        host.violation(
            &rules::IRP,
            "WdfDeviceWdmDispatchIrp is called with a context that EvtDeviceWdmIrpDispatch was not given: only \
             class extensions call it from elsewhere",
        );
    }
    let request = host.held_request(call.arg(1), "WdfDeviceWdmDispatchIrp", false);
    host.bring_back(call.arg(1));
    host.dispatch_request(&device, &request)
}

/// WdfDeviceWdmDispatchIrpToIoQueue(Device, Irp, Queue, Flags): from that callback, or from a preprocessing one.
fn dispatch_to_queue(host: &Host, call: &Call) -> NtStatus {
    /// `WDF_DISPATCH_IRP_TO_IO_QUEUE_INVOKE_INCALLERCTX_CALLBACK` and the other flag.
    const IN_CALLER_CONTEXT: u32 = 1;
    const PREPROCESSED: u32 = 2;
    let device = host.body::<Device>(call.arg(0));
    let queue = host.body::<Queue>(call.arg(2));
    let flags = call.arg32(3);
    host.require(
        flags & !(IN_CALLER_CONTEXT | PREPROCESSED) == 0,
        "WdfDeviceWdmDispatchIrpToIoQueue is called with a flag that there is not",
    );
    let what = "WdfDeviceWdmDispatchIrpToIoQueue";
    let callbacks = ["EvtDeviceWdmIrpPreprocess", "EvtDeviceWdmIrpDispatch"];
    let in_callback = callbacks
        .into_iter()
        .any(|callback| host.in_callback(callback).is_some());
    if host.checks_all() && !in_callback {
        host.violation(
            &rules::FWD_IRP_TO_IO_QUEUE_VALID,
            format!("{what} is called outside of {}", callbacks.join(" and ")),
        );
    }
    let request = host.held_request(call.arg(1), what, flags & PREPROCESSED != 0);
    host.bring_back(call.arg(1));
    let major = request.irp.major;
    if major == Major::Create || !queue.takes(major) {
        host.invalid_operation(format!(
            "{what} is called for a queue that takes no such IRP"
        ));
    }
    if queue.device != device.handle {
        host.invalid_operation(format!("{what} is called for a queue of another device"));
    }
    if flags & IN_CALLER_CONTEXT != 0 && device.in_caller_context != 0 {
        *request.chosen.borrow_mut() = Some(queue);
        host.call_in_caller_context(&device, &request);
    } else {
        host.enqueue_new(&queue, &request);
    }
    STATUS_PENDING
}
