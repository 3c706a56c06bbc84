//! How a device gets its lists.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER},
    types::WDF_CHILD_LIST_CONFIG,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use super::{ChildList, WdfChildList};
use crate::{
    host::{Host, services},
    kmdf::{
        attributes::{Allowed, Attributes},
        device::Device,
    },
};

services! {
    WdfChildListCreate <= PASSIVE => create;
    WdfFdoInitSetDefaultChildListConfig <= PASSIVE => set_default;
    WdfFdoGetDefaultChildList <= DISPATCH => default;
}

/// What a device's default list will be.
#[derive(Clone, Debug)]
pub(crate) struct DefaultList {
    pub(crate) config: WDF_CHILD_LIST_CONFIG,
    pub(crate) attributes: Attributes,
}

/// The config at an address (`FxChildList::_ValidateConfig`).
fn config_at(host: &Host, address: u64) -> Result<WDF_CHILD_LIST_CONFIG, NtStatus> {
    /// Sizes that cannot be rounded up to that of a pointer.
    const TOO_LARGE: u32 = u32::MAX - 6;
    let config: WDF_CHILD_LIST_CONFIG = host.memory.read(address);
    if config.Size as usize != size_of::<WDF_CHILD_LIST_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let sizes = [
        config.IdentificationDescriptionSize,
        config.AddressDescriptionSize,
    ];
    let is_valid = sizes[0] != 0
        && config.EvtChildListCreateDevice.0 != 0
        && sizes.into_iter().all(|size| size < TOO_LARGE);
    if is_valid {
        Ok(config)
    } else {
        Err(STATUS_INVALID_PARAMETER)
    }
}

/// WdfChildListCreate(Device, Config, ChildListAttributes, ChildList)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    host.memory.write(call.arg(3), &0_u64);
    let config = config_at(host, call.arg(1))?;
    let attributes = host.attributes_with(call.arg(2), Allowed::PLAIN.without_parent())?;
    host.require_pnp(device.slot, "WdfChildListCreate");
    let list = host.new_child_list(&device, config, &attributes);
    host.memory.write(call.arg(3), &list.handle);
    Ok(())
}

/// WdfFdoInitSetDefaultChildListConfig(DeviceInit, Config, DefaultChildListAttributes)
fn set_default(host: &Host, call: &Call) {
    let what = "WdfFdoInitSetDefaultChildListConfig";
    host.require_fdo(host.known_device_init(call.arg(0)).slot, what);
    let config = config_at(host, call.arg(1));
    let attributes = host.attributes_with(call.arg(2), Allowed::PLAIN.without_parent());
    let (Ok(config), Ok(attributes)) = (config, attributes) else {
        host.violation(
            &rules::BAD_ARGUMENT,
            format!(
                "{what} is called with a config that lacks a size or EvtChildListCreateDevice, or with \
                 attributes that are refused: the device has no default list"
            ),
        )
    };
    let list = DefaultList { config, attributes };
    host.device_init(call.arg(0), |init| init.default_list = Some(list));
}

/// WdfFdoGetDefaultChildList(Fdo): NULL without one.
fn default(host: &Host, call: &Call) -> u64 {
    let device = host.fdo(call, "WdfFdoGetDefaultChildList");
    device.default_list.get()
}

impl Host {
    /// A new list of a device's.
    pub(crate) fn new_child_list(
        &self,
        device: &Device,
        config: WDF_CHILD_LIST_CONFIG,
        attributes: &Attributes,
    ) -> Rc<ChildList> {
        let parent = self.object(device.handle);
        let (_, list) = self.create_object(Some(&parent), attributes, |handle| {
            WdfChildList(Rc::new(ChildList::new(handle, device.handle, config)))
        });
        device.lists.borrow_mut().push(Rc::clone(&list.0));
        Rc::clone(&list.0)
    }
}
