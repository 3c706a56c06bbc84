//! Device objects and their interfaces.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::types::{WDF_FDO_EVENT_CALLBACKS, WDF_PNPPOWER_EVENT_CALLBACKS};
use kmdf_machine::cpu::stub::Call;

use super::{
    attributes::Attributes,
    child_list::ChildList,
    device_interface::Interface,
    file::FileConfig,
    interrupt::{AssignedVector, Interrupt},
    object::Body,
    pdo::Pdo,
    power_policy::PowerPolicy,
    property_data::Properties,
    query_interface::OfferedInterface,
    queue::Queue,
    relations::Relations,
    resources::requirements::Alternatives,
    serial::{CallbackLock, Constraints},
    states::States,
    wdm_dispatch::DispatchCallback,
    wdm_irp::Preprocess,
};
use crate::{
    host::{Host, services},
    io::{File, Major},
    pnp::{Grant, Resources},
};

/// Where a device stands with PnP and power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// EvtDriverDeviceAdd runs.
    Adding,
    /// It has no resources.
    Stopped,
    /// EvtDevicePrepareHardware runs.
    PreparingHardware,
    /// It has resources and is not in D0.
    LowPower,
    /// It is in D0 and its power-managed queues are started.
    Working,
    /// It has been surprise-removed.
    SurpriseRemoved,
    /// It is gone.
    Removed,
}

/// How self-managed I/O stands (selfmanagediostatemachine.cpp).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SelfManagedIo {
    /// EvtDeviceSelfManagedIoInit was not called.
    #[default]
    Created,
    /// EvtDeviceSelfManagedIoInit failed, or one of the others: it is not called again until it is
    /// flushed.
    Failed,
    Started,
    Stopped,
    Flushed,
    /// EvtDeviceSelfManagedIoCleanup was called, or will never be.
    Final,
}

/// WDFDEVICE
pub(crate) struct Device {
    pub(crate) handle: u64,
    /// The slot of its function; [`NO_SLOT`] for a control device, and a number that only it has for the
    /// device of a child.
    pub(crate) slot: usize,
    pub(crate) phase: Cell<Phase>,
    pub(crate) callbacks: WDF_PNPPOWER_EVENT_CALLBACKS,
    /// What filters its resources.
    pub(crate) fdo_callbacks: WDF_FDO_EVENT_CALLBACKS,
    /// What the filters have made of its requirements, for which grant.
    pub(crate) filtered: RefCell<Option<(Grant, Alternatives)>>,
    pub(crate) constraints: Constraints,
    /// Held around the callbacks of everything below it, with the synchronization scope Device.
    pub(crate) lock: CallbackLock,
    /// Its lock, whether or not callbacks run under it.
    pub(crate) own_lock: CallbackLock,
    pub(crate) io_type: i32,
    pub(crate) exclusive: bool,
    pub(crate) files: Option<FileConfig>,
    pub(crate) request_attributes: Attributes,
    pub(crate) interrupts: RefCell<Vec<Rc<Interrupt>>>,
    /// The interrupts that PnP assigned, in the order of the resources.
    pub(crate) vectors: RefCell<Vec<AssignedVector>>,
    pub(crate) queues: RefCell<Vec<Rc<Queue>>>,
    /// The queues that certain requests go to instead of the default queue.
    pub(crate) dispatching: RefCell<Vec<(Major, Rc<Queue>)>>,
    pub(crate) interfaces: RefCell<Vec<Interface>>,
    /// What it offers other drivers.
    pub(crate) offered: RefCell<Vec<OfferedInterface>>,
    /// The symbolic link that leads to it: one at most.
    pub(crate) link: RefCell<Option<String>>,
    /// EvtIoInCallerContext, or 0.
    pub(crate) in_caller_context: u64,
    /// What chooses the queues of requests.
    pub(crate) dispatch_callbacks: RefCell<Vec<DispatchCallback>>,
    /// The devices that depend on it.
    pub(crate) relations: Relations,
    /// What sees requests before the framework does.
    pub(crate) preprocess: Vec<Preprocess>,
    /// The transaction that its DMA adapter is allocated to, or 0: with version 2 of the DMA operations
    /// a packet at a time.
    pub(crate) packet: Cell<u64>,
    /// Its WDFIOTARGET, once it was asked for, or 0.
    pub(crate) io_target: Cell<u64>,
    /// Its WDFIOTARGET that leads to itself, if it has one, or 0.
    pub(crate) self_target: Cell<u64>,
    /// Whether it is a filter: its queues have no power of their own.
    pub(crate) is_filter: bool,
    /// The open handles.
    pub(crate) open: RefCell<Vec<Rc<File>>>,
    /// Whether its removal has begun: new requests fail.
    pub(crate) removing: Cell<bool>,
    /// The resource lists it was started with.
    pub(crate) resources: Cell<Option<Resources>>,
    /// How its interrupts were granted when it was last started.
    pub(crate) grant: Cell<Grant>,
    pub(crate) self_managed: Cell<SelfManagedIo>,
    pub(crate) states: States,
    pub(crate) policy: PowerPolicy,
    /// Whether its power-down may cause paging I/O: then its interrupts are disconnected in Dx.
    pub(crate) is_pageable: bool,
    /// Whether PnP has enabled its interfaces: it does so when the device is started first.
    pub(crate) was_started: Cell<bool>,
    pub(crate) characteristics: Cell<u32>,
    pub(crate) alignment: Cell<u32>,
    /// What WdfDeviceSetFailed asked for: `WDF_DEVICE_FAILED_ACTION`, or 0.
    pub(crate) failed: Cell<u32>,
    /// The name that WdfDeviceInitAssignName gave it; empty without one.
    pub(crate) name: String,
    /// The name of its MOF resource, for WMI.
    pub(crate) mof_resource: RefCell<Option<String>>,
    /// What the driver has told PnP of it: the members of WDF_DEVICE_STATE, each a `WDF_TRI_STATE`.
    pub(crate) told: Cell<[i32; 7]>,
    /// Whether it leaves D0, or has left it, because the system sleeps.
    pub(crate) sleeping: Cell<bool>,
    /// The properties that the driver has assigned.
    pub(crate) properties: RefCell<Properties>,
    /// What it is besides, if it is the device of a child.
    pub(crate) pdo: Option<Pdo>,
    /// The lists of its children; first that of the static ones, if it has one.
    pub(crate) lists: RefCell<Vec<Rc<ChildList>>>,
    /// The handle of its default list; 0 without one.
    pub(crate) default_list: Cell<u64>,
    /// What WdfDeviceSetBusInformationForChildren said: a PNP_BUS_INFORMATION.
    pub(crate) bus_information: Cell<Option<[u8; 24]>>,
    /// Whether its children are to be looked at when it is awake.
    pub(crate) children_due: Cell<bool>,
    /// The address that stands for its DEVICE_OBJECT; those of the devices below follow.
    pub(super) wdm: [u64; 3],
}

