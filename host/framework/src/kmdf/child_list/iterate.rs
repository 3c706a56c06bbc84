//! Iterations: a driver goes through its children, and the list stays as it is meanwhile.

use std::{mem::offset_of, rc::Rc};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_NO_MORE_ENTRIES,
    },
    types::{WDF_CHILD_LIST_ITERATOR, WDF_CHILD_RETRIEVE_INFO},
};
use kmdf_machine::cpu::stub::Call;

use super::{ALL, Change, Child, ChildList, PENDING, calls::Retrieved};
use crate::host::{Host, services};

services! {
    WdfChildListBeginIteration <= DISPATCH => begin;
    WdfChildListRetrieveNextDevice <= DISPATCH => next;
    WdfChildListEndIteration <= DISPATCH => end;
}

/// Where an iterator keeps how far it has come, in the children and in the pending changes.
const PLACES: u64 = offset_of!(WDF_CHILD_LIST_ITERATOR, Reserved) as u64;
/// Of an iterator that has not begun, and of one that is through.
const FIRST: u64 = 1;
const THROUGH: u64 = 0;

fn check(host: &Host, address: u64) -> Result<u32, NtStatus> {
    let iterator: WDF_CHILD_LIST_ITERATOR = host.memory.read(address);
    if iterator.Size as usize != size_of::<WDF_CHILD_LIST_ITERATOR>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if iterator.Flags & !ALL != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(iterator.Flags)
}

fn require(host: &Host, address: u64) -> u32 {
    check(host, address).unwrap_or_else(|_| {
        host.invalid_operation(
            "a WDF_CHILD_LIST_ITERATOR has a size or a flag that there is not: the iteration does not \
             begin, or end",
        )
    })
}

/// WdfChildListBeginIteration(ChildList, Iterator)
fn begin(host: &Host, call: &Call) {
    let list = host.child_list(call.arg(0));
    let flags = require(host, call.arg(1));
    let pending = if flags & PENDING == 0 { THROUGH } else { FIRST };
    host.memory
        .write(call.arg(1) + PLACES, &[FIRST, pending, 0, 0]);
    host.with_list(&list, || list.scans.update(|count| count + 1));
}

/// WdfChildListEndIteration(ChildList, Iterator)
fn end(host: &Host, call: &Call) {
    let list = host.child_list(call.arg(0));
    require(host, call.arg(1));
    host.end_scan(&list);
    host.memory.write(call.arg(1) + PLACES, &[0_u64; 4]);
}

/// WdfChildListRetrieveNextDevice(ChildList, Iterator, Device, Info)
fn next(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let list = host.child_list(call.arg(0));
    let (iterator, device, info) = (call.arg(1), call.arg(2), call.arg(3));
    host.memory.write(device, &0_u64);
    let flags = check(host, iterator)?;
    if info != 0 {
        check_info(host, &list, info)?;
    }
    host.with_list(&list, || {
        // Among the children, the number of what was given last; behind it, of pending insertions.
        let [place, pending]: [u64; 2] = host.memory.read(iterator + PLACES);
        if list.scans.get() == 0 {
            return Err(STATUS_INVALID_DEVICE_STATE);
        }
        if place != THROUGH {
            let children = list.children.borrow().clone();
            if let Some((index, child)) =
                host.find_next(&list, &children, place, info, |child| child.matches(flags))
            {
                host.memory.write(iterator + PLACES, &index);
                host.memory.write(device, &child.device.get());
                host.give_child(&list, &child, info);
                return Ok(());
            }
            host.memory.write(iterator + PLACES, &THROUGH);
        }
        if flags & PENDING == 0 || pending == THROUGH {
            return Err(STATUS_NO_MORE_ENTRIES);
        }
        let changes = list.changes.borrow().clone();
        let found = host.find_next(&list, &changes, pending, info, |child| {
            child.change.get() == Change::Insert
        });
        let place = found.as_ref().map_or(THROUGH, |&(index, _)| index);
        host.memory.write(iterator + PLACES + 8, &place);
        let Some((_, child)) = found else {
            return Err(STATUS_NO_MORE_ENTRIES);
        };
        host.give_child(&list, &child, info);
        Ok(())
    })
}

fn check_info(host: &Host, list: &ChildList, address: u64) -> Result<(), NtStatus> {
    let info: WDF_CHILD_RETRIEVE_INFO = host.memory.read(address);
    if info.Size as usize != size_of::<WDF_CHILD_RETRIEVE_INFO>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let (id, address) = (info.IdentificationDescription.0, info.AddressDescription.0);
    if id != 0 && host.memory.read::<u32>(id) != list.id_bytes() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if address != 0 && list.address_bytes() == 0 {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    if address != 0 && host.memory.read::<u32>(address) != list.address_bytes() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(())
}

impl Host {
    /// The next child after a place that is in a state and that the caller's comparison lets through, and
    /// the place behind it.
    fn find_next(
        &self,
        list: &ChildList,
        children: &[Rc<Child>],
        place: u64,
        info: u64,
        is_in_state: impl Fn(&Child) -> bool,
    ) -> Option<(u64, Rc<Child>)> {
        let (compare, with) = if info == 0 {
            (0, 0)
        } else {
            let info: WDF_CHILD_RETRIEVE_INFO = self.memory.read(info);
            (
                info.EvtChildListIdentificationDescriptionCompare.0,
                info.IdentificationDescription.0,
            )
        };
        let places = children.iter().zip(FIRST + 1..);
        let mut later = places.skip_while(|&(_, index)| index <= place);
        let (child, index) = later.find(|(child, _)| {
            is_in_state(child) && (compare == 0 || self.compare(list, compare, with, child.id))
        })?;
        Some((index, Rc::clone(child)))
    }

    /// Fills in WDF_CHILD_RETRIEVE_INFO for a child.
    fn give_child(&self, list: &ChildList, child: &Child, address: u64) {
        if address == 0 {
            return;
        }
        let info: WDF_CHILD_RETRIEVE_INFO = self.memory.read(address);
        if info.IdentificationDescription.0 != 0 {
            self.copy_id(list, child.id, info.IdentificationDescription.0);
        }
        if info.AddressDescription.0 != 0 {
            self.copy_address(list, child.address, info.AddressDescription.0);
        }
        let status = match child.device.get() {
            0 => Retrieved::NotYetCreated,
            _ => Retrieved::Success,
        };
        self.set_retrieved(address, status);
    }
}
