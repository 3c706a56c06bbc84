//! Queues and their device's power: presenting stops, EvtIoStop and EvtIoResume, purging for good.

use std::rc::Rc;

use kmdf_machine::Irql;
use kmdf_rules::rules;

use super::{
    device::Device,
    queue::Queue,
    request::{Owner, Request, Stop},
};
use crate::{host::Host, pnp::LONGEST};

/// `WdfRequestStopActionSuspend`
const STOP_SUSPEND: u32 = 1;
/// `WdfRequestStopActionPurge`
const STOP_PURGE: u32 = 2;
/// `WdfRequestStopRequestCancelable`
const STOP_CANCELABLE: u32 = 0x1000_0000;

/// How a queue stands with its device's power. One that is not power-managed is on until its device
/// is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// Requests are presented.
    On,
    /// None is presented any more; what is being presented has yet to be.
    Halting,
    /// EvtIoStop, with that action, for each request that the driver has.
    Asking(u32),
    /// The driver has been asked, and has yet to answer for some.
    Asked,
    /// It presents nothing.
    Off,
    /// EvtIoResume for each request that the driver has kept.
    Resuming,
}

impl Power {
    /// Whether the driver is being told of requests one by one.
    pub(super) const fn notifies(self) -> bool {
        matches!(self, Self::Asking(_) | Self::Resuming)
    }
}

impl Host {
    /// The next step of a change of power; `false` when that waits for something.
    pub(super) fn power_event(&self, queue: &Rc<Queue>) -> bool {
        match queue.power.get() {
            Power::On | Power::Off => false,
            Power::Halting => {
                if queue.active.get() == 1 {
                    queue.settled.set(true);
                }
                false
            }
            Power::Asking(action) => {
                match queue.next_to_notify() {
                    Some(request) => self.stop_request(queue, &request, action),
                    None => queue.power.set(Power::Asked),
                }
                true
            }
            Power::Asked => {
                let any = self.take_answers(queue);
                if queue.unanswered().is_some() || queue.active.get() != 1 {
                    return any;
                }
                queue.power.set(Power::Off);
                queue.settled.set(true);
                true
            }
            Power::Resuming => {
                let Some(request) = queue.next_to_notify() else {
                    queue.power.set(Power::On);
                    return false;
                };
                let callback = queue.config.EvtIoResume.0;
                if callback != 0 && !request.canceled.get() {
                    let arguments = [queue.handle, request.handle];
                    queue.lock.clone().hold(self, || {
                        self.call_driver("EvtIoResume", request.handle, callback, &arguments);
                    });
                }
                true
            }
        }
    }

    /// Takes note of what the driver has acknowledged, and requeues what it has given back.
    fn take_answers(&self, queue: &Rc<Queue>) -> bool {
        let presented = queue.presented.borrow().clone();
        let mut any = false;
        for request in presented {
            match request.stop.get() {
                Stop::None | Stop::Asked => continue,
                Stop::Kept => request.stop.set(Stop::None),
                Stop::GivenBack => {
                    request.stop.set(Stop::None);
                    self.requeue(queue, &request);
                }
            }
            any = true;
        }
        any
    }

    fn stop_request(&self, queue: &Queue, request: &Rc<Request>, action: u32) {
        let owners = [Owner::Driver(queue.handle), Owner::Target(queue.handle)];
        let mine = owners.contains(&request.owner.get());
        let callback = queue.config.EvtIoStop.0;
        // One that is being canceled is on its way to its end.
        if !mine || request.canceled.get() || callback == 0 {
            return;
        }
        let cancelable = if request.cancel.get() == 0 {
            0
        } else {
            STOP_CANCELABLE
        };
        request.stopping.set(true);
        let arguments = [queue.handle, request.handle, u64::from(action | cancelable)];
        queue.lock.clone().hold(self, || {
            self.call_driver("EvtIoStop", request.handle, callback, &arguments);
        });
        request.stopping.set(false);
    }

    /// Starts the power-managed queues of a device: first all resume what the driver kept, then all
    /// present.
    pub(crate) fn power_up_queues(&self, device: &Device) {
        let queues = device.queues_that_are(true);
        for queue in &queues {
            if queue.power.get() == Power::On {
                continue;
            }
            queue.power.set(Power::Resuming);
            queue.notify_all();
            self.dispatch_events(queue);
        }
        for queue in &queues {
            queue.notice_waiting();
            self.dispatch_events(queue);
        }
    }

