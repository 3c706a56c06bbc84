//! Static children: the driver makes their devices itself, and adds them to a list that it does not see.

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_PARAMETER};
use kmdf_machine::cpu::stub::Call;

use super::{ALL, Change, Named, PENDING, PRESENT};
use crate::{
    host::{Host, services},
    kmdf::device::Device,
};

services! {
    WdfFdoAddStaticChild <= DISPATCH => add;
    WdfFdoLockStaticChildListForIteration <= DISPATCH => lock;
    WdfFdoRetrieveNextStaticChild <= DISPATCH => next;
    WdfFdoUnlockStaticChildListFromIteration <= DISPATCH => unlock;
}

/// WdfFdoAddStaticChild(Fdo, Child)
fn add(host: &Host, call: &Call) -> NtStatus {
    let device = host.body::<Device>(call.arg(0));
    if !device.is_fdo() {
        return STATUS_INVALID_PARAMETER;
    }
    if host.body::<Device>(call.arg(1)).pdo.is_none() {
        return STATUS_INVALID_PARAMETER;
    }
    host.add_child(&device.statics(), Named::Device(call.arg(1)), 0)
}

/// WdfFdoLockStaticChildListForIteration(Fdo)
fn lock(host: &Host, call: &Call) {
    let list = host
        .fdo(call, "WdfFdoLockStaticChildListForIteration")
        .statics();
    host.with_list(&list, || list.scans.update(|count| count + 1));
}

/// WdfFdoUnlockStaticChildListFromIteration(Fdo)
fn unlock(host: &Host, call: &Call) {
    let list = host
        .fdo(call, "WdfFdoUnlockStaticChildListFromIteration")
        .statics();
    host.end_scan(&list);
}

/// WdfFdoRetrieveNextStaticChild(Fdo, PreviousChild, Flags)
fn next(host: &Host, call: &Call) -> u64 {
    let what = "WdfFdoRetrieveNextStaticChild";
    let (previous, flags) = (call.arg(1), call.arg32(2));
    host.body::<Device>(call.arg(0));
    host.require(
        flags != 0 && flags & !ALL == 0,
        "WdfFdoRetrieveNextStaticChild is called without a flag, or with one that there is not",
    );
    let list = host.fdo(call, what).statics();
    host.with_list(&list, || {
        if list.scans.get() == 0 {
            return 0;
        }
        let mut is_next = previous == 0;
        let children = list.children.borrow().clone();
        let changes = list.changes.borrow().clone();
        let listed = children
            .iter()
            .filter(|_| flags & PRESENT != 0)
            .map(|child| (child, child.matches(flags)));
        let pending = changes
            .iter()
            .filter(|_| flags & PENDING != 0)
            .map(|child| (child, child.change.get() == Change::Insert));
        for (child, fits) in listed.chain(pending) {
            if child.goes_after_scan.get() {
                continue;
            }
            if is_next && fits {
                return child.device.get();
            }
            is_next |= child.device.get() == previous;
        }
        0
    })
}
