//! I/O queues: how requests wait, are presented to the driver, and stop with the power.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_CANCELLED, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_PARAMETER, STATUS_SUCCESS, STATUS_WDF_BUSY,
    },
    types::WDF_IO_QUEUE_CONFIG,
};

use super::{
    device::{Device, Phase},
    object::Body,
    request::{Owner, Request},
};
use crate::{cpu::stub::Call, host::Host, io::Major, service::services};

/// `WdfRequestStopActionSuspend`
const STOP_SUSPEND: u32 = 1;
/// `WdfRequestStopActionPurge`
const STOP_PURGE: u32 = 2;
/// `WdfRequestStopRequestCancelable`
const STOP_CANCELABLE: u32 = 0x1000_0000;

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
    config: WDF_IO_QUEUE_CONFIG,
    waiting: RefCell<VecDeque<Rc<Request>>>,
    presented: RefCell<Vec<Rc<Request>>>,
    /// Whether the device's power lets a power-managed queue present requests.
    powered: Cell<bool>,
    /// Whether a flow is presenting requests of a sequential queue.
    presenting: Cell<bool>,
}

impl Body for Queue {
    const KIND: &'static str = "WDFQUEUE";
}

impl Queue {
    fn may_present(&self) -> bool {
        let powered = !self.power_managed || self.powered.get();
        let presented = self.presented.borrow().len();
        powered
            && match self.dispatch {
                Dispatch::Sequential => presented == 0 && !self.presenting.get(),
                Dispatch::Parallel(limit) => presented < limit as usize,
                Dispatch::Manual => false,
            }
    }

    /// Whether nothing waits in it and the driver owns nothing of it.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty() && self.presented.borrow().is_empty()
    }

    fn callback(&self, major: Major) -> Option<u64> {
        let specific = match major {
            Major::Read => self.config.EvtIoRead.0,
            Major::Write => self.config.EvtIoWrite.0,
            Major::DeviceControl => self.config.EvtIoDeviceControl.0,
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
    /// Adds a request at the end of a queue and presents what can be presented.
    pub(crate) fn enqueue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        request.owner.set(Owner::Queue(queue.handle));
        queue.waiting.borrow_mut().push_back(Rc::clone(request));
        self.present_requests(queue);
    }

    /// Puts a request back at the head of its queue.
    pub(crate) fn requeue(&self, queue: &Rc<Queue>, request: &Rc<Request>) {
        queue.forget(request);
        request.owner.set(Owner::Queue(queue.handle));
        queue.waiting.borrow_mut().push_front(Rc::clone(request));
        self.present_requests(queue);
    }

    /// Presents the requests that the queue's rules let through, in this flow.
    pub(crate) fn present_requests(&self, queue: &Rc<Queue>) {
        while queue.may_present() {
            let Some(request) = queue.waiting.borrow_mut().pop_front() else {
                return;
            };
            queue.presented.borrow_mut().push(Rc::clone(&request));
            request.owner.set(Owner::Driver(queue.handle));
            queue.presenting.set(true);
            self.present(queue, &request);
            queue.presenting.set(false);
        }
    }

    fn present(&self, queue: &Queue, request: &Rc<Request>) {
        let irp = &request.irp;
        let Some(callback) = queue.callback(irp.major) else {
            self.complete_request(request, STATUS_INVALID_DEVICE_REQUEST, 0);
            return;
        };
        let (output, input) = (irp.output_length as u64, irp.input.len() as u64);
        let (queue_handle, handle) = (queue.handle, request.handle);
        if callback == queue.config.EvtIoDefault.0 {
            self.call_driver("EvtIoDefault", handle, callback, &[queue_handle, handle]);
            return;
        }
        match irp.major {
            Major::Read => {
                self.call_driver(
                    "EvtIoRead",
                    handle,
                    callback,
                    &[queue_handle, handle, output],
                );
            }
            Major::Write => {
                self.call_driver(
                    "EvtIoWrite",
                    handle,
                    callback,
                    &[queue_handle, handle, input],
                );
            }
            Major::DeviceControl => {
                let arguments = [queue_handle, handle, output, input, irp.code.into()];
                self.call_driver("EvtIoDeviceControl", handle, callback, &arguments);
            }
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
                if request.stop_acknowledged.replace(false) && queue.config.EvtIoResume.0 != 0 {
                    let arguments = [queue.handle, request.handle];
                    self.call_driver(
                        "EvtIoResume",
                        request.handle,
                        queue.config.EvtIoResume.0,
                        &arguments,
                    );
                }
            }
            self.present_requests(&queue);
        }
    }

    /// Stops the power-managed queues of a device: EvtIoStop for each request the driver owns, and
    /// a wait until it has completed, requeued or acknowledged each.
    pub(crate) fn power_down_queues(&self, device: &Device, removing: bool) {
        let queues: Vec<_> = device
            .queues
            .borrow()
            .iter()
            .filter(|queue| queue.power_managed)
            .cloned()
            .collect();
        for queue in &queues {
            queue.powered.set(false);
        }
        for queue in &queues {
            let presented = queue.presented.borrow().clone();
            for request in presented {
                self.stop_request(
                    queue,
                    &request,
                    if removing { STOP_PURGE } else { STOP_SUSPEND },
                );
            }
        }
        for queue in queues {
            self.block_until(move |_| {
                queue
                    .presented
                    .borrow()
                    .iter()
                    .all(|request| request.stop_acknowledged.get())
            });
        }
    }

    fn stop_request(&self, queue: &Queue, request: &Rc<Request>, action: u32) {
        if request.is_completed() || queue.config.EvtIoStop.0 == 0 {
            return;
        }
        let cancelable = if request.cancel.get() == 0 {
            0
        } else {
            STOP_CANCELABLE
        };
        request.stopping.set(true);
        let arguments = [queue.handle, request.handle, u64::from(action | cancelable)];
        self.call_driver(
            "EvtIoStop",
            request.handle,
            queue.config.EvtIoStop.0,
            &arguments,
        );
        request.stopping.set(false);
    }

    /// Cancels everything that waits in a device's queues and waits for what the driver owns.
    pub(crate) fn purge_queues(&self, device: &Device) {
        let queues = device.queues.borrow().clone();
        for queue in queues {
            loop {
                let waiting = queue.waiting.borrow_mut().pop_front();
                let Some(request) = waiting else { break };
                self.complete_request(&request, STATUS_CANCELLED, 0);
            }
            let presented = queue.presented.borrow().clone();
            for request in presented {
                self.cancel_request(&request);
            }
            self.block_until(move |_| queue.is_empty());
        }
    }
}

