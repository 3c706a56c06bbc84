//! The states of a queue: stopped and started, drained and purged, and powered with the device.

use std::rc::Rc;

use super::{
    device::Device,
    queue::Queue,
    request::{Owner, Request},
};
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

/// `WdfRequestStopActionSuspend`
const STOP_SUSPEND: u32 = 1;
/// `WdfRequestStopActionPurge`
const STOP_PURGE: u32 = 2;
/// `WdfRequestStopRequestCancelable`
const STOP_CANCELABLE: u32 = 0x1000_0000;

/// What a driver waits for after it asked for a change of a queue's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateChange {
    /// Whether the queue must have nothing waiting, too.
    empty: bool,
    callback: u64,
    context: u64,
}

impl Queue {
    /// Whether the driver has none of its requests, no callback of it has yet to return and, if asked
    /// for, no request waits either.
    fn has_reached(&self, empty: bool) -> bool {
        self.presented.borrow().is_empty()
            && self.presenting.get() == 0
            && (!empty || self.waiting.borrow().is_empty())
    }
}

impl Host {
    /// Calls what waits for a queue to have reached a state, if it has.
    pub(crate) fn queue_changed(&self, queue: &Rc<Queue>) {
        if let Some(change) = queue.change.get()
            && queue.has_reached(change.empty)
        {
            queue.change.set(None);
            let arguments = [queue.handle, change.context];
            queue.lock.clone().hold(self, || {
                self.call_driver("EvtIoQueueState", queue.handle, change.callback, &arguments);
            });
        }
    }

    fn change_state(
        &self,
        queue: &Rc<Queue>,
        accept: bool,
        dispatch: bool,
        empty: bool,
        call: &Call,
    ) {
        queue.accepting.set(accept);
        queue.dispatching.set(dispatch);
        let (callback, context) = (call.arg(1), call.arg(2));
        if callback != 0 {
            if queue.change.get().is_some() {
                self.violation(
                    &rules::CHANGE_QUEUE_STATE,
                    "the state of a queue is changed while an earlier change is not complete",
                );
            }
            queue.change.set(Some(StateChange {
                empty,
                callback,
                context,
            }));
        }
    }

    /// Waits until a queue has reached a state.
    fn wait_for_state(&self, queue: &Rc<Queue>, empty: bool, what: &str) {
        let (_, flow) = self.scheduler.current().expect("a call comes from a flow");
        let own = flow
            .activations
            .borrow()
            .iter()
            .any(|activation| activation.what.starts_with("EvtIo"));
        if own {
            self.violation(
                &rules::NO_IO_QUEUE_PURGE_SYNCHRONOUSLY,
                format!("{what} is called from a callback of a queue, which it may wait for"),
            );
        }
        let waited = Rc::clone(queue);
        self.block_until(move |_| waited.has_reached(empty));
    }

    /// Cancels what waits in a queue and what the driver has of it and lets be canceled, now or, while
    /// the queue is not started again, later.
    fn purge(&self, queue: &Rc<Queue>) {
        queue.canceling.set(true);
        loop {
            let waiting = queue.waiting.borrow_mut().pop_front();
            let Some(request) = waiting else { break };
            request.irp.cancelled.set(true);
            self.canceled_on_queue(queue, &request);
        }
        let presented = queue.presented.borrow().clone();
        for request in presented {
            self.cancel_request(&request);
        }
    }

    /// Starts the power-managed queues of a device, resuming what the driver kept.
    pub(crate) fn power_up_queues(&self, device: &Device) {
        let queues = device.queues.borrow().clone();
        for queue in queues {
            if !queue.power_managed {
                continue;
            }
            queue.powered.set(true);
            let presented = queue.presented.borrow().clone();
            for request in presented {
                if request.stop_acknowledged.replace(false)
                    && !request.is_completed()
                    && queue.config.EvtIoResume.0 != 0
                {
                    let arguments = [queue.handle, request.handle];
                    let callback = queue.config.EvtIoResume.0;
                    queue.lock.clone().hold(self, || {
                        self.call_driver("EvtIoResume", request.handle, callback, &arguments);
                    });
                }
            }
            self.present_requests(&queue);
        }
    }

