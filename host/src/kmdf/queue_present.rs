//! How requests go from a queue to the driver's callbacks.

use std::rc::Rc;

use kmdf_abi::ntstatus::{STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS};

use super::{
    dpc::Deferred,
    queue::Queue,
    request::{Owner, Request},
    work_item::Work,
};
use crate::{cpu::Irql, host::Host, io::Major};

/// Presents a queue's requests in another flow.
pub(super) enum Later {
    /// At PASSIVE_LEVEL.
    Work(Work),
    /// At DISPATCH_LEVEL.
    Dpc(Deferred),
}

impl Host {
    /// Presents the requests that the queue's rules let through. In this flow, unless its callbacks
    /// want PASSIVE_LEVEL and this flow is above it, or this flow is in another callback under the
    /// same lock, as when a timer's completes a request: then in a DPC or a work item.
    pub(crate) fn present_requests(&self, queue: &Rc<Queue>) {
        let outside = self.scheduler.current().is_none();
        let too_high = queue.constraints.passive && (outside || self.irql() > Irql::PASSIVE);
        let locked = queue.lock.is_mine(self);
        if locked && queue.presenting.get() > 0 {
            // Whoever presents now goes on when the callback returns.
            return;
        }
        if too_high || locked {
            if queue.may_present() && !queue.waiting.borrow().is_empty() {
                self.present_later(queue);
            }
            return;
        }
        while queue.may_present() {
            let Some(request) = queue.waiting.borrow_mut().pop_front() else {
                return;
            };
            queue.presented.borrow_mut().push(Rc::clone(&request));
            request.owner.set(Owner::Driver(queue.handle));
            request.presented.set(true);
            queue.presenting.update(|count| count + 1);
            queue
                .lock
                .clone()
                .hold(self, || self.present(queue, &request));
            queue.presenting.update(|count| count - 1);
            self.queue_changed(queue);
        }
    }

    fn present_later(&self, queue: &Rc<Queue>) {
        let later = queue.later.get_or_init(|| {
            let name = format!("WDFQUEUE {:#x}", queue.handle);
            let queue_of = Rc::downgrade(queue);
            let present = move |host: &Self| {
                if let Some(queue) = queue_of.upgrade() {
                    host.present_requests(&queue);
                }
            };
            if queue.constraints.passive {
                Later::Work(Work::new("queue", present))
            } else {
                Later::Dpc(Deferred::new(name, present))
            }
        });
        match later {
            Later::Work(work) => work.enqueue(self),
            Later::Dpc(deferred) => deferred.enqueue(self),
        };
    }

    fn present(&self, queue: &Queue, request: &Rc<Request>) {
        let irp = &request.irp;
        let Some(callback) = queue.callback(irp.major) else {
            self.complete_request(request, STATUS_INVALID_DEVICE_REQUEST, 0);
            return;
        };
        let (output, input) = (irp.output_length as u64, irp.input.len() as u64);
        let nothing = match irp.major {
            Major::Read => output == 0,
            Major::Write => input == 0,
            Major::DeviceControl | Major::Create => false,
        };
        if nothing && queue.config.AllowZeroLengthRequests == 0 {
            self.complete_request(request, STATUS_SUCCESS, 0);
            return;
        }
        let (queue_handle, handle) = (queue.handle, request.handle);
        let control = [queue_handle, handle, output, input, irp.code.into()];
        let (what, arguments): (_, &[u64]) = match irp.major {
            _ if callback == queue.config.EvtIoDefault.0 => {
                ("EvtIoDefault", &[queue_handle, handle])
            }
            Major::Read => ("EvtIoRead", &[queue_handle, handle, output]),
            Major::Write => ("EvtIoWrite", &[queue_handle, handle, input]),
            Major::DeviceControl => ("EvtIoDeviceControl", &control),
            Major::Create => unreachable!("only EvtIoDefault takes a create request"),
        };
        self.call_driver(what, handle, callback, arguments);
    }
}