    /// Stops the power-managed queues of a device. First none presents anything any more, and what is
    /// being presented has been: so EvtIoStop never comes before the end of the callback that got the
    /// request. Then, queue by queue, EvtIoStop for each request the driver owns, and a wait until it
    /// has completed, requeued or acknowledged each. A device that is removed leaves D0 in no other
    /// way.
    pub(crate) fn power_down_queues(&self, device: &Device) {
        let queues = device.queues_that_are(true);
        for queue in &queues {
            queue.power.set(Power::Halting);
            queue.settled.set(false);
            self.dispatch_events(queue);
            let waited = Rc::clone(queue);
            self.block_until(move |_| waited.settled.get());
        }
        for queue in &queues {
            self.ask_to_stop(queue, STOP_SUSPEND);
            self.wait_for_answers(queue);
            self.acquires(&queue.left);
        }
    }

    /// Has the driver asked for each of its requests of a queue.
    fn ask_to_stop(&self, queue: &Rc<Queue>, action: u32) {
        queue.power.set(Power::Asking(action));
        queue.settled.set(false);
        queue.notify_all();
        for request in queue.presented.borrow().iter() {
            request.stop.set(Stop::Asked);
        }
        self.dispatch_events(queue);
    }

    fn wait_for_answers(&self, queue: &Rc<Queue>) {
        let deadline = self.now() + LONGEST;
        let waited = Rc::clone(queue);
        self.block_until_or(deadline, move |_: &Self| waited.settled.get());
        if queue.settled.get() {
            return;
        }
        if let Some(request) = queue.unanswered() {
            self.violation(
                &rules::DRV_ACK_IO_STOP,
                format!(
                    "the driver neither completes nor requeues nor acknowledges the request {:#x} of \
                     a power-managed queue that was stopped: after {} s Windows ends with \
                     DRIVER_POWER_STATE_FAILURE (0x9F)",
                    request.handle,
                    LONGEST.as_secs()
                ),
            );
        }
        let waited = Rc::clone(queue);
        self.block_until(move |_| waited.settled.get());
    }

    /// Purges those of a removed device's queues that are power-managed or not: new requests fail, what
    /// waits is canceled. EvtIoStop for what the driver still owns, and a wait until it has completed,
    /// requeued or acknowledged that. Those that are not power-managed are the last to be purged: with
    /// them comes a wait for whatever the driver has kept.
    pub(crate) fn purge_queues(&self, device: &Device, power_managed: bool) {
        for queue in device.queues_that_are(power_managed) {
            queue.shut_down.set(true);
            queue.accepting.set(false);
            self.purge(&queue);
            self.dispatch_events(&queue);
            self.ask_to_stop(&queue, STOP_PURGE);
            let waited = Rc::clone(&queue);
            self.block_until(move |_| waited.settled.get());
        }
        if !power_managed {
            let queues = device.queues.borrow().clone();
            self.block_until(move |_| {
                queues
                    .iter()
                    .all(|queue| queue.is_empty() && queue.active.get() == 0)
            });
        }
    }
}

impl Host {
    /// Deletes a queue of the driver's own: it is purged, and gone when it and the driver have no
    /// request of it any more.
    pub(super) fn delete_queue(&self, handle: u64) {
        let queue = self.body::<Queue>(handle);
        let device = self.body::<Device>(queue.device);
        let configured = device.dispatching.borrow();
        let used = configured.iter().any(|(_, other)| other.handle == handle);
        drop(configured);
        if queue.is_default || used {
            self.violation(
                &rules::BAD_DELETE,
                "a queue is deleted that its device's requests go to: it is the framework's to delete",
            );
        }
        let end = move |host: &Self| {
            queue.accepting.set(false);
            host.purge(&queue);
            host.dispatch_events(&queue);
            let waited = Rc::clone(&queue);
            host.block_until(move |_| waited.is_empty() && waited.active.get() == 0);
            device
                .queues
                .borrow_mut()
                .retain(|other| other.handle != handle);
            let object = host.object(handle);
            host.delete_object(&object);
        };
        if self.irql() > Irql::PASSIVE {
            self.spawn("deletion", end);
        } else {
            end(self);
        }
    }
}

impl Queue {
    fn notify_all(&self) {
        *self.notify.borrow_mut() = self.presented.borrow().iter().cloned().collect();
    }

    /// The next request that the driver is told of, if it still has it.
    fn next_to_notify(&self) -> Option<Rc<Request>> {
        loop {
            let request = self.notify.borrow_mut().pop_front()?;
            let presented = self.presented.borrow();
            if presented.iter().any(|other| Rc::ptr_eq(other, &request)) {
                return Some(Rc::clone(&request));
            }
        }
    }

    /// A request for which the driver was asked and has not answered.
    fn unanswered(&self) -> Option<Rc<Request>> {
        let presented = self.presented.borrow();
        let asked = presented
            .iter()
            .find(|request| request.stop.get() == Stop::Asked);
        asked.cloned()
    }
}