    /// Stops the power-managed queues of a device. First none presents anything any more, and what is
    /// being presented has been: so EvtIoStop never comes before the end of the callback that got the
    /// request. Then EvtIoStop for each request the driver owns, and a wait until it has completed,
    /// requeued or acknowledged each. A device that is removed leaves D0 in no other way.
    pub(crate) fn power_down_queues(&self, device: &Device) {
        let queues = device.queues_that_are(true);
        for queue in &queues {
            queue.powered.set(false);
            let waited = Rc::clone(queue);
            self.block_until(move |_| waited.presenting.get() == 0);
            for request in queue.presented.borrow().iter() {
                request.stop_acknowledged.set(false);
            }
        }
        for queue in &queues {
            self.stop_requests(queue, STOP_SUSPEND);
        }
        for queue in queues {
            self.wait_for_acknowledgements(&queue);
        }
    }

    /// EvtIoStop for each request of a queue that the driver owns.
    fn stop_requests(&self, queue: &Queue, action: u32) {
        let presented = queue.presented.borrow().clone();
        for request in presented {
            self.stop_request(queue, &request, action);
        }
    }

    fn wait_for_acknowledgements(&self, queue: &Rc<Queue>) {
        /// How long Windows waits for a device's power IRP before it ends with 0x9F.
        const LIMIT: std::time::Duration = std::time::Duration::from_mins(2);
        let deadline = self.now() + LIMIT;
        let waited = Rc::clone(queue);
        let acknowledged = move |_: &Self| {
            let presented = waited.presented.borrow();
            presented
                .iter()
                .all(|request| request.stop_acknowledged.get())
        };
        self.block_until_or(deadline, acknowledged);
        let late = queue
            .presented
            .borrow()
            .iter()
            .find(|request| !request.stop_acknowledged.get())
            .map(|request| request.handle);
        if let Some(request) = late {
            self.violation(
                &rules::DRV_ACK_IO_STOP,
                format!(
                    "the driver neither completes nor requeues nor acknowledges the request \
                     {request:#x} of a power-managed queue that was stopped: after {} s Windows \
                     ends with DRIVER_POWER_STATE_FAILURE (0x9F)",
                    LIMIT.as_secs()
                ),
            );
        }
    }

    fn stop_request(&self, queue: &Queue, request: &Rc<Request>, action: u32) {
        let owners = [Owner::Driver(queue.handle), Owner::Target(queue.handle)];
        let mine = owners.contains(&request.owner.get());
        // One that is being canceled is on its way to its end.
        if !mine || request.cancel_called.get() || queue.config.EvtIoStop.0 == 0 {
            return;
        }
        let cancelable = if request.cancel.get() == 0 {
            0
        } else {
            STOP_CANCELABLE
        };
        request.stopping.set(true);
        let arguments = [queue.handle, request.handle, u64::from(action | cancelable)];
        let callback = queue.config.EvtIoStop.0;
        queue.lock.clone().hold(self, || {
            self.call_driver("EvtIoStop", request.handle, callback, &arguments);
        });
        request.stopping.set(false);
    }

    /// Purges those of a removed device's queues that are power-managed or not: new requests fail, what
    /// waits is canceled. EvtIoStop for what the driver still owns; then a wait for that, and for the
    /// callbacks that were given a request, whatever has become of it.
    pub(crate) fn purge_queues(&self, device: &Device, power_managed: bool) {
        let queues = device.queues_that_are(power_managed);
        for queue in &queues {
            queue.accepting.set(false);
        }
        for queue in queues {
            self.purge(&queue);
            self.stop_requests(&queue, STOP_PURGE);
            self.block_until(move |_| queue.has_reached(true));
        }
    }

    /// Ends what waits in a device's queues and was sent through a file that is cleaned up.
    pub(crate) fn flush_file(&self, device: &Device, file: u64) {
        let queues = device.queues.borrow().clone();
        for queue in queues {
            let waiting: Vec<_> = queue.waiting.borrow().iter().cloned().collect();
            for request in waiting {
                if request.irp.file_id() == file && queue.take_waiting(&request) {
                    request.irp.cancelled.set(true);
                    self.canceled_on_queue(&queue, &request);
                }
            }
        }
    }
}

