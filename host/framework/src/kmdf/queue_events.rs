//! What a queue has to see to, in its order: canceled requests, ends that somebody waits for, power,
//! and requests that can be presented (`FxIoQueue::DispatchEvents`).

use std::rc::Rc;

use kmdf_machine::Irql;

use super::{
    queue::{Dispatch, Queue},
    queue_power::Power,
    queue_present::Later,
    request::Request,
};
use crate::host::Host;

impl Host {
    /// Sees to a queue's events. In this flow, unless its callbacks want PASSIVE_LEVEL and this flow is
    /// above it, or this flow holds their lock, as when a timer's callback completes a request: then
    /// in a work item or a DPC.
    pub(crate) fn dispatch_events(&self, queue: &Rc<Queue>) {
        self.dispatch_with(queue, None);
    }

    /// The same after something that the framework itself has done: where another flow sees to the
    /// queue's events already, that one does.
    pub(crate) fn dispatch_internal(&self, queue: &Rc<Queue>) {
        if queue.active.get() == 0 {
            self.dispatch_events(queue);
        }
    }

    /// Sees to a queue's events, of which a new request is the last.
    pub(super) fn dispatch_with(&self, queue: &Rc<Queue>, mut new: Option<Rc<Request>>) {
        if !self.may_dispatch(queue) {
            if let Some(new) = new {
                self.insert_new(queue, &new);
            }
            if has_events(queue) {
                self.dispatch_later(queue);
            }
            return;
        }
        queue.active.update(|count| count + 1);
        while self.next_event(queue, &mut new) {}
        queue.active.update(|count| count - 1);
    }

    fn may_dispatch(&self, queue: &Queue) -> bool {
        let outside = self.scheduler.current().is_none();
        let too_high = queue.constraints.passive && (outside || self.irql() > Irql::PASSIVE);
        !too_high && !queue.lock.is_mine(self)
    }

    fn dispatch_later(&self, queue: &Rc<Queue>) {
        match queue.later.get_or_init(|| Later::new(queue)) {
            Later::Work(work) => work.enqueue(self),
            Later::Dpc(deferred) => deferred.enqueue(self),
        };
    }

    /// Sees to one event; `false` when there is none. A new request is presented past the queue only
    /// when it is all there is to do.
    fn next_event(&self, queue: &Rc<Queue>, new: &mut Option<Rc<Request>>) -> bool {
        if self.next_of_requests(queue, new) || self.next_end(queue, new) {
            return true;
        }
        if !matches!(queue.power.get(), Power::On | Power::Off) {
            self.insert(queue, new);
            return self.power_event(queue);
        }
        let manual = queue.dispatch == Dispatch::Manual;
        if queue.power.get() == Power::Off || !queue.dispatching.get() || manual || queue.is_full()
        {
            self.insert(queue, new);
            return manual && self.next_ready(queue);
        }
        let waiting = queue.waiting.borrow_mut().pop_front();
        if waiting.is_some() {
            self.insert(queue, new);
        }
        let Some(request) = waiting.or_else(|| new.take()) else {
            return false;
        };
        queue.give(&request);
        self.present(queue, &request);
        true
    }

    fn insert(&self, queue: &Rc<Queue>, new: &mut Option<Rc<Request>>) {
        if let Some(new) = new.take() {
            self.insert_new(queue, &new);
        }
    }

    /// EvtRequestCancel and EvtIoCanceledOnQueue, but not between those of EvtIoStop or EvtIoResume.
    fn next_of_requests(&self, queue: &Rc<Queue>, new: &mut Option<Rc<Request>>) -> bool {
        if queue.power.get().notifies() {
            return false;
        }
        let canceled = queue.canceled.borrow_mut().pop_front();
        if let Some((request, callback)) = canceled {
            self.insert(queue, new);
            self.call_cancel(&queue.lock, &request, callback);
            return true;
        }
        let canceled = queue.canceled_waiting.borrow_mut().pop_front();
        let Some(request) = canceled else {
            return false;
        };
        self.insert(queue, new);
        let arguments = [queue.handle, request.handle];
        let callback = queue.config.EvtIoCanceledOnQueue.0;
        self.strand_unless_locked(|| {
            self.acquires(&request.handed);
            queue.lock.clone().hold(self, || {
                self.call_driver("EvtIoCanceledOnQueue", request.handle, callback, &arguments);
            });
        });
        true
    }

    /// EvtIoQueueState of a queue that has stopped, then of one that is purged or drained. The first is
    /// called without the lock.
    fn next_end(&self, queue: &Rc<Queue>, new: &mut Option<Rc<Request>>) -> bool {
        if queue.active.get() != 1 || queue.driver_count() > 0 {
            return false;
        }
        let stopped = queue.stopped.borrow_mut().take();
        let told = if stopped.is_some() {
            stopped
        } else if queue.waiting.borrow().is_empty() && new.is_none() {
            queue.emptied.borrow_mut().take()
        } else {
            None
        };
        let Some(told) = told else {
            return false;
        };
        self.insert(queue, new);
        queue.canceling.set(false);
        self.tell(queue, told);
        true
    }

    fn next_ready(&self, queue: &Rc<Queue>) -> bool {
        let lets_out = queue.power.get() == Power::On && queue.dispatching.get();
        let Some((callback, context)) = queue.ready.get().filter(|_| lets_out) else {
            return false;
        };
        if !queue.from_empty.replace(false) {
            return false;
        }
        let arguments = [queue.handle, context];
        self.strand_unless_locked(|| {
            queue.lock.clone().hold(self, || {
                self.call_driver("EvtIoQueueReady", queue.handle, callback, &arguments);
            });
        });
        true
    }
}

/// Whether there is anything to see to. The framework does not ask; without it every completion
/// under a callback's lock would be a DPC without work.
fn has_events(queue: &Queue) -> bool {
    !queue.canceled.borrow().is_empty()
        || !queue.canceled_waiting.borrow().is_empty()
        || queue.stopped.borrow().is_some() && queue.driver_count() == 0
        || queue.emptied.borrow().is_some() && queue.is_empty()
        || !matches!(queue.power.get(), Power::On | Power::Off)
        || queue.power.get() == Power::On && queue.can_present()
}

impl Queue {
    /// Whether the driver has as many of its requests as it may.
    fn is_full(&self) -> bool {
        match self.dispatch {
            Dispatch::Sequential => self.driver_count() > 0,
            Dispatch::Parallel(limit) => self.driver_count() >= limit as usize,
            Dispatch::Manual => true,
        }
    }

    /// Whether a request can be presented, or EvtIoQueueReady called.
    fn can_present(&self) -> bool {
        let ready = self.ready.get().is_some() && self.from_empty.get();
        self.dispatching.get() && (ready || !self.is_full() && !self.waiting.borrow().is_empty())
    }
}
