//! I/O queues: how requests wait and are presented to the driver.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_CANCELLED, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_SUCCESS, STATUS_UNSUCCESSFUL,
        STATUS_WDF_BUSY, STATUS_WDF_NO_CALLBACK,
    },
    types::WDF_IO_QUEUE_CONFIG,
};

use super::{
    attributes::Allowed,
    device::{Device, Phase},
    object::Body,
    queue_present::Later,
    queue_state::StateChange,
    request::{Owner, Request},
    serial::{CallbackLock, Constraints, Rank, Scope},
};
use crate::{check::rules, cpu::stub::Call, host::Host, io::Major, service::services};

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
    pub(super) waiting: RefCell<VecDeque<Rc<Request>>>,
    pub(super) presented: RefCell<Vec<Rc<Request>>>,
    /// Whether the device's power lets a power-managed queue present requests.
    pub(super) powered: Cell<bool>,
    /// Whether it takes new requests.
    pub(super) accepting: Cell<bool>,
    /// Whether it hands requests out.
    pub(super) dispatching: Cell<bool>,
    /// How many of its requests are just being presented: their callbacks have not returned.
    pub(super) presenting: Cell<u32>,
    /// Whether it was purged and not started since: the driver cannot keep a request of it.
    pub(super) canceling: Cell<bool>,
    /// What is called when the queue has reached a state.
    pub(super) change: Cell<Option<StateChange>>,
    /// EvtIoQueueReady and its context: called when an empty queue gets a request.
    pub(super) ready: Cell<Option<(u64, u64)>>,
    /// Presents requests where the flow that could must not.
    pub(super) later: OnceCell<Later>,
}

impl Body for Queue {
    const KIND: &'static str = "WDFQUEUE";
}

impl Queue {
    pub(super) fn may_present(&self) -> bool {
        let presented = self.presented.borrow().len();
        self.hands_out()
            && match self.dispatch {
                Dispatch::Sequential => presented == 0 && self.presenting.get() == 0,
                Dispatch::Parallel(limit) => presented < limit as usize,
                Dispatch::Manual => false,
            }
    }

    /// Whether its state and its power let requests out.
    pub(super) fn hands_out(&self) -> bool {
        self.dispatching.get() && (!self.power_managed || self.powered.get())
    }

    pub(super) fn callback(&self, major: Major) -> Option<u64> {
        let specific = match major {
            Major::Read => self.config.EvtIoRead.0,
            Major::Write => self.config.EvtIoWrite.0,
            Major::DeviceControl => self.config.EvtIoDeviceControl.0,
            Major::Create => 0,
        };
        [specific, self.config.EvtIoDefault.0]
            .into_iter()
            .find(|&callback| callback != 0)
    }

    /// Forgets a request that is no longer the driver's.
    pub(crate) fn forget(&self, request: &Rc<Request>) {
        self.presented
            .borrow_mut()
            .retain(|other| !Rc::ptr_eq(other, request));
    }

    /// Takes a request that still waits out of the queue.
    pub(crate) fn take_waiting(&self, request: &Rc<Request>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        let before = waiting.len();
        waiting.retain(|other| !Rc::ptr_eq(other, request));
        waiting.len() < before
    }
}

impl Host {
    /// Takes a new request in.
    pub(crate) fn enqueue_new(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        if queue.accepting.get() {
            self.enqueue(queue, request);
        } else {
            self.complete_request(request, STATUS_INVALID_DEVICE_STATE, 0);
        }
    }

    /// Adds a request at the end of a queue and presents what can be presented.
    pub(crate) fn enqueue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        request.owner.set(Owner::Queue(queue.handle));
        let was_empty = queue.waiting.borrow().is_empty();
        queue.waiting.borrow_mut().push_back(Rc::clone(request));
        if request.irp.cancelled.get() {
            self.cancel_request(request);
            return;
        }
        self.present_requests(queue);
        if was_empty && !queue.waiting.borrow().is_empty() {
            self.call_ready(queue);
        }
    }

    fn call_ready(&self, queue: &Rc<Queue>) {
        if let Some((callback, context)) = queue.ready.get()
            && queue.hands_out()
        {
            let arguments = [queue.handle, context];
            queue.lock.clone().hold(self, || {
                self.call_driver("EvtIoQueueReady", queue.handle, callback, &arguments);
            });
        }
    }

    /// Puts a request back at the head of its queue.
    pub(crate) fn requeue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        if queue.canceling.get() {
            self.complete_request(request, STATUS_CANCELLED, 0);
            return;
        }
        queue.forget(request);
        request.owner.set(Owner::Queue(queue.handle));
        let was_empty = queue.waiting.borrow().is_empty();
        queue.waiting.borrow_mut().push_front(Rc::clone(request));
        if request.irp.cancelled.get() {
            self.cancel_request(request);
        }
        self.present_requests(queue);
        if was_empty && !queue.waiting.borrow().is_empty() {
            self.call_ready(queue);
        }
        self.queue_changed(queue);
    }
}

