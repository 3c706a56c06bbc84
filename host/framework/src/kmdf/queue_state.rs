//! The states of a queue: stopped and started, drained and purged.

use std::{cell::Cell, rc::Rc};

use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{device::Device, queue::Queue, queue_power::Power, request::Request};
use crate::host::{Host, services};

/// Who is told that a queue has reached a state.
pub(super) enum Told {
    /// The driver: EvtIoQueueState, its context, and whether it is called under the queue's lock.
    Driver {
        callback: u64,
        context: u64,
        locked: bool,
    },
    /// A flow that waits.
    Flow(Rc<Cell<bool>>),
}

/// Which end of a queue is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The driver has none of its requests.
    Stopped,
    /// And none waits.
    Emptied,
}

impl Host {
    /// Tells that a queue has reached a state.
    pub(super) fn tell(&self, queue: &Rc<Queue>, told: Told) {
        match told {
            Told::Flow(reached) => reached.set(true),
            Told::Driver {
                callback,
                context,
                locked,
            } => {
                let call = || {
                    let arguments = [queue.handle, context];
                    self.call_driver("EvtIoQueueState", queue.handle, callback, &arguments);
                };
                self.strand_unless_locked(|| {
                    self.acquires(&queue.left);
                    if locked {
                        queue.lock.clone().hold(self, call);
                    } else {
                        call();
                    }
                });
            }
        }
    }

    /// Notes who is told of the end of a queue.
    fn await_end(&self, queue: &Queue, end: End, told: Told) {
        let place = match end {
            End::Stopped => &queue.stopped,
            End::Emptied => &queue.emptied,
        };
        if place.replace(Some(told)).is_some() {
            let (this, call) = match end {
                End::Stopped => ("stop", "WdfIoQueueStop"),
                End::Emptied => ("drain or purge", "WdfIoQueueDrain or WdfIoQueuePurge"),
            };
            self.violation(
                &rules::CHANGE_QUEUE_STATE,
                format!(
                    "a queue is asked to {this} and to tell, while an earlier {call} has not told: the \
                     framework ends with WDF_VIOLATION (0x10D), WDF_QUEUE_FATAL_ERROR"
                ),
            );
        }
    }

    /// Notes the callback of a call that changes a queue's state, if there is one.
    fn await_callback(&self, queue: &Queue, end: End, call: &Call) {
        let (callback, context) = (call.arg(1), call.arg(2));
        if callback != 0 {
            let told = Told::Driver {
                callback,
                context,
                locked: end == End::Emptied,
            };
            self.await_end(queue, end, told);
        }
    }

    /// Changes a queue's state, and waits until it has reached it.
    fn change_and_wait(&self, queue: &Rc<Queue>, end: End, what: &str, change: impl FnOnce()) {
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
        let reached = Rc::new(Cell::new(false));
        self.await_end(queue, end, Told::Flow(Rc::clone(&reached)));
        change();
        self.dispatch_events(queue);
        self.block_until(move |_| reached.get());
        self.acquires(&queue.left);
    }

    /// A queue takes requests again, and hands none out.
    fn stop_queue(&self, queue: &Rc<Queue>, cancel: bool) {
        queue.accepting.set(!queue.shut_down.get());
        queue.dispatching.set(false);
        if cancel {
            self.purge(queue);
        }
    }

    /// Cancels what waits in a queue and what the driver has of it and lets be canceled, now or, while
    /// the queue is not started again, later.
    pub(super) fn purge(&self, queue: &Rc<Queue>) {
        queue.canceling.set(true);
        loop {
            let waiting = queue.waiting.borrow_mut().pop_front();
            let Some(request) = waiting else { break };
            self.canceled_on_queue(queue, &request);
        }
        loop {
            let cancelable = queue.cancelable.borrow().first().cloned();
            let Some(request) = cancelable else { break };
            self.cancel_marked(queue, &request);
        }
    }

    /// Ends what waits in a device's queues and was sent through a file that is cleaned up.
    pub(crate) fn flush_file(&self, device: &Device, file: u64) {
        let queues = device.queues.borrow().clone();
        for queue in queues {
            let of_file: Vec<Rc<Request>> = {
                let waiting = queue.waiting.borrow();
                let mine = waiting
                    .iter()
                    .filter(|request| request.irp.file_id() == file);
                mine.cloned().collect()
            };
            for request in of_file {
                if queue.take_waiting(&request) {
                    self.canceled_on_queue(&queue, &request);
                }
            }
            self.dispatch_events(&queue);
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
    let presented = queue.driver_count();
    for (index, count) in [(1, waiting), (2, presented)] {
        if call.arg(index) != 0 {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            host.memory.write(call.arg(index), &count);
        }
    }
    let held = queue.power_managed && queue.power.get() != Power::On;
    u32::from(queue.accepting.get())
        | u32::from(queue.dispatching.get()) << 1
        | u32::from(waiting == 0) << 2
        | u32::from(presented == 0) << 3
        | u32::from(held) << 4
}

/// WdfIoQueueStart(Queue): it takes and hands out, but not while its device is taken down.
fn start(host: &Host, call: &Call) {
    let queue = host.body::<Queue>(call.arg(0));
    queue.canceling.set(false);
    queue.accepting.set(!queue.shut_down.get());
    queue.dispatching.set(true);
    queue.notice_waiting();
    host.dispatch_events(&queue);
}

/// WdfIoQueueStop(Queue, StopComplete, Context): requests wait.
fn stop(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.await_callback(&queue, End::Stopped, call);
    host.stop_queue(&queue, false);
    host.dispatch_events(&queue);
}

fn stop_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    let what = "WdfIoQueueStopSynchronously";
    host.change_and_wait(&queue, End::Stopped, what, || {
        host.stop_queue(&queue, false);
    });
}

/// WdfIoQueueDrain(Queue, DrainComplete, Context): new requests fail. What waits is handed out, unless
/// the queue was stopped.
fn drain(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.await_callback(&queue, End::Emptied, call);
    queue.accepting.set(false);
    host.dispatch_events(&queue);
}

fn drain_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    let what = "WdfIoQueueDrainSynchronously";
    host.change_and_wait(&queue, End::Emptied, what, || queue.accepting.set(false));
}

/// WdfIoQueuePurge(Queue, PurgeComplete, Context): what is there is canceled, new requests fail.
fn purge(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.await_callback(&queue, End::Emptied, call);
    queue.accepting.set(false);
    host.purge(&queue);
    host.dispatch_events(&queue);
}

fn purge_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    let what = "WdfIoQueuePurgeSynchronously";
    host.change_and_wait(&queue, End::Emptied, what, || {
        queue.accepting.set(false);
        host.purge(&queue);
    });
}

/// WdfIoQueueStopAndPurge(Queue, Complete, Context): what is there is canceled, new requests wait.
fn stop_and_purge(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    host.await_callback(&queue, End::Stopped, call);
    host.stop_queue(&queue, true);
    host.dispatch_events(&queue);
}

fn stop_and_purge_synchronously(host: &Host, call: &Call) {
    let queue = queue_to_suspend(host, call);
    let what = "WdfIoQueueStopAndPurgeSynchronously";
    host.change_and_wait(&queue, End::Stopped, what, || {
        host.stop_queue(&queue, true);
    });
}
