//! The device of a child, as the bus driver has made it: a PDO.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_DUPLICATE_OBJECTID, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{
    child_list::{Child, Named},
    device::Device,
    pdo_init::PdoInit,
};
use crate::host::{Host, services};

/// What only the device of a child has.
pub(crate) struct Pdo {
    pub(crate) init: PdoInit,
    /// What it is on its list; nothing for a static one that is not on it.
    pub(crate) child: RefCell<Option<Rc<Child>>>,
    /// Whether it is static.
    pub(crate) is_static: bool,
    /// Whether a static one was added to its list: the driver cannot delete it any more.
    pub(crate) on_list: Cell<bool>,
    /// Whether PnP has asked what resources it needs: only then it knows the device.
    pub(crate) known: Cell<bool>,
    /// Whether it was reported to PnP and is not removed.
    pub(crate) enumerated: Cell<bool>,
    /// The DEVICE_OBJECTs that are ejected with it.
    pub(crate) ejected_with: RefCell<Vec<u64>>,
}

impl Pdo {
    pub(super) fn new(init: PdoInit) -> Self {
        Self {
            child: RefCell::new(init.child.clone()),
            is_static: init.child.is_none(),
            init,
            on_list: Cell::new(false),
            known: Cell::new(false),
            enumerated: Cell::new(false),
            ejected_with: RefCell::default(),
        }
    }

    /// Whether it is the device of a child.
    pub(super) fn is_of(&self, child: &Rc<Child>) -> bool {
        let own = self.child.borrow();
        own.as_ref().is_some_and(|own| Rc::ptr_eq(own, child))
    }
}

services! {
    WdfPdoMarkMissing <= DISPATCH => mark_missing;
    WdfPdoRequestEject <= DISPATCH => request_eject;
    WdfPdoGetParent <= DISPATCH => parent;
    WdfPdoRetrieveIdentificationDescription <= DISPATCH => retrieve_id;
    WdfPdoRetrieveAddressDescription <= DISPATCH => retrieve_address;
    WdfPdoUpdateAddressDescription <= DISPATCH => update_address;
    WdfPdoAddEjectionRelationsPhysicalDevice <= DISPATCH => add_ejection;
    WdfPdoRemoveEjectionRelationsPhysicalDevice <= DISPATCH => remove_ejection;
    WdfPdoClearEjectionRelationsDevices <= DISPATCH => clear_ejections;
    WdfDeviceSetBusInformationForChildren <= DISPATCH => set_bus_information;
}

/// Does something with the child that a call is for; another device is refused.
fn with_pdo<R>(
    host: &Host,
    call: &Call,
    body: impl FnOnce(&Device, &Pdo) -> R,
) -> Result<R, NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    match &device.pdo {
        Some(pdo) => Ok(body(&device, pdo)),
        None => Err(STATUS_INVALID_PARAMETER),
    }
}

/// WdfPdoMarkMissing(Device)
fn mark_missing(host: &Host, call: &Call) -> NtStatus {
    with_pdo(host, call, |device, pdo| {
        host.miss_child(&pdo.init.list, Named::Device(device.handle))
    })
    .unwrap_or_else(|status| status)
}

/// WdfPdoRequestEject(Device)
fn request_eject(host: &Host, call: &Call) {
    let asked = with_pdo(host, call, |device, _| host.request_eject(device.handle));
    if asked != Ok(true) {
        host.invalid_operation(
            "WdfPdoRequestEject is called for a device that is not a child's, or that PnP does not know \
             yet",
        );
    }
}

/// WdfPdoGetParent(Device): NULL for another device than a child's.
fn parent(host: &Host, call: &Call) -> u64 {
    with_pdo(host, call, |_, pdo| pdo.init.parent).unwrap_or(0)
}

