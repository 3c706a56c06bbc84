//! The local I/O target: the drivers below, to which a filter hands what it does not answer itself.
//!
//! Below is only the bus driver, which answers no read, write or control request of an app.

use std::{cell::Cell, mem::offset_of, rc::Rc};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE, STATUS_SUCCESS,
    },
    types::{WDF_REQUEST_COMPLETION_PARAMS, WDF_REQUEST_SEND_OPTIONS},
};

use super::{
    device::Device,
    object::{Attributes, Body},
    request::Request,
};
use crate::{cpu::stub::Call, host::Host, service::services};

/// `WDF_REQUEST_SEND_OPTION_SYNCHRONOUS`
const SYNCHRONOUS: u32 = 2;
/// `WDF_REQUEST_SEND_OPTION_IGNORE_TARGET_STATE`
const IGNORE_STATE: u32 = 4;
/// `WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET`
const FORGET: u32 = 8;
/// What the bus driver answers.
const ANSWER: NtStatus = STATUS_INVALID_DEVICE_REQUEST;

/// WDFIOTARGET
pub(crate) struct IoTarget {
    device: u64,
    started: Cell<bool>,
}

impl Body for IoTarget {
    const KIND: &'static str = "WDFIOTARGET";
}

services! {
    WdfDeviceGetIoTarget <= DISPATCH => of_device;
    WdfIoTargetGetDevice <= DISPATCH => device;
    WdfIoTargetStart <= DISPATCH => start;
    WdfIoTargetStop <= PASSIVE => stop;
    WdfIoTargetPurge <= PASSIVE => stop;
    WdfIoTargetGetState <= DISPATCH => state;
    WdfIoTargetWdmGetTargetDeviceObject <= DISPATCH => wdm_device;
    WdfRequestFormatRequestUsingCurrentType <= DISPATCH => format_as_is;
    WdfRequestSetCompletionRoutine <= DISPATCH => set_completion;
    WdfRequestSend <= DISPATCH => send;
}

/// WdfDeviceGetIoTarget(Device): made when it is first asked for.
fn of_device(host: &Host, call: &Call) -> u64 {
    let device = host.body::<Device>(call.arg(0));
    if device.io_target.get() == 0 {
        let parent = host.object(device.handle);
        let (object, _) = host.create_object(Some(&parent), &Attributes::default(), |_| IoTarget {
            device: device.handle,
            started: Cell::new(true),
        });
        device.io_target.set(object.handle);
    }
    device.io_target.get()
}

fn device(host: &Host, call: &Call) -> u64 {
    host.body::<IoTarget>(call.arg(0)).device
}

fn start(host: &Host, call: &Call) -> NtStatus {
    host.body::<IoTarget>(call.arg(0)).started.set(true);
    STATUS_SUCCESS
}

/// WdfIoTargetStop(IoTarget, Action), WdfIoTargetPurge(IoTarget, Action): nothing stays with the bus
/// driver that could be waited for.
fn stop(host: &Host, call: &Call) {
    host.body::<IoTarget>(call.arg(0)).started.set(false);
}

/// WdfIoTargetGetState(IoTarget): WdfIoTargetStarted or WdfIoTargetStopped.
fn state(host: &Host, call: &Call) -> u32 {
    if host.body::<IoTarget>(call.arg(0)).started.get() {
        1
    } else {
        2
    }
}

fn wdm_device(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    host.body::<Device>(target.device).wdm_attached()
}

fn format_as_is(host: &Host, call: &Call) {
    host.driver_request(call.arg(0), "WdfRequestFormatRequestUsingCurrentType");
}

/// WdfRequestSetCompletionRoutine(Request, CompletionRoutine, CompletionContext)
fn set_completion(host: &Host, call: &Call) {
    let request = host.driver_request(call.arg(0), "WdfRequestSetCompletionRoutine");
    request.completion.set((call.arg(1), call.arg(2)));
}

/// WdfRequestSend(Request, Target, Options): FALSE when it was not sent, and why by
/// WdfRequestGetStatus.
fn send(host: &Host, call: &Call) -> bool {
    let request = host.driver_request(call.arg(0), "WdfRequestSend");
    let target = host.body::<IoTarget>(call.arg(1));
    let flags = match call.arg(2) {
        0 => 0,
        options => host.memory.read::<WDF_REQUEST_SEND_OPTIONS>(options).Flags,
    };
    if !target.started.get() && flags & IGNORE_STATE == 0 {
        request.sent.set(STATUS_INVALID_DEVICE_STATE);
        return false;
    }
    request.sent.set(ANSWER);
    if flags & FORGET != 0 {
        host.complete_request(&request, ANSWER, 0);
    } else if flags & SYNCHRONOUS == 0 {
        let (routine, context) = request.completion.take();
        if routine != 0 {
            let target = call.arg(1);
            host.spawn("bus", move |host| {
                host.call_completion(&request, target, routine, context);
            });
        }
    }
    true
}

impl Host {
    /// Calls a completion routine.
    fn call_completion(&self, request: &Rc<Request>, target: u64, routine: u64, context: u64) {
        let address = self.lend(
            "completion parameters",
            size_of::<WDF_REQUEST_COMPLETION_PARAMS>() as u64,
        );
        let status = offset_of!(WDF_REQUEST_COMPLETION_PARAMS, IoStatus) as u64;
        let size = size_of::<WDF_REQUEST_COMPLETION_PARAMS>() as u32;
        self.memory.write(address, &size);
        self.memory.write(address + status, &ANSWER.0);
        let arguments = [request.handle, target, address, context];
        self.call_driver("EvtRequestCompletion", request.handle, routine, &arguments);
        // Lent for the call only.
        let _ = self.memory.free(address);
    }
}
