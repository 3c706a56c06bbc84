//! How requests go from a queue to the driver's callbacks.

use std::rc::Rc;

use kmdf_abi::ntstatus::{STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS};
use kmdf_kernel::Deferred;

use super::{
    queue::{Dispatch, Queue},
    request::Request,
    work_item::Work,
};
use crate::{
    host::Host,
    io::{Irp, Major},
};

/// Sees to a queue's events in another flow.
pub(super) enum Later {
    /// At PASSIVE_LEVEL.
    Work(Work),
    /// At DISPATCH_LEVEL.
    Dpc(Deferred),
}

impl Later {
    pub(super) fn new(queue: &Rc<Queue>) -> Self {
        let name = format!("WDFQUEUE {:#x}", queue.handle);
        let queue_of = Rc::downgrade(queue);
        let dispatch = move |host: &Host| {
            if let Some(queue) = queue_of.upgrade() {
                host.dispatch_events(&queue);
            }
        };
        if queue.constraints.passive {
            Self::Work(Work::new("queue", dispatch))
        } else {
            Self::Dpc(Deferred::new(name, dispatch))
        }
    }
}

/// Whether a request reads or writes nothing.
pub(super) fn is_of_length_zero(irp: &Irp) -> bool {
    match irp.major {
        Major::Read => irp.output_length == 0,
        Major::Write => irp.input.is_empty(),
        Major::DeviceControl | Major::InternalControl | Major::Create => false,
    }
}

impl Host {
    /// Presents a request that was just made the driver's.
    pub(super) fn present(&self, queue: &Queue, request: &Rc<Request>) {
        let irp = &request.irp;
        let Some(callback) = queue.callback(irp.major) else {
            self.complete_request(request, STATUS_INVALID_DEVICE_REQUEST, 0);
            return;
        };
        if queue.config.AllowZeroLengthRequests == 0 && is_of_length_zero(irp) {
            self.complete_request(request, STATUS_SUCCESS, 0);
            return;
        }
        request.presented.set(true);
        let (output, input) = (irp.output_length as u64, irp.input.len() as u64);
        let (queue_handle, handle) = (queue.handle, request.handle);
        let control = [queue_handle, handle, output, input, irp.code.into()];
        let (what, arguments): (_, &[u64]) = match irp.major {
            _ if callback == queue.config.EvtIoDefault.0 => {
                ("EvtIoDefault", &[queue_handle, handle])
            }
            Major::Read => ("EvtIoRead", &[queue_handle, handle, output]),
            Major::Write => ("EvtIoWrite", &[queue_handle, handle, input]),
            Major::DeviceControl => ("EvtIoDeviceControl", &control),
            Major::InternalControl => ("EvtIoInternalDeviceControl", &control),
            Major::Create => unreachable!("only EvtIoDefault takes a create request"),
        };
        request.given.set(Some((what, self.now())));
        self.strand_unless_locked(|| {
            if queue.power_managed {
                self.acquires(&self.framework().pnp);
            }
            if queue.dispatch == Dispatch::Sequential {
                self.acquires(&queue.left);
            }
            self.acquires(&request.handed);
            self.acquires_at(irp.file_object());
            queue.lock.clone().hold(self, || {
                self.call_driver(what, handle, callback, arguments);
            });
            self.releases(&queue.left);
        });
    }
}