services! {
    WdfIoQueueCreate <= DISPATCH => create;
    WdfIoQueueGetDevice <= DISPATCH => device;
    WdfDeviceGetDefaultQueue <= DISPATCH => default_queue;
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
        return Err(kmdf_abi::ntstatus::STATUS_UNSUCCESSFUL);
    }
    let callbacks = [
        config.EvtIoDefault.0,
        config.EvtIoRead.0,
        config.EvtIoWrite.0,
        config.EvtIoDeviceControl.0,
        config.EvtIoInternalDeviceControl.0,
    ];
    if dispatch != Dispatch::Manual && callbacks.iter().all(|&callback| callback == 0) {
        return Err(kmdf_abi::ntstatus::STATUS_WDF_NO_CALLBACK);
    }
    let attributes = host.attributes(call.arg(2))?;
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    let (object, queue) = host.create_object(Some(&parent), &attributes, |handle| Queue {
        handle,
        device: device.handle,
        is_default,
        dispatch,
        // WdfUseDefault: power-managed, for a device that is no filter.
        power_managed: config.PowerManaged.0 != 0,
        config,
        waiting: RefCell::default(),
        presented: RefCell::default(),
        powered: Cell::new(device.phase.get() == Phase::Working),
        presenting: Cell::new(false),
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

/// WdfRequestForwardToIoQueue(Request, DestinationQueue)
fn forward(host: &Host, call: &Call) -> NtStatus {
    let request = host.driver_request(call.arg(0), "WdfRequestForwardToIoQueue");
    let target = host.body::<Queue>(call.arg(1));
    let Owner::Driver(source) = request.owner.get() else {
        return STATUS_WDF_BUSY;
    };
    if source == target.handle {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if request.cancel.get() != 0 {
        host.violation(
            "ReqIsCancOnCancReq",
            "a request is forwarded while it is cancelable",
        );
    }
    let source = host.body::<Queue>(source);
    source.forget(&request);
    host.enqueue(&target, &request);
    host.present_requests(&source);
    STATUS_SUCCESS
}
