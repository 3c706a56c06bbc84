//! I/O queues: how requests wait and are presented to the driver.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_CANCELLED, STATUS_INVALID_DEVICE_STATE, STATUS_WDF_BUSY},
    types::WDF_IO_QUEUE_CONFIG,
};

use kmdf_machine::Edge;

use super::{
    object::Body,
    queue_power::Power,
    queue_present::Later,
    queue_state::Told,
    request::{Owner, Request},
    serial::{CallbackLock, Constraints},
};
use crate::{host::Host, io::Major};

/// How a queue gives its requests to the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatch {
    /// One at a time.
    Sequential,
    /// Up to that many at a time.
    Parallel(u32),
    /// When the driver asks.
    Manual,
}

/// WDFQUEUE
pub(crate) struct Queue {
    pub(crate) handle: u64,
    pub(crate) device: u64,
    pub(crate) is_default: bool,
    pub(crate) dispatch: Dispatch,
    pub(crate) power_managed: bool,
    pub(crate) constraints: Constraints,
    /// Held around its callbacks.
    pub(crate) lock: CallbackLock,
    /// Its lock, whether or not callbacks run under it.
    pub(crate) own_lock: CallbackLock,
    pub(super) config: WDF_IO_QUEUE_CONFIG,
    /// What the driver did with its requests until they left it comes before the next request of a sequential
    /// queue, and before the end of a wait for the queue.
    pub(super) left: Edge,
    pub(super) waiting: RefCell<VecDeque<Rc<Request>>>,
    /// The requests that the driver has.
    pub(super) presented: RefCell<Vec<Rc<Request>>>,
    /// How many of its requests are just being forwarded: the driver has had them until they are.
    pub(super) leaving: Cell<u32>,
    /// The requests that the driver lets be canceled, in the order of their marking.
    pub(super) cancelable: RefCell<Vec<Rc<Request>>>,
    /// Those whose EvtRequestCancel is due, and what it is.
    pub(super) canceled: RefCell<VecDeque<(Rc<Request>, u64)>>,
    /// Those whose EvtIoCanceledOnQueue is due.
    pub(super) canceled_waiting: RefCell<VecDeque<Rc<Request>>>,
    /// How it stands with its device's power.
    pub(super) power: Cell<Power>,
    /// Whether it has come to the end of a change of power that somebody waits for.
    pub(super) settled: Cell<bool>,
    /// The requests for which EvtIoStop or EvtIoResume is due.
    pub(super) notify: RefCell<VecDeque<Rc<Request>>>,
    /// Whether it takes new requests.
    pub(super) accepting: Cell<bool>,
    /// Whether it hands requests out.
    pub(super) dispatching: Cell<bool>,
    /// Whether its device is being taken down: it takes no requests until that is started again.
    pub(super) shut_down: Cell<bool>,
    /// How many flows see to its events: what happens meanwhile waits for one of them.
    pub(super) active: Cell<u32>,
    /// Whether it was purged and neither started nor told so since: the driver cannot keep a request
    /// of it.
    pub(super) canceling: Cell<bool>,
    /// Who is told when it has stopped.
    pub(super) stopped: RefCell<Option<Told>>,
    /// Who is told when it is purged or drained.
    pub(super) emptied: RefCell<Option<Told>>,
    /// EvtIoQueueReady and its context.
    pub(super) ready: Cell<Option<(u64, u64)>>,
    /// Whether a request has come to the empty queue since EvtIoQueueReady was called.
    pub(super) from_empty: Cell<bool>,
    /// Whether WdfIoQueueFindRequest has found nothing in it when it was called last.
    pub(super) found_none: Cell<bool>,
    /// Sees to its events where the flow that could must not.
    pub(super) later: OnceCell<Later>,
}

impl Body for Queue {
    const KIND: &'static str = "WDFQUEUE";
}

impl Queue {
    /// How many of its requests the driver has.
    pub(super) fn driver_count(&self) -> usize {
        self.presented.borrow().len() + self.leaving.get() as usize
    }

    /// Whether neither it nor the driver has any of its requests.
    pub(super) fn is_empty(&self) -> bool {
        self.driver_count() == 0 && self.waiting.borrow().is_empty()
    }

