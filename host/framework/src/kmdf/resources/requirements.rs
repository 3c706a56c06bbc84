//! Resource requirements, as a driver filters them: alternative lists of what its device may be assigned.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_ARRAY_BOUNDS_EXCEEDED, STATUS_INVALID_DEVICE_REQUEST},
    types::{IO_RESOURCE_DESCRIPTOR, WDF_FDO_EVENT_CALLBACKS},
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::list::{AT_END, Descriptors};
use crate::{
    host::{Host, services},
    kmdf::{
        attributes::{Allowed, Attributes},
        device::Device,
        object::{Body, Object},
    },
};

/// Bytes of an IO_RESOURCE_DESCRIPTOR.
const BYTES: usize = size_of::<IO_RESOURCE_DESCRIPTOR>();

/// WDFIORESLIST
struct IoList {
    descriptors: Descriptors<BYTES>,
    /// The requirements that it was made for.
    owner: u64,
}

impl Body for IoList {
    const KIND: &'static str = "WDFIORESLIST";

    fn destroy(&self, host: &Host) {
        self.descriptors.release(host);
    }
}

/// WDFIORESREQLIST
pub(crate) struct Requirements {
    /// The lists of which PnP takes one, the preferred one first.
    lists: RefCell<Vec<Rc<Object>>>,
    slot_number: Cell<u32>,
    interface_type: Cell<u32>,
}

impl Body for Requirements {
    const KIND: &'static str = "WDFIORESREQLIST";
}

/// What a requirements list says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alternatives(pub(crate) Vec<Vec<IO_RESOURCE_DESCRIPTOR>>);

services! {
    WdfFdoInitSetEventCallbacks <= PASSIVE => set_event_callbacks;
    WdfIoResourceRequirementsListSetSlotNumber <= DISPATCH => set_slot_number;
    WdfIoResourceRequirementsListSetInterfaceType <= DISPATCH => set_interface_type;
    WdfIoResourceRequirementsListAppendIoResList <= DISPATCH => append_list;
    WdfIoResourceRequirementsListInsertIoResList <= DISPATCH => insert_list;
    WdfIoResourceRequirementsListGetCount <= DISPATCH => count_lists;
    WdfIoResourceRequirementsListGetIoResList <= DISPATCH => list;
    WdfIoResourceRequirementsListRemove <= DISPATCH => remove_list;
    WdfIoResourceRequirementsListRemoveByIoResList <= DISPATCH => remove_by_list;
    WdfIoResourceListCreate <= DISPATCH => create;
    WdfIoResourceListAppendDescriptor <= DISPATCH => append;
    WdfIoResourceListInsertDescriptor <= DISPATCH => insert;
    WdfIoResourceListUpdateDescriptor <= DISPATCH => update;
    WdfIoResourceListGetCount <= DISPATCH => count;
    WdfIoResourceListGetDescriptor <= DISPATCH => descriptor;
    WdfIoResourceListRemove <= DISPATCH => remove;
    WdfIoResourceListRemoveByDescriptor <= DISPATCH => remove_by_descriptor;
}

impl Host {
    /// Calls a driver's filter of resource requirements: its status, and what the requirements are then.
    pub(crate) fn filter_requirements(
        &self,
        device: &Device,
        what: &'static str,
        callback: u64,
        before: &Alternatives,
    ) -> (NtStatus, Alternatives) {
        /// `PCIBus`
        const PCI: u32 = 5;
        // It is nobody's child: the framework deletes it.
        let (object, requirements) =
            self.create_object(None, &Attributes::default(), |_| Requirements {
                lists: RefCell::default(),
                slot_number: Cell::new(device.slot as u32),
                interface_type: Cell::new(PCI),
            });
        for descriptors in &before.0 {
            let bytes = descriptors.iter().map(|descriptor| {
                let mut bytes = [0; BYTES];
                bytes.copy_from_slice(descriptor.as_bytes());
                bytes
            });
            let (list, _) = self.create_object(Some(&object), &Attributes::default(), |_| IoList {
                descriptors: Descriptors::open(bytes),
                owner: object.handle,
            });
            requirements.lists.borrow_mut().push(list);
        }
        let arguments = [device.handle, object.handle];
        let value = self.call_driver(what, device.handle, callback, &arguments);
        let status = NtStatus(value as u32 as i32);
        let lists = requirements.lists.borrow().clone();
        let after = lists.iter().map(|list| {
            let list = self.body::<IoList>(list.handle);
            let all = list.descriptors.all().into_iter();
            all.filter_map(|bytes| IO_RESOURCE_DESCRIPTOR::read_from_bytes(&bytes).ok())
                .collect()
        });
        let after = Alternatives(after.collect());
        self.delete_object(&object);
        (status, after)
    }

    /// Puts a list among the requirements that it was made for. One that does not get there is deleted.
    fn insert_requirements(&self, call: &Call, index: u32) -> Result<(), NtStatus> {
        let requirements = self.body::<Requirements>(call.arg(0));
        let list = self.body::<IoList>(call.arg(1));
        if list.owner != call.arg(0) {
            return Err(STATUS_INVALID_DEVICE_REQUEST);
        }
        let object = self.object(call.arg(1));
        let count = requirements.lists.borrow().len();
        let place = match index {
            AT_END => count,
            index => index as usize,
        };
        if place > count {
            object.forget_callbacks();
            self.delete_object(&object);
            return Err(STATUS_ARRAY_BOUNDS_EXCEEDED);
        }
        requirements.lists.borrow_mut().insert(place, object);
        Ok(())
    }
}

