//! WDFCHILDLIST: the children that a bus driver says its device has (fxchildlist.cpp). What the driver
//! says is first a modification, and becomes a description when nobody goes through the list. PnP hears
//! of it then, and asks for the devices.

mod calls;
pub(crate) mod change;
pub(crate) mod create;
mod describe;
pub(crate) mod iterate;
pub(crate) mod lookup;
pub(crate) mod relations;
pub(crate) mod scan;
pub(crate) mod statics;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::types::WDF_CHILD_LIST_CONFIG;
use kmdf_kernel::SpinLock;

use super::{device::Device, object::Body};
use crate::host::Host;

/// Where a child stands with PnP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not on the list yet, or no more.
    None,
    /// It is there, and PnP has not asked for its device.
    NeedsDevice,
    /// It is there, and has a device.
    HasDevice,
    /// It is missing, which PnP has not heard.
    NotPresent,
    /// It is missing, and PnP knows.
    ReportedMissing,
}

/// What is to become of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    None,
    Insert,
    Remove,
    /// It goes, and another one like it takes its place.
    Clone,
    /// A static child is gone before it was on the list.
    Discard,
}

/// A child on a list.
#[derive(Debug)]
pub(crate) struct Child {
    /// Addresses of its descriptions; 0 for none.
    pub(super) id: u64,
    pub(super) address: u64,
    pub(crate) state: Cell<State>,
    change: Cell<Change>,
    /// Whether it was seen since the last scan began.
    found: Cell<bool>,
    /// Whether its device is surprise-removed, and somebody has that still open.
    pub(crate) lingers: Cell<bool>,
    /// Whether it goes when the last scan ends.
    goes_after_scan: Cell<bool>,
    /// Whether EvtDeviceReportedMissing is due.
    to_be_told: Cell<bool>,
    /// Handle of its device; 0 for none. A static child has it from the beginning.
    pub(crate) device: Cell<u64>,
}

impl Child {
    pub(super) fn is_present(&self) -> bool {
        matches!(self.state.get(), State::NeedsDevice | State::HasDevice)
    }

    /// Whether it is in one of the states that `WDF_RETRIEVE_CHILD_FLAGS` name.
    fn matches(&self, flags: u32) -> bool {
        let flag = match self.state.get() {
            State::HasDevice => PRESENT,
            State::NotPresent | State::ReportedMissing => MISSING,
            State::NeedsDevice => PENDING,
            State::None => 0,
        };
        flags & flag != 0
    }
}

/// `WdfRetrievePresentChildren`, `WdfRetrieveMissingChildren`, `WdfRetrievePendingChildren`, and all.
const PRESENT: u32 = 1;
const MISSING: u32 = 2;
const PENDING: u32 = 4;
const ALL: u32 = PRESENT | MISSING | PENDING;

/// How a child is named.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    /// By the identification description at an address.
    Description(u64),
    /// By the handle of its device.
    Device(u64),
}

/// A list of children.
#[derive(Debug)]
pub(crate) struct ChildList {
    /// Its handle; 0 for a device's list of static children, which no driver sees.
    pub(crate) handle: u64,
    /// The device whose children they are.
    pub(crate) device: u64,
    config: WDF_CHILD_LIST_CONFIG,
    children: RefCell<Vec<Rc<Child>>>,
    changes: RefCell<Vec<Rc<Child>>>,
    /// Whether the framework goes through it.
    locked: Cell<bool>,
    /// How many scans and iterations are under way.
    scans: Cell<u32>,
    /// Whether PnP is to hear of a change that came before it could.
    changed: Cell<bool>,
    /// Held around what reads or changes it.
    lock: Rc<SpinLock>,
}

/// WDFCHILDLIST
pub(crate) struct WdfChildList(pub(crate) Rc<ChildList>);

impl Body for WdfChildList {
    const KIND: &'static str = "WDFCHILDLIST";
}

impl ChildList {
    fn new(handle: u64, device: u64, config: WDF_CHILD_LIST_CONFIG) -> Self {
        Self {
            handle,
            device,
            config,
            children: RefCell::default(),
            changes: RefCell::default(),
            locked: Cell::new(false),
            scans: Cell::new(0),
            changed: Cell::new(false),
            lock: Rc::default(),
        }
    }

    /// The list of a device's static children.
    pub(crate) fn of_statics(device: u64) -> Rc<Self> {
        Rc::new(Self::new(0, device, WDF_CHILD_LIST_CONFIG::default()))
    }

    /// Whether its children are static.
    pub(crate) fn is_static(&self) -> bool {
        self.handle == 0
    }

    /// Whether nobody goes through it.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.scans.get() == 0
    }

    /// The size of its identification descriptions.
    pub(super) fn id_bytes(&self) -> u32 {
        self.config.IdentificationDescriptionSize
    }

    /// The size of its address descriptions; 0 without them.
    pub(super) fn address_bytes(&self) -> u32 {
        self.config.AddressDescriptionSize
    }

    /// Takes a child off.
    fn forget(&self, child: &Rc<Child>) {
        let mut children = self.children.borrow_mut();
        children.retain(|other| !Rc::ptr_eq(other, child));
    }

    /// Whether a child is on it.
    fn has(&self, child: &Rc<Child>) -> bool {
        let children = self.children.borrow();
        children.iter().any(|other| Rc::ptr_eq(other, child))
    }

    /// Whether a change of a child is pending.
    fn is_changing(&self, child: &Rc<Child>) -> bool {
        let changes = self.changes.borrow();
        changes.iter().any(|other| Rc::ptr_eq(other, child))
    }

    /// Takes back what is pending for a child.
    fn forget_change(&self, child: &Rc<Child>) {
        let mut changes = self.changes.borrow_mut();
        changes.retain(|other| !Rc::ptr_eq(other, child));
    }
}

impl Host {
    /// The child list with that handle.
    pub(super) fn child_list(&self, handle: u64) -> Rc<ChildList> {
        Rc::clone(&self.body::<WdfChildList>(handle).0)
    }

    /// The device of a list, unless that has gone.
    pub(crate) fn device_of_list(&self, list: &ChildList) -> Option<Rc<Device>> {
        let gone = self.framework().objects.was(list.device, Device::KIND);
        (!gone).then(|| self.body::<Device>(list.device))
    }
}