    pub(super) fn callback(&self, major: Major) -> Option<u64> {
        let specific = match major {
            Major::Read => self.config.EvtIoRead.0,
            Major::Write => self.config.EvtIoWrite.0,
            Major::DeviceControl => self.config.EvtIoDeviceControl.0,
            Major::InternalControl => self.config.EvtIoInternalDeviceControl.0,
            Major::Create => 0,
        };
        [specific, self.config.EvtIoDefault.0]
            .into_iter()
            .find(|&callback| callback != 0)
    }

    /// Whether it takes requests of a kind: a manual queue takes all.
    pub(super) fn takes(&self, major: Major) -> bool {
        self.dispatch == Dispatch::Manual || self.callback(major).is_some()
    }

    /// Makes a request the driver's.
    pub(super) fn give(&self, request: &Rc<Request>) {
        request.owner.set(Owner::Driver(self.handle));
        self.presented.borrow_mut().push(Rc::clone(request));
    }

    /// Forgets a request that is no longer the driver's.
    pub(crate) fn forget(&self, request: &Rc<Request>) {
        for list in [&self.presented, &self.cancelable] {
            list.borrow_mut()
                .retain(|other| !Rc::ptr_eq(other, request));
        }
    }

    /// Takes a request that still waits out of the queue.
    pub(crate) fn take_waiting(&self, request: &Rc<Request>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|other| !Rc::ptr_eq(other, request));
        waiting.len() < before
    }

    /// A request has begun to wait.
    fn filled(&self) {
        if self.waiting.borrow().len() == 1 {
            self.from_empty.set(true);
        }
    }

    /// Tells EvtIoQueueReady of what waits already.
    pub(super) fn notice_waiting(&self) {
        if !self.waiting.borrow().is_empty() {
            self.from_empty.set(true);
        }
    }
}

impl Host {
    /// Takes a new request in.
    pub(crate) fn enqueue_new(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        if queue.accepting.get() {
            self.dispatch_with(queue, Some(Rc::clone(request)));
        } else {
            self.complete_request(request, STATUS_INVALID_DEVICE_STATE, 0);
        }
    }

    /// Has a new request wait, unless it is canceled.
    pub(super) fn insert_new(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        if request.irp.canceled.get() {
            return self.complete_request(request, STATUS_CANCELLED, 0);
        }
        request.owner.set(Owner::Queue(queue.handle));
        queue.waiting.borrow_mut().push_back(Rc::clone(request));
        queue.filled();
    }

    /// Takes in a request that the driver has had.
    pub(super) fn enqueue_forwarded(
        &self,
        queue: &Rc<Queue>,
        request: &Rc<Request>,
    ) -> Result<(), NtStatus> {
        if !queue.accepting.get() {
            return Err(STATUS_WDF_BUSY);
        }
        self.hands_over(request);
        request.owner.set(Owner::Queue(queue.handle));
        if request.irp.canceled.get() {
            self.canceled_on_queue(queue, request);
        } else {
            queue.waiting.borrow_mut().push_back(Rc::clone(request));
            queue.filled();
        }
        self.dispatch_events(queue);
        Ok(())
    }

    /// Forwards a request to another queue.
    pub(super) fn forward(
        &self,
        source: u64,
        target: &Rc<Queue>,
        request: &Rc<Request>,
    ) -> Result<(), NtStatus> {
        if source == 0 {
            return self.enqueue_forwarded(target, request);
        }
        let source = self.body::<Queue>(source);
        if !target.accepting.get() {
            return Err(STATUS_WDF_BUSY);
        }
        source.forget(request);
        source.leaving.update(|count| count + 1);
        let forwarded = self.enqueue_forwarded(target, request);
        source.leaving.update(|count| count - 1);
        self.dispatch_internal(&source);
        forwarded
    }

    /// Puts a request back at the head of its queue.
    pub(super) fn requeue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        self.hands_over(request);
        queue.forget(request);
        request.owner.set(Owner::Queue(queue.handle));
        if queue.canceling.get() || request.irp.canceled.get() {
            self.canceled_on_queue(queue, request);
        } else {
            queue.waiting.borrow_mut().push_front(Rc::clone(request));
            queue.filled();
        }
    }
}
