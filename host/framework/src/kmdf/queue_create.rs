//! Making queues, and which requests go to which.

use std::cell::{Cell, OnceCell, RefCell};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_INVALID_PARAMETER_4,
        STATUS_SUCCESS, STATUS_UNSUCCESSFUL, STATUS_WDF_NO_CALLBACK,
    },
    types::WDF_IO_QUEUE_CONFIG,
};
use kmdf_machine::{Edge, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    attributes::Allowed,
    device::{Device, Phase},
    queue::{Dispatch, Queue},
    queue_power::Power,
    request::Owner,
    serial::{CallbackLock, Constraints, Rank, Scope},
};
use crate::{
    host::{Host, services},
    io::Major,
};

services! {
    WdfIoQueueCreate <= DISPATCH => create;
    WdfIoQueueGetDevice <= DISPATCH => device;
    WdfDeviceGetDefaultQueue <= DISPATCH => default_queue;
    WdfDeviceConfigureRequestDispatching <= DISPATCH => configure;
    WdfRequestForwardToIoQueue <= DISPATCH => forward;
}

/// The dispatch type of a configuration.
fn dispatch_of(config: &WDF_IO_QUEUE_CONFIG) -> Result<Dispatch, NtStatus> {
    let dispatch = match config.DispatchType.0 {
        1 => Dispatch::Sequential,
        2 => Dispatch::Parallel(config.Settings.Parallel().NumberOfPresentedRequests),
        3 => Dispatch::Manual,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let callbacks = [
        config.EvtIoDefault.0,
        config.EvtIoRead.0,
        config.EvtIoWrite.0,
        config.EvtIoDeviceControl.0,
        config.EvtIoInternalDeviceControl.0,
    ];
    let any = callbacks.iter().any(|&callback| callback != 0);
    if dispatch != Dispatch::Manual && !any {
        return Err(STATUS_WDF_NO_CALLBACK);
    }
    let limited = config.Settings.Parallel().NumberOfPresentedRequests != 0;
    let parallel = matches!(dispatch, Dispatch::Parallel(_));
    if dispatch == Dispatch::Manual && any || limited && !parallel {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(dispatch)
}

/// WdfIoQueueCreate(Device, Config, QueueAttributes, Queue)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let attributes = host.attributes_with(call.arg(2), Allowed::LEVEL_AND_SCOPE)?;
    let config: WDF_IO_QUEUE_CONFIG = host.memory.read(call.arg(1));
    if config.Size as usize != size_of::<WDF_IO_QUEUE_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let is_default = config.DefaultQueue != 0;
    if !is_default && call.arg(3) == 0 {
        return Err(STATUS_INVALID_PARAMETER_4);
    }
    if is_default && device.phase.get() != Phase::Adding {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    let above = host.device_above(&parent);
    if above.is_none_or(|above| above.handle != device.handle) {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let constraints = Constraints::of(&attributes, device.constraints);
    if constraints.scope == Scope::Device && constraints.passive != device.constraints.passive {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let dispatch = dispatch_of(&config)?;
    if is_default && device.default_queue().is_some() {
        return Err(STATUS_UNSUCCESSFUL);
    }
    let own_lock = match constraints.scope {
        Scope::Device => device.own_lock.clone(),
        _ => CallbackLock::new(Rank::Queue, constraints.passive),
    };
    let lock = match constraints.scope {
        Scope::Device | Scope::Queue => own_lock.clone(),
        Scope::None => CallbackLock::None,
    };
    let power_managed = match config.PowerManaged.0 {
        _ if device.is_control() => false,
        0 => false,
        1 => true,
        // WdfUseDefault
        _ => !device.is_filter,
    };
    let phase = device.phase.get();
    let shut_down = matches!(phase, Phase::SurpriseRemoved | Phase::Removed);
    let (object, queue) = host.create_object(Some(&parent), &attributes, |handle| Queue {
        handle,
        device: device.handle,
        is_default,
        dispatch,
        power_managed,
        constraints,
        lock,
        own_lock,
        config,
        left: Edge::default(),
        waiting: RefCell::default(),
        presented: RefCell::default(),
        leaving: Cell::new(0),
        cancelable: RefCell::default(),
        canceled: RefCell::default(),
        canceled_waiting: RefCell::default(),
        power: Cell::new(if power_managed && phase != Phase::Working {
            Power::Off
        } else {
            Power::On
        }),
        settled: Cell::new(false),
        notify: RefCell::default(),
        accepting: Cell::new(!shut_down),
        dispatching: Cell::new(true),
        shut_down: Cell::new(shut_down),
        active: Cell::new(0),
        canceling: Cell::new(false),
        stopped: RefCell::default(),
        emptied: RefCell::default(),
        ready: Cell::new(None),
        from_empty: Cell::new(false),
        found_none: Cell::new(false),
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
    let major = match call.arg32(2) {
        0 => Major::Create,
        3 => Major::Read,
        4 => Major::Write,
        14 => Major::DeviceControl,
        15 => Major::InternalControl,
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let queue = host.body::<Queue>(call.arg(1));
    if queue.device != device.handle {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if device.phase.get() != Phase::Adding {
        return Err(STATUS_INVALID_DEVICE_STATE);
    }
    if !queue.takes(major) {
        host.invalid_operation("requests are to go to a queue that has no callback for them");
    }
    // The default queue can take create requests, too: those do not go to it otherwise.
    if queue.is_default && major != Major::Create {
        host.invalid_operation("requests are to go to the default queue, which takes them anyhow");
    }
    if device.queue_for(major).is_some() {
        host.invalid_operation("requests are to go to two queues");
    }
    device.dispatching.borrow_mut().push((major, queue));
    Ok(())
}

/// WdfRequestForwardToIoQueue(Request, DestinationQueue)
fn forward(host: &Host, call: &Call) -> NtStatus {
    let target = host.body::<Queue>(call.arg(1));
    let request = host.driver_request(call.arg(0), "WdfRequestForwardToIoQueue");
    let Owner::Driver(source) = request.owner.get() else {
        return STATUS_INVALID_DEVICE_REQUEST;
    };
    if request.is_marked() {
        host.violation(
            &rules::REQ_IS_CANC_ON_CANC_REQ,
            "a request is forwarded while it is cancelable",
        );
    }
    if request.made_by_driver || source == 0 && request.irp.major != Major::Create {
        host.invalid_operation("a request is forwarded that came from no queue");
    }
    if source == target.handle {
        host.invalid_operation("a request is forwarded to the queue it came from");
    }
    if target.device != request.device.get() {
        host.invalid_operation("a request is forwarded to a queue of another device");
    }
    host.forward(source, &target, &request)
        .map_or_else(|status| status, |()| STATUS_SUCCESS)
}
