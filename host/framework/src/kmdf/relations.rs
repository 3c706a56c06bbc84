//! Devices that depend on others: whose special files a device carries, and which are removed with it.

use std::{cell::RefCell, rc::Rc};

use kmdf_abi::ntstatus::{NtStatus, STATUS_DUPLICATE_OBJECTID};
use kmdf_machine::cpu::stub::Call;

use super::device::Device;
use crate::host::{Host, services};

services! {
    WdfDeviceAddDependentUsageDeviceObject <= DISPATCH => add_usage;
    WdfDeviceRemoveDependentUsageDeviceObject <= DISPATCH => remove_usage;
    WdfDeviceAddRemovalRelationsPhysicalDevice <= DISPATCH => add_removal;
    WdfDeviceRemoveRemovalRelationsPhysicalDevice <= DISPATCH => remove_removal;
    WdfDeviceClearRemovalRelationsDevices <= DISPATCH => clear_removal;
}

/// The addresses of DEVICE_OBJECTs that a device is related to.
#[derive(Default)]
pub(crate) struct Relations {
    /// Those that are told of paging files and the like; nobody has one here.
    usage: RefCell<Vec<u64>>,
    /// Those of the devices that are removed with it.
    removal: RefCell<Vec<u64>>,
}

/// `FxRelatedDeviceList::Add`
fn add(list: &RefCell<Vec<u64>>, object: u64) -> Result<(), NtStatus> {
    let mut list = list.borrow_mut();
    if list.contains(&object) {
        return Err(STATUS_DUPLICATE_OBJECTID);
    }
    list.push(object);
    Ok(())
}

fn remove(list: &RefCell<Vec<u64>>, object: u64) {
    list.borrow_mut().retain(|&other| other != object);
}

/// The device and the DEVICE_OBJECT that a function is called for.
fn related(host: &Host, call: &Call, what: &str) -> (Rc<Device>, u64) {
    let device = host.pnp_device(call, what);
    host.require(call.arg(1) != 0, "a related DEVICE_OBJECT is NULL");
    (device, call.arg(1))
}

/// WdfDeviceAddDependentUsageDeviceObject(Device, DependentDevice)
fn add_usage(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (device, object) = related(host, call, "WdfDeviceAddDependentUsageDeviceObject");
    add(&device.relations.usage, object)
}

/// WdfDeviceRemoveDependentUsageDeviceObject(Device, DependentDevice)
fn remove_usage(host: &Host, call: &Call) {
    let (device, object) = related(host, call, "WdfDeviceRemoveDependentUsageDeviceObject");
    remove(&device.relations.usage, object);
}

/// WdfDeviceAddRemovalRelationsPhysicalDevice(Device, PhysicalDevice)
fn add_removal(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (device, object) = related(host, call, "WdfDeviceAddRemovalRelationsPhysicalDevice");
    add(&device.relations.removal, object)
}

/// WdfDeviceRemoveRemovalRelationsPhysicalDevice(Device, PhysicalDevice)
fn remove_removal(host: &Host, call: &Call) {
    let (device, object) = related(host, call, "WdfDeviceRemoveRemovalRelationsPhysicalDevice");
    remove(&device.relations.removal, object);
}

/// WdfDeviceClearRemovalRelationsDevices(Device)
fn clear_removal(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceClearRemovalRelationsDevices");
    device.relations.removal.borrow_mut().clear();
}

impl Host {
    /// The slots of the devices that are removed with one, as far as they are here: PnP asks for them when it is to
    /// be removed.
    pub(crate) fn removed_with(&self, device: &Device) -> Vec<usize> {
        let objects = device.relations.removal.borrow().clone();
        let devices = self.bodies::<Device>();
        let of = |object| devices.iter().find(|other| other.wdm_physical() == object);
        let others = objects.into_iter().filter_map(of);
        let others = others.filter(|other| other.handle != device.handle);
        others.map(|other| other.slot).collect()
    }
}
