//! Requests in the context of the app that sent them: EvtIoInCallerContext, and the app's own
//! buffers.

use kmdf_abi::ntstatus::{NtStatus, STATUS_ACCESS_VIOLATION, STATUS_INVALID_USER_BUFFER};
use kmdf_machine::cpu::stub::Call;

use super::{
    attributes::Attributes,
    buffer::Side,
    device::Device,
    memory::Memory,
    request::{Owner, Request},
};
use crate::host::{Host, services};

services! {
    WdfDeviceInitSetIoInCallerContextCallback <= DISPATCH => set_callback;
    WdfDeviceEnqueueRequest <= DISPATCH => enqueue;
    WdfRequestRetrieveUnsafeUserInputBuffer <= PASSIVE => user_input;
    WdfRequestRetrieveUnsafeUserOutputBuffer <= PASSIVE => user_output;
    WdfRequestProbeAndLockUserBufferForRead <= PASSIVE => lock_for_read;
    WdfRequestProbeAndLockUserBufferForWrite <= PASSIVE => lock_for_write;
}

/// WdfDeviceInitSetIoInCallerContextCallback(DeviceInit, EvtIoInCallerContext)
fn set_callback(host: &Host, call: &Call) {
    let callback = call.arg(1);
    host.device_init(call.arg(0), |init| init.in_caller_context = callback);
}

impl Host {
    /// Calls EvtIoInCallerContext, in the app's thread.
    pub(crate) fn call_in_caller_context(&self, device: &Device, request: &Request) {
        request.in_caller_context.set(true);
        request.presented.set(true);
        let arguments = [device.handle, request.handle];
        self.call_driver(
            "EvtIoInCallerContext",
            request.handle,
            device.in_caller_context,
            &arguments,
        );
        request.in_caller_context.set(false);
    }
}

/// WdfDeviceEnqueueRequest(Device, Request): what fails here stays the driver's to complete.
fn enqueue(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let request = host.driver_request(call.arg(1), "WdfDeviceEnqueueRequest");
    let owned = request.owner.get() == Owner::Driver(0) && !request.made_by_driver;
    if !owned || request.device.get() != device.handle {
        host.invalid_operation("a request is enqueued that EvtIoInCallerContext was not given");
    }
    let chosen = request.chosen.take();
    let Some(queue) = chosen.or_else(|| device.queue_taking(request.irp.major)) else {
        host.invalid_operation("a request is enqueued for which the device has no queue");
    };
    host.enqueue_forwarded(&queue, &request)?;
    request.in_caller_context.set(false);
    Ok(())
}

fn user_input(host: &Host, call: &Call) -> Result<(), NtStatus> {
    user_buffer(
        host,
        call,
        Side::Input,
        "WdfRequestRetrieveUnsafeUserInputBuffer",
    )
}

fn user_output(host: &Host, call: &Call) -> Result<(), NtStatus> {
    user_buffer(
        host,
        call,
        Side::Output,
        "WdfRequestRetrieveUnsafeUserOutputBuffer",
    )
}

/// WdfRequestRetrieveUnsafeUserInputBuffer(Request, MinimumRequiredLength, InputBuffer, Length), and
/// for output: in the app's thread only.
fn user_buffer(host: &Host, call: &Call, side: Side, what: &str) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), what);
    host.check_side(&request, side, what);
    for out in [call.arg(2), call.arg(3)] {
        if out != 0 {
            host.memory.write(out, &0_u64);
        }
    }
    if !request.in_caller_context.get() {
        host.invalid_operation(format!("{what} is called outside of EvtIoInCallerContext"));
    }
    let (address, bytes) = host.user_buffer(&request, side, call.arg(1))?;
    host.memory.write(call.arg(2), &address);
    if call.arg(3) != 0 {
        host.memory.write(call.arg(3), &bytes);
    }
    Ok(())
}

fn lock_for_read(host: &Host, call: &Call) -> Result<(), NtStatus> {
    lock(host, call, "WdfRequestProbeAndLockUserBufferForRead")
}

fn lock_for_write(host: &Host, call: &Call) -> Result<(), NtStatus> {
    lock(host, call, "WdfRequestProbeAndLockUserBufferForWrite")
}

/// WdfRequestProbeAndLockUserBufferForRead(Request, Buffer, Length, MemoryObject), and for writing:
/// the object is the request's.
fn lock(host: &Host, call: &Call, what: &str) -> Result<(), NtStatus> {
    let request = host.driver_request(call.arg(0), what);
    let (address, bytes) = (call.arg(1), call.arg(2));
    if bytes == 0 {
        return Err(STATUS_INVALID_USER_BUFFER);
    }
    let here = request.in_caller_context.get();
    if !here || !request.buffers.borrow().has_of_app(address, bytes) {
        return Err(STATUS_ACCESS_VIOLATION);
    }
    let parent = host.object(request.handle);
    let memory = Memory::of_request(address, bytes);
    let (object, _) = host.create_object(Some(&parent), &Attributes::default(), |_| memory);
    host.memory.write(call.arg(3), &object.handle);
    Ok(())
}
