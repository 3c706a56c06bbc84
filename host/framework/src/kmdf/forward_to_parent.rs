//! A child's request goes to a queue of its parent's.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER},
    types::WDF_REQUEST_FORWARD_OPTIONS,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{device::Device, queue::Queue, request::Owner};
use crate::host::{Host, services};

services! {
    WdfRequestForwardToParentDeviceIoQueue <= DISPATCH => forward;
}

/// `WDF_REQUEST_FORWARD_OPTION_SEND_AND_FORGET`
const SEND_AND_FORGET: u32 = 1;

/// WdfRequestForwardToParentDeviceIoQueue(Request, ParentDeviceQueue, ForwardOptions)
fn forward(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let target = host.body::<Queue>(call.arg(1));
    let request = host.driver_request(call.arg(0), "WdfRequestForwardToParentDeviceIoQueue");
    let options: WDF_REQUEST_FORWARD_OPTIONS = host.memory.read(call.arg(2));
    if options.Size as usize != size_of::<WDF_REQUEST_FORWARD_OPTIONS>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if options.Flags & !SEND_AND_FORGET != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let source = match request.owner.get() {
        Owner::Driver(source) if source != 0 => source,
        _ => host.invalid_operation("a request is forwarded to a parent that came from no queue"),
    };
    let device = host.body::<Device>(host.body::<Queue>(source).device);
    let Some(pdo) = &device.pdo else {
        host.invalid_operation("a request is forwarded to the parent of a device that has none")
    };
    if request.is_marked() {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "a request is forwarded while it is cancelable",
        );
    }
    if target.device != pdo.init.parent {
        host.invalid_operation(
            "a request is forwarded to a queue of another device than the parent of its own",
        );
    }
    if !pdo.init.forwards {
        host.invalid_operation(
            "a request is forwarded to the parent of a device for which \
             WdfPdoInitAllowForwardingRequestToParent was not called",
        );
    }
    request.device.set(target.device);
    let forwarded = host.forward(source, &target, &request);
    if forwarded.is_err() {
        request.device.set(device.handle);
    }
    forwarded
}