impl Body for Device {
    const KIND: &'static str = "WDFDEVICE";
}

impl Device {
    /// The address that stands for its DEVICE_OBJECT.
    pub(crate) const fn wdm_own(&self) -> u64 {
        self.wdm[0]
    }

    /// The address that stands for the DEVICE_OBJECT at the bottom of its stack.
    pub(crate) const fn wdm_physical(&self) -> u64 {
        self.wdm[2]
    }

    /// The address that stands for the DEVICE_OBJECT below it.
    pub(crate) const fn wdm_attached(&self) -> u64 {
        self.wdm[1]
    }

    /// Whether it is a control device: PnP knows nothing of it.
    pub(crate) const fn is_control(&self) -> bool {
        self.slot == NO_SLOT
    }

    /// Whether it is the device of a function.
    pub(crate) const fn is_fdo(&self) -> bool {
        self.slot < FIRST_CHILD
    }

    /// Whether PnP knows it.
    pub(crate) fn is_known(&self) -> bool {
        match &self.pdo {
            Some(pdo) => pdo.known.get(),
            None => !self.is_control(),
        }
    }

    /// The list of its static children.
    pub(crate) fn statics(&self) -> Rc<ChildList> {
        Rc::clone(&self.lists.borrow()[0])
    }

    /// The queue that takes requests nobody configured otherwise.
    pub(crate) fn default_queue(&self) -> Option<Rc<Queue>> {
        self.queues
            .borrow()
            .iter()
            .find(|queue| queue.is_default)
            .cloned()
    }

    /// Its queues that are power-managed, or those that are not.
    pub(crate) fn queues_that_are(&self, power_managed: bool) -> Vec<Rc<Queue>> {
        let mut queues = self.queues.borrow().clone();
        queues.retain(|queue| queue.power_managed == power_managed);
        queues
    }

    /// Whether its interfaces may be enabled: from when it is first started until its removal.
    pub(crate) fn offers_interfaces(&self) -> bool {
        self.was_started.get() && !self.removing.get()
    }

    /// Forgets what the driver told PnP of failures: the device gets its resources.
    pub(crate) fn forget_failures(&self) {
        /// Failed, Removed, ResourcesChanged.
        const FAILURES: [usize; 3] = [2, 4, 5];
        let mut told = self.told.get();
        for index in FAILURES {
            told[index] = WDF_USE_DEFAULT;
        }
        self.told.set(told);
    }

    /// From now on nobody opens it.
    pub(crate) fn begin_removal(&self) {
        self.removing.set(true);
        for interface in self.interfaces.borrow_mut().iter_mut() {
            interface.enabled = false;
        }
    }

    /// The queue that takes requests of a kind.
    pub(crate) fn queue_taking(&self, major: Major) -> Option<Rc<Queue>> {
        self.queue_for(major).or_else(|| self.default_queue())
    }

    /// The queue that requests of a kind were directed to.
    pub(crate) fn queue_for(&self, major: Major) -> Option<Rc<Queue>> {
        let dispatching = self.dispatching.borrow();
        let (_, queue) = dispatching.iter().find(|(other, _)| *other == major)?;
        Some(Rc::clone(queue))
    }
}

/// The slot of a device without one.
pub(crate) const NO_SLOT: usize = usize::MAX;
/// The device of a child, as PnP remembers it from one time to the next.
#[derive(Debug)]
pub(crate) struct KnownChild {
    /// What names it: its parent and its IDs.
    pub(super) path: String,
    /// How often it was restarted because it had failed.
    pub(crate) restarts: u32,
}

/// The first slot that is that of a child's device.
pub(crate) const FIRST_CHILD: usize = 1 << 32;

/// Whether a slot is that of a child's device.
pub(crate) const fn is_child(slot: usize) -> bool {
    FIRST_CHILD <= slot && slot != NO_SLOT
}

/// `WdfUseDefault`
pub(super) const WDF_USE_DEFAULT: i32 = 2;
/// `FILE_DEVICE_SECURE_OPEN`
pub(crate) const SECURE_OPEN: u32 = 0x100;
/// `FILE_AUTOGENERATED_DEVICE_NAME`
pub(crate) const AUTOGENERATED_NAME: u32 = 0x80;

services! {
    WdfDeviceGetDriver <= DISPATCH => driver;
}

fn driver(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0));
    host.framework().driver_handle()
}
