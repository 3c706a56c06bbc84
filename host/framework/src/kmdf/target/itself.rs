//! The self target: what a device sends to itself, past the drivers above it.

use std::{cell::OnceCell, rc::Rc};

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{IoTarget, Kind};
use crate::{
    host::{Host, services},
    io::Irp,
    kmdf::{attributes::Attributes, device::Device, queue::Queue, request::Request, states::Pnp},
};

services! {
    WdfDeviceInitAllowSelfIoTarget <= DISPATCH => allow;
    WdfDeviceGetSelfIoTarget <= DISPATCH => of_device;
    WdfIoTargetSelfAssignDefaultIoQueue <= DISPATCH => assign_queue;
}

/// What a self target knows beside what all do.
#[derive(Default)]
pub(super) struct Itself {
    /// The queue that takes what is sent, instead of those that take what others send.
    queue: OnceCell<Rc<Queue>>,
}

/// WdfDeviceInitAllowSelfIoTarget(DeviceInit)
fn allow(host: &Host, call: &Call) {
    host.device_init(call.arg(0), |init| init.has_self_target = true);
}

/// WdfDeviceGetSelfIoTarget(Device): NULL where WdfDeviceInitAllowSelfIoTarget was not called.
fn of_device(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).self_target.get()
}

/// WdfIoTargetSelfAssignDefaultIoQueue(IoTarget, Queue)
fn assign_queue(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let target = host.body::<IoTarget>(call.arg(0));
    let Kind::Itself(itself) = &target.kind else {
        host.violation(
            &rules::INVALID_HANDLE,
            "WdfIoTargetSelfAssignDefaultIoQueue is called for a target that is not a self target",
        );
    };
    let queue = host.body::<Queue>(call.arg(1));
    if queue.device != target.device {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let device = host.body::<Device>(target.device);
    if device.states.pnp() != Pnp::Init {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if itself.queue.set(queue).is_err() {
        host.unsupported("a self target that is given a second default queue");
    }
    Ok(())
}

impl Host {
    /// Makes the self target of a device that is to have one.
    pub(crate) fn create_self_target(&self, device: &Device) {
        let parent = self.object(device.handle);
        let kind = Kind::Itself(Itself::default());
        let (object, _) = self.create_object(Some(&parent), &Attributes::default(), |handle| {
            IoTarget::new(handle, device.handle, kind)
        });
        device.self_target.set(object.handle);
    }

    /// Presents an IRP that a device sends to itself.
    pub(super) fn dispatch_to_itself(&self, device: &Device, itself: &Itself, irp: &Rc<Irp>) {
        let own = itself.queue.get().cloned();
        let Some(queue) = own.or_else(|| device.queue_taking(irp.major)) else {
            return self.fail_irp(irp, STATUS_INVALID_DEVICE_STATE);
        };
        let request: Rc<Request> = self.create_request(device, irp);
        if device.in_caller_context != 0 {
            *request.chosen.borrow_mut() = Some(queue);
            self.call_in_caller_context(device, &request);
        } else {
            self.enqueue_new(&queue, &request);
        }
    }
}