/// The child that a device is on its list, if the list is one that the driver sees and descriptions have
/// the size that the one at an address has.
fn described(host: &Host, pdo: &Pdo, address: u64, of_ids: bool) -> Result<Rc<Child>, NtStatus> {
    let list = &pdo.init.list;
    let child = pdo.child.borrow().clone();
    let child = child.ok_or(STATUS_INVALID_DEVICE_REQUEST)?;
    let bytes = if of_ids {
        list.id_bytes()
    } else {
        list.address_bytes()
    };
    if list.is_static() || bytes == 0 || host.memory.read::<u32>(address) != bytes {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    Ok(child)
}

/// WdfPdoRetrieveIdentificationDescription(Device, IdentificationDescription)
fn retrieve_id(host: &Host, call: &Call) -> Result<(), NtStatus> {
    with_pdo(host, call, |_, pdo| {
        let child = described(host, pdo, call.arg(1), true)?;
        host.copy_id(&pdo.init.list, child.id, call.arg(1));
        Ok(())
    })?
}

/// WdfPdoRetrieveAddressDescription(Device, AddressDescription)
fn retrieve_address(host: &Host, call: &Call) -> Result<(), NtStatus> {
    with_pdo(host, call, |_, pdo| {
        let child = described(host, pdo, call.arg(1), false)?;
        let list = &pdo.init.list;
        host.with_list(list, || host.copy_address(list, child.address, call.arg(1)));
        Ok(())
    })?
}

/// WdfPdoUpdateAddressDescription(Device, AddressDescription)
fn update_address(host: &Host, call: &Call) -> Result<(), NtStatus> {
    with_pdo(host, call, |_, pdo| {
        let child = described(host, pdo, call.arg(1), false)?;
        let list = &pdo.init.list;
        host.with_list(list, || host.copy_address(list, call.arg(1), child.address));
        Ok(())
    })?
}

/// WdfPdoAddEjectionRelationsPhysicalDevice(Device, PhysicalDevice)
fn add_ejection(host: &Host, call: &Call) -> NtStatus {
    with_pdo(host, call, |_, pdo| {
        let mut relations = pdo.ejected_with.borrow_mut();
        if relations.contains(&call.arg(1)) {
            return STATUS_DUPLICATE_OBJECTID;
        }
        relations.push(call.arg(1));
        STATUS_SUCCESS
    })
    .unwrap_or_else(|status| status)
}

/// WdfPdoRemoveEjectionRelationsPhysicalDevice(Device, PhysicalDevice)
fn remove_ejection(host: &Host, call: &Call) {
    let _ = with_pdo(host, call, |_, pdo| {
        let mut relations = pdo.ejected_with.borrow_mut();
        relations.retain(|&other| other != call.arg(1));
    });
}

/// WdfPdoClearEjectionRelationsDevices(Device)
fn clear_ejections(host: &Host, call: &Call) {
    let _ = with_pdo(host, call, |_, pdo| pdo.ejected_with.borrow_mut().clear());
}

/// WdfDeviceSetBusInformationForChildren(Device, BusInformation)
fn set_bus_information(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceSetBusInformationForChildren");
    device
        .bus_information
        .set(Some(host.memory.read(call.arg(1))));
}

impl Host {
    /// The slot of the function below a device: for that of a child, the one of its parent.
    pub(crate) fn slot_below(&self, device: &Device) -> usize {
        match &device.pdo {
            Some(pdo) if !self.framework().objects.was(pdo.init.parent, "WDFDEVICE") => {
                self.slot_below(&self.body::<Device>(pdo.init.parent))
            }
            _ => device.slot,
        }
    }

    /// Whether a device is that of a static child which the driver has not added to its list, so that it
    /// may delete it.
    pub(super) fn is_unlisted_static(&self, handle: u64) -> bool {
        let pdo = &self.body::<Device>(handle).pdo;
        pdo.as_ref()
            .is_some_and(|pdo| pdo.is_static && !pdo.on_list.get())
    }

    /// The device that a function is called for, which is that of a function; another is a violation.
    pub(super) fn fdo(&self, call: &Call, what: &str) -> Rc<Device> {
        let device = self.body::<Device>(call.arg(0));
        self.require_fdo(device.slot, what);
        device
    }

    /// Checks that what a function is for is the device of a function, or becomes one.
    pub(super) fn require_fdo(&self, slot: usize, what: &str) {
        self.require_pnp(slot, what);
        if super::device::is_child(slot) {
            self.violation(
                &rules::DEVICE_KIND,
                format!("{what} is called for the device of a child"),
            );
        }
    }
}