services! {
    WdfIoQueueCreate <= DISPATCH => create;
    WdfIoQueueGetDevice <= DISPATCH => device;
    WdfDeviceGetDefaultQueue <= DISPATCH => default_queue;
    WdfDeviceConfigureRequestDispatching <= DISPATCH => configure;
    WdfRequestForwardToIoQueue <= DISPATCH => forward;
}

/// WdfIoQueueCreate(Device, Config, QueueAttributes, Queue)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let config: WDF_IO_QUEUE_CONFIG = host.memory.read(call.arg(1));
    if config.Size as usize != size_of::<WDF_IO_QUEUE_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let dispatch = match config.DispatchType.0 {
        1 => Dispatch::Sequential,
        2 => Dispatch::Parallel(config.Settings.Parallel().NumberOfPresentedRequests),
        3 => Dispatch::Manual,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let is_default = config.DefaultQueue != 0;
    if is_default && device.default_queue().is_some() {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let callbacks = [
        config.EvtIoDefault.0,
        config.EvtIoRead.0,
        config.EvtIoWrite.0,
        config.EvtIoDeviceControl.0,
        config.EvtIoInternalDeviceControl.0,
    ];
    let any = callbacks.iter().any(|&callback| callback != 0);
    if dispatch == Dispatch::Manual {
        if any {
            return Err(STATUS_INVALID_PARAMETER);
        }
    } else if !any {
        return Err(STATUS_WDF_NO_CALLBACK);
    }
    let attributes = host.attributes_with(call.arg(2), Allowed::LEVEL_AND_SCOPE)?;
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    let constraints = Constraints::of(&attributes, device.constraints);
    let own_lock = match constraints.scope {
        Scope::Device => device.own_lock.clone(),
        _ => CallbackLock::new(Rank::Queue, constraints.passive),
    };
    let lock = match constraints.scope {
        Scope::Device | Scope::Queue => own_lock.clone(),
        Scope::None => CallbackLock::None,
    };
    let (object, queue) = host.create_object(Some(&parent), &attributes, |handle| Queue {
        handle,
        device: device.handle,
        is_default,
        dispatch,
        // WdfUseDefault: power-managed, for a device that is no filter.
        power_managed: match config.PowerManaged.0 {
            0 => false,
            1 => true,
            // WdfUseDefault
            _ => !device.is_filter && !device.is_control(),
        },
        constraints,
        lock,
        own_lock,
        config,
        waiting: RefCell::default(),
        presented: RefCell::default(),
        powered: Cell::new(device.phase.get() == Phase::Working),
        accepting: Cell::new(true),
        dispatching: Cell::new(true),
        presenting: Cell::new(0),
        canceling: Cell::new(false),
        change: Cell::new(None),
        ready: Cell::new(None),
        later: OnceCell::new(),
    });
    device.queues.borrow_mut().push(queue);
    if call.arg(3) != 0 {
        host.memory.write(call.arg(3), &object.handle);
    }
    Ok(())
}

fn device(host: &Host, call: &Call) -> u64 {
    host.body::<Queue>(call.arg(0)).device
}

fn default_queue(host: &Host, call: &Call) -> u64 {
    let device = host.body::<Device>(call.arg(0));
    device.default_queue().map_or(0, |queue| queue.handle)
}

/// WdfDeviceConfigureRequestDispatching(Device, Queue, RequestType)
fn configure(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let queue = host.body::<Queue>(call.arg(1));
    let major = match call.arg32(2) {
        0 => Major::Create,
        3 => Major::Read,
        4 => Major::Write,
        14 => Major::DeviceControl,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    if queue.device != device.handle {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if queue.dispatch != Dispatch::Manual && queue.callback(major).is_none() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if device.queue_for(major).is_some() {
        return Err(STATUS_WDF_BUSY);
    }
    device.dispatching.borrow_mut().push((major, queue));
    Ok(())
}

/// WdfRequestForwardToIoQueue(Request, DestinationQueue)
fn forward(host: &Host, call: &Call) -> NtStatus {
    let request = host.driver_request(call.arg(0), "WdfRequestForwardToIoQueue");
    let target = host.body::<Queue>(call.arg(1));
    let Owner::Driver(source) = request.owner.get() else {
        return STATUS_INVALID_DEVICE_REQUEST;
    };
    if source == target.handle || target.device != request.device {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if request.cancel.get() != 0 {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "a request is forwarded while it is cancelable",
        );
    }
    if !target.accepting.get() {
        return STATUS_WDF_BUSY;
    }
    if request.stopping.get() {
        request.stop_acknowledged.set(true);
    }
    let source = (source != 0).then(|| host.body::<Queue>(source));
    if let Some(source) = &source {
        source.forget(&request);
    }
    host.enqueue(&target, &request);
    if let Some(source) = source {
        host.present_requests(&source);
        host.queue_changed(&source);
    }
    STATUS_SUCCESS
}
