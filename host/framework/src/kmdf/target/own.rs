//! Requests of the driver's own.

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, STATUS_WDF_REQUEST_INVALID_STATE,
    },
    types::WDF_REQUEST_REUSE_PARAMS,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::IoTarget;
use crate::{
    host::{Host, services},
    kmdf::request::{Owner, Request},
};

services! {
    WdfRequestCreate <= DISPATCH => create;
    WdfRequestReuse <= DISPATCH => reuse;
    WdfRequestChangeTarget <= DISPATCH => change_target;
    WdfRequestAllocateTimer <= DISPATCH => allocate_timer;
}

/// WdfRequestCreate(RequestAttributes, IoTarget, Request)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.memory.write(call.arg(2), &0_u64);
    let attributes = host.attributes(call.arg(0))?;
    let device = match call.arg(1) {
        0 => 0,
        target => host.body::<IoTarget>(target).device,
    };
    let parent = host.parent_or_driver(attributes.parent)?;
    let request = host.create_own_request(&parent, &attributes, device);
    host.memory.write(call.arg(2), &request.handle);
    Ok(())
}

/// WdfRequestReuse(Request, ReuseParams)
fn reuse(host: &Host, call: &Call) -> NtStatus {
    /// `WDF_REQUEST_REUSE_SET_NEW_IRP`, `WDF_REQUEST_REUSE_MUST_COMPLETE`
    const NEW_IRP: u32 = 1;
    const MUST_COMPLETE: u32 = 2;
    let request = host.body::<Request>(call.arg(0));
    if matches!(request.owner.get(), Owner::Target(_)) {
        host.violation(
            &rules::INVALID_REQ_ACCESS,
            "WdfRequestReuse is called for a request that was sent and is not back",
        );
    }
    let request = host.driver_request(call.arg(0), "WdfRequestReuse");
    let params: WDF_REQUEST_REUSE_PARAMS = host.memory.read(call.arg(1));
    let known = NEW_IRP | MUST_COMPLETE;
    if params.Size as usize != size_of::<WDF_REQUEST_REUSE_PARAMS>() || params.Flags & !known != 0 {
        return STATUS_INVALID_PARAMETER;
    }
    if params.Flags & NEW_IRP != 0 && !request.made_by_driver {
        return STATUS_WDF_REQUEST_INVALID_STATE;
    }
    if params.Flags != 0 {
        host.unsupported("a request that is reused with an IRP of the driver's own");
    }
    request.completion.set((0, 0));
    host.set_format(&request, None);
    request.formatted_as_is.set(false);
    request.canceled.set(false);
    request.irp.canceled.set(false);
    // An app's IRP is not made anew.
    let information = if request.made_by_driver {
        0
    } else {
        request.information()
    };
    request.came_back(params.Status, information);
    STATUS_SUCCESS
}

/// WdfRequestChangeTarget(Request, IoTarget): every target here takes every request.
fn change_target(host: &Host, call: &Call) -> NtStatus {
    let request = host.driver_request(call.arg(0), "WdfRequestChangeTarget");
    host.body::<IoTarget>(call.arg(1));
    request.has_irp.set(true);
    STATUS_SUCCESS
}

/// WdfRequestAllocateTimer(Request): so that a later send with a timeout cannot fail.
fn allocate_timer(host: &Host, call: &Call) -> NtStatus {
    host.driver_request(call.arg(0), "WdfRequestAllocateTimer");
    STATUS_SUCCESS
}
