//! Scans: the driver says anew which children there are, and those it does not name are missing.

use kmdf_machine::cpu::stub::Call;

use super::{Change, ChildList, change::Going};
use crate::host::{Host, services};

services! {
    WdfChildListBeginScan <= DISPATCH => begin;
    WdfChildListEndScan <= DISPATCH => end;
    WdfChildListUpdateAllChildDescriptionsAsPresent <= DISPATCH => update_all;
}

/// WdfChildListBeginScan(ChildList)
fn begin(host: &Host, call: &Call) {
    let list = host.child_list(call.arg(0));
    host.with_list(&list, || {
        list.scans.update(|count| count + 1);
        let all = (
            list.children.borrow().clone(),
            list.changes.borrow().clone(),
        );
        for child in all.0.iter().chain(&all.1) {
            child.found.set(false);
        }
    });
}

/// WdfChildListEndScan(ChildList)
fn end(host: &Host, call: &Call) {
    let list = host.child_list(call.arg(0));
    host.end_scan(&list);
}

/// WdfChildListUpdateAllChildDescriptionsAsPresent(ChildList)
fn update_all(host: &Host, call: &Call) {
    let list = host.child_list(call.arg(0));
    let mut going = Going::new();
    host.with_list(&list, || {
        let changes = list.changes.borrow().clone();
        for child in changes {
            if child.change.get() == Change::Insert {
                child.found.set(true);
            }
        }
        let children = list.children.borrow().clone();
        for child in children {
            if child.is_present() && child.change.get() != Change::Remove {
                child.found.set(true);
            }
        }
        host.apply_changes(&list, &mut going);
    });
    host.drain(&list, going);
}

impl ChildList {
    /// Calls EvtChildListScanForChildren, if there is one.
    pub(crate) fn scan(&self, host: &Host) {
        let callback = self.config.EvtChildListScanForChildren.0;
        if callback != 0 {
            let what = "EvtChildListScanForChildren";
            host.call_driver(what, self.handle, callback, &[self.handle]);
        }
    }
}

impl Host {
    /// Ends a scan or an iteration; at the last of them what was not seen is missing
    /// (`FxChildList::EndScan`).
    pub(super) fn end_scan(&self, list: &ChildList) {
        let mut going = Going::new();
        self.with_list(list, || {
            let Some(fewer) = list.scans.get().checked_sub(1) else {
                self.invalid_operation(
                    "a scan or an iteration of a child list is ended that has not begun",
                );
            };
            list.scans.set(fewer);
            if fewer == 0 {
                self.miss_what_was_not_found(list, &mut going);
            }
        });
        self.drain(list, going);
    }

    fn miss_what_was_not_found(&self, list: &ChildList, going: &mut Going) {
        let changes = list.changes.borrow().clone();
        for child in changes.iter().filter(|child| !child.found.get()) {
            match child.change.get() {
                Change::Insert => list.drop_change(child, going),
                // What was to be cloned is missing, and goes as the others do.
                Change::Clone => {
                    list.forget_change(child);
                    child.change.set(Change::None);
                }
                _ => {}
            }
        }
        let children = list.children.borrow().clone();
        for child in &children {
            if child.goes_after_scan.get() {
                list.forget(child);
                going.push(std::rc::Rc::clone(child));
            } else if child.is_present() && !child.found.get() {
                list.queue_removal(child);
            }
        }
        self.apply_changes(list, going);
        self.tell_of_changes(list);
    }
}
