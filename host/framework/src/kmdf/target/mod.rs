//! The local I/O target: the driver below, to which a driver sends what it does not answer itself, and
//! requests of its own. What is below answers is the device's matter: [`kmdf_bus::Answer`].
//!
//! Remote targets (other stacks, opened by name) are not played.

pub(crate) mod below;
pub(crate) mod format;
pub(crate) mod own;
pub(crate) mod send;
pub(crate) mod synchronous;

use std::cell::{Cell, RefCell};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS, STATUS_WDF_DEVICE_REMOVED_NOT_SENT};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{attributes::Attributes, device::Device, object::Body, property};
use crate::host::{Host, services};

/// Where a target stands: a `WDF_IO_TARGET_STATE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// What is sent goes down.
    Started = 1,
    /// What is sent waits until the target is started.
    Stopped = 2,
    /// What is sent fails.
    Purged = 6,
}

/// WDFIOTARGET
pub(crate) struct IoTarget {
    pub(crate) device: u64,
    state: Cell<State>,
    /// The requests that were sent and are not back, in their order.
    sent: RefCell<Vec<u64>>,
    /// Those that wait for the target to be started.
    queued: RefCell<Vec<below::Queued>>,
}

impl Body for IoTarget {
    const KIND: &'static str = "WDFIOTARGET";
}

services! {
    WdfDeviceGetIoTarget <= DISPATCH => of_device;
    WdfIoTargetGetDevice <= DISPATCH => device;
    WdfIoTargetStart <= DISPATCH => start;
    WdfIoTargetStop <= DISPATCH => stop;
    WdfIoTargetPurge <= DISPATCH => purge;
    WdfIoTargetGetState <= DISPATCH => state;
    WdfIoTargetWdmGetTargetDeviceObject <= DISPATCH => wdm_device;
    WdfIoTargetWdmGetTargetPhysicalDevice <= DISPATCH => wdm_physical;
    WdfIoTargetWdmGetTargetFileObject <= DISPATCH => nothing;
    WdfIoTargetWdmGetTargetFileHandle <= DISPATCH => handle_of_remote;
    WdfIoTargetQueryTargetProperty <= PASSIVE => query_property;
    WdfIoTargetAllocAndQueryTargetProperty <= PASSIVE => allocate_property;
}

/// WdfDeviceGetIoTarget(Device): made when it is first asked for. Nothing is below a control device.
fn of_device(host: &Host, call: &Call) -> u64 {
    let device = host.body::<Device>(call.arg(0));
    if device.is_control() {
        return 0;
    }
    if device.io_target.get() == 0 {
        let parent = host.object(device.handle);
        let (object, _) = host.create_object(Some(&parent), &Attributes::default(), |_| IoTarget {
            device: device.handle,
            state: Cell::new(State::Started),
            sent: RefCell::default(),
            queued: RefCell::default(),
        });
        device.io_target.set(object.handle);
    }
    device.io_target.get()
}

fn device(host: &Host, call: &Call) -> u64 {
    host.body::<IoTarget>(call.arg(0)).device
}

/// WdfIoTargetStart(IoTarget): what waits goes down.
fn start(host: &Host, call: &Call) -> NtStatus {
    let target = host.body::<IoTarget>(call.arg(0));
    target.state.set(State::Started);
    for queued in target.queued.take() {
        host.send_queued(call.arg(0), queued);
    }
    STATUS_SUCCESS
}

/// WdfIoTargetStop(IoTarget, Action): a `WDF_IO_TARGET_SENT_IO_ACTION`, or nothing is done.
fn stop(host: &Host, call: &Call) {
    const CANCEL: u32 = 1;
    const WAIT: u32 = 2;
    const LEAVE: u32 = 3;
    let target = host.body::<IoTarget>(call.arg(0));
    if !(CANCEL..=LEAVE).contains(&call.arg32(1)) {
        return;
    }
    target.state.set(State::Stopped);
    match call.arg32(1) {
        CANCEL => {
            host.cancel_sent(&target);
            host.wait_for_sent(call.arg(0), "WdfIoTargetStop");
        }
        WAIT => host.wait_for_sent(call.arg(0), "WdfIoTargetStop"),
        _ => {}
    }
}

/// WdfIoTargetPurge(IoTarget, Action): a `WDF_IO_TARGET_PURGE_IO_ACTION`, or nothing is done.
fn purge(host: &Host, call: &Call) {
    const AND_WAIT: u32 = 1;
    const PURGE: u32 = 2;
    let target = host.body::<IoTarget>(call.arg(0));
    if !(AND_WAIT..=PURGE).contains(&call.arg32(1)) {
        return;
    }
    target.state.set(State::Purged);
    for queued in target.queued.take() {
        host.end_queued(call.arg(0), &queued, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
    }
    host.cancel_sent(&target);
    if call.arg32(1) == AND_WAIT {
        host.wait_for_sent(call.arg(0), "WdfIoTargetPurge");
    }
}

fn state(host: &Host, call: &Call) -> u32 {
    host.body::<IoTarget>(call.arg(0)).state.get() as u32
}

fn wdm_device(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    host.body::<Device>(target.device).wdm_attached()
}

fn wdm_physical(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    host.body::<Device>(target.device).wdm_physical()
}

/// WdfIoTargetWdmGetTargetFileHandle(IoTarget): of a remote target only.
fn handle_of_remote(host: &Host, call: &Call) {
    host.body::<IoTarget>(call.arg(0));
    host.violation(
        &rules::INVALID_HANDLE,
        "WdfIoTargetWdmGetTargetFileHandle is called for a target that is not a remote one",
    );
}

/// WdfIoTargetWdmGetTargetFileObject: a local target has none.
fn nothing(host: &Host, call: &Call) -> u64 {
    host.body::<IoTarget>(call.arg(0));
    0
}

/// WdfIoTargetQueryTargetProperty: those of its device.
fn query_property(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let target = host.body::<IoTarget>(call.arg(0));
    property::query(host, call, host.body::<Device>(target.device).slot)
}

/// WdfIoTargetAllocAndQueryTargetProperty: those of its device.
fn allocate_property(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let target = host.body::<IoTarget>(call.arg(0));
    property::allocate(host, call, host.body::<Device>(target.device).slot)
}