/// WdfFdoInitSetEventCallbacks(DeviceInit, FdoEventCallbacks)
fn set_event_callbacks(host: &Host, call: &Call) {
    let slot = host.known_device_init(call.arg(0)).slot;
    host.require_pnp(slot, "WdfFdoInitSetEventCallbacks");
    let callbacks: WDF_FDO_EVENT_CALLBACKS =
        host.structure("WDF_FDO_EVENT_CALLBACKS", call.arg(1), 0);
    host.require(
        callbacks.EvtDeviceFilterAddResourceRequirements.0 == 0
            || callbacks.EvtDeviceRemoveAddedResources.0 != 0,
        "EvtDeviceFilterAddResourceRequirements needs EvtDeviceRemoveAddedResources, which takes out again \
         what it adds",
    );
    host.device_init(call.arg(0), |init| init.fdo_callbacks = Some(callbacks));
}

/// WdfIoResourceRequirementsListSetSlotNumber(RequirementsList, SlotNumber): PnP does not look at it.
fn set_slot_number(host: &Host, call: &Call) {
    let requirements = host.body::<Requirements>(call.arg(0));
    requirements.slot_number.set(call.arg32(1));
}

/// WdfIoResourceRequirementsListSetInterfaceType(RequirementsList, InterfaceType): nor at that.
fn set_interface_type(host: &Host, call: &Call) {
    let requirements = host.body::<Requirements>(call.arg(0));
    requirements.interface_type.set(call.arg32(1));
}

/// WdfIoResourceRequirementsListAppendIoResList(RequirementsList, IoResList)
fn append_list(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.insert_requirements(call, AT_END)
}

/// WdfIoResourceRequirementsListInsertIoResList(RequirementsList, IoResList, Index)
fn insert_list(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.insert_requirements(call, call.arg32(2))
}

fn count_lists(host: &Host, call: &Call) -> u32 {
    let requirements = host.body::<Requirements>(call.arg(0));
    let count = requirements.lists.borrow().len();
    count as u32
}

/// WdfIoResourceRequirementsListGetIoResList(RequirementsList, Index): NULL behind the last one.
fn list(host: &Host, call: &Call) -> u64 {
    let requirements = host.body::<Requirements>(call.arg(0));
    let lists = requirements.lists.borrow();
    lists
        .get(call.arg32(1) as usize)
        .map_or(0, |list| list.handle)
}

/// WdfIoResourceRequirementsListRemove(RequirementsList, Index)
fn remove_list(host: &Host, call: &Call) {
    let requirements = host.body::<Requirements>(call.arg(0));
    let index = call.arg32(1) as usize;
    if index >= requirements.lists.borrow().len() {
        host.violation(
            &rules::RESOURCE_LIST,
            format!("list {index} of resource requirements is removed, which there is not"),
        );
    }
    let list = requirements.lists.borrow_mut().remove(index);
    host.delete_object(&list);
}

/// WdfIoResourceRequirementsListRemoveByIoResList(RequirementsList, IoResList): nothing is done for a list
/// that is not among them.
fn remove_by_list(host: &Host, call: &Call) {
    let requirements = host.body::<Requirements>(call.arg(0));
    host.body::<IoList>(call.arg(1));
    let mut lists = requirements.lists.borrow_mut();
    let place = lists.iter().position(|list| list.handle == call.arg(1));
    let list = place.map(|place| lists.remove(place));
    drop(lists);
    if let Some(list) = list {
        host.delete_object(&list);
    }
}

/// WdfIoResourceListCreate(RequirementsList, Attributes, ResourceList)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.body::<Requirements>(call.arg(0));
    host.memory.write(call.arg(2), &0_u64);
    let attributes = host.attributes_with(call.arg(1), Allowed::PLAIN.without_parent())?;
    let parent = host.parent_object(call.arg(0))?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| IoList {
        descriptors: Descriptors::open([]),
        owner: parent.handle,
    });
    host.memory.write(call.arg(2), &object.handle);
    Ok(())
}

/// WdfIoResourceListAppendDescriptor(ResourceList, Descriptor)
fn append(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let list = host.body::<IoList>(call.arg(0));
    let bytes = host.memory.read(call.arg(1));
    list.descriptors.insert(host, bytes, AT_END)
}

/// WdfIoResourceListInsertDescriptor(ResourceList, Descriptor, Index)
fn insert(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let list = host.body::<IoList>(call.arg(0));
    let bytes = host.memory.read(call.arg(1));
    list.descriptors.insert(host, bytes, call.arg32(2))
}

/// WdfIoResourceListUpdateDescriptor(ResourceList, Descriptor, Index)
fn update(host: &Host, call: &Call) {
    let list = host.body::<IoList>(call.arg(0));
    let bytes = host.memory.read(call.arg(1));
    list.descriptors.update(host, call.arg32(2), bytes);
}

fn count(host: &Host, call: &Call) -> u32 {
    host.body::<IoList>(call.arg(0)).descriptors.count()
}

/// WdfIoResourceListGetDescriptor(ResourceList, Index): NULL behind the last one.
fn descriptor(host: &Host, call: &Call) -> u64 {
    let list = host.body::<IoList>(call.arg(0));
    list.descriptors.copy(host, call.arg32(1))
}

/// WdfIoResourceListRemove(ResourceList, Index)
fn remove(host: &Host, call: &Call) {
    let list = host.body::<IoList>(call.arg(0));
    list.descriptors.remove(host, call.arg32(1));
}

/// WdfIoResourceListRemoveByDescriptor(ResourceList, Descriptor): nothing is done where none is equal.
fn remove_by_descriptor(host: &Host, call: &Call) {
    let list = host.body::<IoList>(call.arg(0));
    let bytes = host.memory.read(call.arg(1));
    list.descriptors.remove_equal(host, &bytes);
}
