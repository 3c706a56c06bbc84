//! What a driver says and asks about one child.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_NO_SUCH_DEVICE, STATUS_SUCCESS},
    types::WDF_CHILD_RETRIEVE_INFO,
};
use kmdf_machine::cpu::stub::Call;

use super::{Change, ChildList, Named, State, calls::Retrieved};
use crate::host::{Host, services};

services! {
    WdfChildListGetDevice <= DISPATCH => device;
    WdfChildListAddOrUpdateChildDescriptionAsPresent <= DISPATCH => add;
    WdfChildListUpdateChildDescriptionAsMissing <= DISPATCH => miss;
    WdfChildListRetrievePdo <= DISPATCH => retrieve;
    WdfChildListRetrieveAddressDescription <= DISPATCH => retrieve_address;
    WdfChildListRequestChildEject <= DISPATCH => eject;
}

fn device(host: &Host, call: &Call) -> u64 {
    host.child_list(call.arg(0)).device
}

/// Whether the description at an address has the size that the list's have.
fn is_id(host: &Host, list: &ChildList, address: u64) -> bool {
    host.memory.read::<u32>(address) == list.id_bytes()
}

/// The same for an address description, where the list has them.
fn is_address(host: &Host, list: &ChildList, address: u64) -> bool {
    list.address_bytes() != 0 && host.memory.read::<u32>(address) == list.address_bytes()
}

/// WdfChildListAddOrUpdateChildDescriptionAsPresent(ChildList, IdentificationDescription,
/// AddressDescription)
fn add(host: &Host, call: &Call) -> NtStatus {
    let list = host.child_list(call.arg(0));
    let (id, address) = (call.arg(1), call.arg(2));
    let fits = match address {
        0 => list.address_bytes() == 0,
        address => is_address(host, &list, address),
    };
    if !fits || !is_id(host, &list, id) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    host.add_child(&list, Named::Description(id), address)
}

/// WdfChildListUpdateChildDescriptionAsMissing(ChildList, IdentificationDescription)
fn miss(host: &Host, call: &Call) -> NtStatus {
    let list = host.child_list(call.arg(0));
    if !is_id(host, &list, call.arg(1)) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    host.miss_child(&list, Named::Description(call.arg(1)))
}

/// WdfChildListRetrieveAddressDescription(ChildList, IdentificationDescription, AddressDescription)
fn retrieve_address(host: &Host, call: &Call) -> NtStatus {
    let list = host.child_list(call.arg(0));
    let (id, address) = (call.arg(1), call.arg(2));
    if !is_id(host, &list, id) || !is_address(host, &list, address) {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    let named = Named::Description(id);
    host.with_list(&list, || {
        let child = host
            .pending_change(&list, named)
            .or_else(|| host.listed(&list, named));
        child.map_or(STATUS_NO_SUCH_DEVICE, |child| {
            host.copy_address(&list, child.address, address);
            STATUS_SUCCESS
        })
    })
}

/// WdfChildListRetrievePdo(ChildList, RetrieveInfo)
fn retrieve(host: &Host, call: &Call) -> u64 {
    let list = host.child_list(call.arg(0));
    let info: WDF_CHILD_RETRIEVE_INFO = host.memory.read(call.arg(1));
    if info.Size as usize != size_of::<WDF_CHILD_RETRIEVE_INFO>() {
        return 0;
    }
    let (id, address) = (info.IdentificationDescription.0, info.AddressDescription.0);
    if id == 0 || !is_id(host, &list, id) || address != 0 && !is_address(host, &list, address) {
        return 0;
    }
    host.set_retrieved(call.arg(1), Retrieved::Undefined);
    let (device, status) = host.device_of_child(&list, id, address);
    host.set_retrieved(call.arg(1), status);
    device
}

/// WdfChildListRequestChildEject(ChildList, IdentificationDescription)
fn eject(host: &Host, call: &Call) -> bool {
    let list = host.child_list(call.arg(0));
    if !is_id(host, &list, call.arg(1)) {
        return false;
    }
    let (device, _) = host.device_of_child(&list, call.arg(1), 0);
    device != 0 && host.request_eject(device)
}

impl Host {
    /// The device of a child, or 0; its address description is copied to an address that is not 0
    /// (`FxChildList::GetDeviceFromId`).
    fn device_of_child(&self, list: &ChildList, id: u64, address: u64) -> (u64, Retrieved) {
        let named = Named::Description(id);
        self.with_list(list, || {
            let inserted = self
                .pending_change(list, named)
                .filter(|child| child.change.get() == Change::Insert);
            let (child, device, status) = if inserted.is_some() {
                (inserted, 0, Retrieved::NotYetCreated)
            } else {
                match self.listed(list, named) {
                    Some(child) if child.state.get() == State::NeedsDevice => {
                        (Some(child), 0, Retrieved::NotYetCreated)
                    }
                    Some(child) => {
                        let device = child.device.get();
                        (Some(child), device, Retrieved::Success)
                    }
                    None => (None, 0, Retrieved::NoSuchDevice),
                }
            };
            if let Some(child) = child
                && address != 0
            {
                self.copy_address(list, child.address, address);
            }
            (device, status)
        })
    }
}