/// The queue of a call that stops, drains or purges it.
fn queue_to_suspend(host: &Host, call: &Call) -> Rc<Queue> {
    host.check_not_surprised(
        &rules::SURPRISE_REMOVE_NO_SUSPEND_QUEUE,
        "a queue is stopped, drained or purged",
    );
    host.body::<Queue>(call.arg(0))
}

services! {
    WdfIoQueueGetState <= DISPATCH => state;
    WdfIoQueueStart <= DISPATCH => start;
    WdfIoQueueStop <= DISPATCH => stop;
    WdfIoQueueStopSynchronously <= PASSIVE => stop_synchronously;
    WdfIoQueueDrain <= DISPATCH => drain;
    WdfIoQueueDrainSynchronously <= PASSIVE => drain_synchronously;
    WdfIoQueuePurge <= DISPATCH => purge;
    WdfIoQueuePurgeSynchronously <= PASSIVE => purge_synchronously;
    WdfIoQueueStopAndPurge <= DISPATCH => stop_and_purge;
    WdfIoQueueStopAndPurgeSynchronously <= PASSIVE => stop_and_purge_synchronously;
}

/// WdfIoQueueGetState(Queue, QueueRequests, DriverRequests)
fn state(host: &Host, call: &Call) -> u32 {
    let queue = host.body::<Queue>(call.arg(0));
    let waiting = queue.waiting.borrow().len();
    let presented = queue.presented.borrow().len();
    for (index, count) in [(1, waiting), (2, presented)] {
        if call.arg(index) != 0 {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            host.memory.write(call.arg(index), &count);
        }
    }
    let powered = !queue.power_managed || queue.powered.get();
    u32::from(queue.accepting.get())
        | u32::from(queue.dispatching.get()) << 1
        | u32::from(waiting == 0) << 2
        | u32::from(presented == 0) << 3
        | u32::from(!powered) << 4
}

fn start(host: &Host, call: &Call) {
    let queue = host.body::<Queue>(call.arg(0));
    queue.canceling.set(false);
    queue.accepting.set(true);
    queue.dispatching.set(true);
    host.present_requests(&queue);
}

/// WdfIoQueueStop(Queue, StopComplete, Context): requests wait.
fn stop(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.change_state(&queue, true, false, false, call);
    host.queue_changed(&queue);
}

fn stop_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    queue.accepting.set(true);
    queue.dispatching.set(false);
    host.wait_for_state(&queue, false, "WdfIoQueueStopSynchronously");
}

/// WdfIoQueueDrain(Queue, DrainComplete, Context): what is there is handed out, new requests fail.
fn drain(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.change_state(&queue, false, true, true, call);
    host.present_requests(&queue);
    host.queue_changed(&queue);
}

fn drain_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    queue.accepting.set(false);
    queue.dispatching.set(true);
    host.present_requests(&queue);
    host.wait_for_state(&queue, true, "WdfIoQueueDrainSynchronously");
}

/// WdfIoQueuePurge(Queue, PurgeComplete, Context): what is there is canceled, new requests fail.
fn purge(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.change_state(&queue, false, true, true, call);
    host.purge(&queue);
    host.queue_changed(&queue);
}

fn purge_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    queue.accepting.set(false);
    host.purge(&queue);
    host.wait_for_state(&queue, true, "WdfIoQueuePurgeSynchronously");
}

/// WdfIoQueueStopAndPurge(Queue, Complete, Context): what is there is canceled, new requests wait.
fn stop_and_purge(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.change_state(&queue, true, false, true, call);
    host.purge(&queue);
    host.queue_changed(&queue);
}

fn stop_and_purge_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    queue.accepting.set(true);
    queue.dispatching.set(false);
    host.purge(&queue);
    host.wait_for_state(&queue, true, "WdfIoQueueStopAndPurgeSynchronously");
}
