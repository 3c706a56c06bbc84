//! I/O targets, to which a driver sends what it does not answer itself, and requests of its own: the local
//! one, which is the driver below, the device itself, and remote ones, which it opens. What is below answers is
//! the device's matter: [`kmdf_bus::Answer`].

pub(crate) mod below;
pub(crate) mod format;
pub(crate) mod itself;
pub(crate) mod location;
mod notice;
pub(crate) mod others;
pub(crate) mod own;
pub(crate) mod remote;
pub(crate) mod send;
pub(crate) mod synchronous;

pub(crate) use notice::Notice;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_DEVICE_STATE, STATUS_SUCCESS,
    STATUS_WDF_DEVICE_REMOVED_NOT_SENT,
};
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
    /// It was closed because its device is to be removed. What is sent fails, in this and the other states.
    ClosedForQueryRemove = 3,
    /// It was closed.
    Closed = 4,
    /// It is being deleted.
    Deleted = 5,
    /// It was purged.
    Purged = 6,
}

/// Where what is sent goes.
enum Kind {
    /// To the driver below.
    Local,
    /// To the device itself.
    Itself(itself::Itself),
    /// To what the driver has opened.
    Remote(remote::Remote),
}

/// WDFIOTARGET
pub(crate) struct IoTarget {
    pub(crate) handle: u64,
    /// The device that it belongs to.
    pub(crate) device: u64,
    kind: Kind,
    state: Cell<State>,
    /// Whether the EvtDeviceD0Entry that runs has started it, or the last one that ran.
    by_d0_entry: Cell<bool>,
    /// The requests that were sent and are not back, in their order.
    sent: Rc<RefCell<Vec<u64>>>,
    /// Those that wait for the target to be started.
    queued: RefCell<Vec<below::Queued>>,
}

impl Body for IoTarget {
    const KIND: &'static str = "WDFIOTARGET";

    fn dispose(&self, host: &Host) {
        host.delete_target(self);
    }
}

impl IoTarget {
    /// Stops or purges it: one that is closed stays that.
    fn leave_for(&self, state: State) {
        if matches!(
            self.state.get(),
            State::Started | State::Stopped | State::Purged
        ) {
            self.state.set(state);
        }
        self.by_d0_entry.set(false);
    }

    /// The device in whose stack it leads; none for a remote one that is not open.
    pub(crate) fn leads_to(&self, host: &Host) -> Option<Rc<Device>> {
        match &self.kind {
            Kind::Local | Kind::Itself(_) => Some(host.body::<Device>(self.device)),
            Kind::Remote(remote) => remote.opened().map(|opened| opened.device),
        }
    }

    /// One of a device, which is started.
    fn new(handle: u64, device: u64, kind: Kind) -> Self {
        Self {
            handle,
            device,
            kind,
            state: Cell::new(State::Started),
            by_d0_entry: Cell::new(false),
            sent: Rc::default(),
            queued: RefCell::default(),
        }
    }
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
    WdfIoTargetWdmGetTargetFileObject <= DISPATCH => wdm_file;
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
        let (object, _) = host.create_object(Some(&parent), &Attributes::default(), |handle| {
            IoTarget::new(handle, device.handle, Kind::Local)
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
    if target.state.get() == State::Deleted {
        return STATUS_INVALID_DEVICE_STATE;
    }
    let by_d0_entry = host.in_callback("EvtDeviceD0Entry").is_some();
    target.by_d0_entry.set(by_d0_entry);
    host.start_target(&target);
    STATUS_SUCCESS
}

impl Host {
    /// What waits for a target goes down.
    fn start_target(&self, target: &IoTarget) {
        target.state.set(State::Started);
        for queued in target.queued.take() {
            self.send_queued(target.handle, queued);
        }
    }
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
    target.leave_for(State::Stopped);
    match call.arg32(1) {
        CANCEL => {
            host.cancel_sent(&target);
            host.wait_for_sent(&target, "WdfIoTargetStop");
        }
        WAIT => host.wait_for_sent(&target, "WdfIoTargetStop"),
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
    target.leave_for(State::Purged);
    for queued in target.queued.take() {
        host.end_queued(call.arg(0), &queued, STATUS_WDF_DEVICE_REMOVED_NOT_SENT);
    }
    host.cancel_sent(&target);
    if call.arg32(1) == AND_WAIT {
        host.wait_for_sent(&target, "WdfIoTargetPurge");
    }
}

impl Host {
    /// Checks the targets of a device whose EvtDeviceD0Entry has failed.
    pub(crate) fn check_targets_stopped(&self, device: u64) {
        let targets = self.bodies::<IoTarget>();
        let mut started = targets
            .iter()
            .filter(|target| target.device == device && target.by_d0_entry.get());
        if self.checks_all() && started.next().is_some() {
            self.violation(
                &rules::FAIL_D0_ENTRY_IO_TARGET_STATE,
                "EvtDeviceD0Entry has failed, and an I/O target is started that it has started",
            );
        }
    }
}

fn state(host: &Host, call: &Call) -> u32 {
    host.body::<IoTarget>(call.arg(0)).state.get() as u32
}

/// WdfIoTargetWdmGetTargetDeviceObject(IoTarget): NULL of a remote one that is not open, as in the next two.
fn wdm_device(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    let device = host.body::<Device>(target.device);
    match &target.kind {
        Kind::Local => device.wdm_attached(),
        Kind::Itself(_) => device.wdm_own(),
        Kind::Remote(remote) => remote.opened().map_or(0, |opened| opened.object),
    }
}

fn wdm_physical(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    let device = target.leads_to(host);
    device.map_or(0, |device| device.wdm_physical())
}

/// WdfIoTargetWdmGetTargetFileHandle(IoTarget): of a remote target only.
fn handle_of_remote(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    let Some(remote) = target.remote() else {
        host.violation(
            &rules::INVALID_HANDLE,
            "WdfIoTargetWdmGetTargetFileHandle is called for a target that is not a remote one",
        );
    };
    remote.opened().map_or(0, |opened| opened.handle)
}

/// WdfIoTargetWdmGetTargetFileObject: only a remote target has one.
fn wdm_file(host: &Host, call: &Call) -> u64 {
    let target = host.body::<IoTarget>(call.arg(0));
    let opened = target.remote().and_then(remote::Remote::opened);
    opened.map_or(0, |opened| opened.file_object)
}

/// The slot of what a target leads to.
fn slot_of(host: &Host, target: &IoTarget) -> Result<usize, NtStatus> {
    let device = target.leads_to(host).filter(|device| !device.is_control());
    let device = device.ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    Ok(device.slot)
}

/// WdfIoTargetQueryTargetProperty: those of the device that it leads to.
fn query_property(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let target = host.body::<IoTarget>(call.arg(0));
    property::query(host, call, slot_of(host, &target)?)
}

/// WdfIoTargetAllocAndQueryTargetProperty: likewise.
fn allocate_property(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let target = host.body::<IoTarget>(call.arg(0));
    host.memory.write(call.arg(4), &0_u64);
    host.attributes(call.arg(3))?;
    property::allocate(host, call, slot_of(host, &target)?)
}
