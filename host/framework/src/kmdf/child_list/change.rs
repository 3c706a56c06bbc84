//! How a list changes: what the driver says, and when that becomes true.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_NO_SUCH_DEVICE, STATUS_OBJECT_NAME_EXISTS, STATUS_SUCCESS,
};

use super::{Change, Child, ChildList, Named, State};
use crate::{host::Host, kmdf::device::Device};

/// Children that go when the list's lock is released.
pub(super) type Going = Vec<Rc<Child>>;

impl ChildList {
    /// A child for which a change is pending is not there any more.
    pub(super) fn drop_change(&self, child: &Rc<Child>, going: &mut Going) {
        match child.change.get() {
            Change::Insert => {
                self.forget_change(child);
                child.change.set(if self.is_static() {
                    Change::Discard
                } else {
                    Change::None
                });
                going.push(Rc::clone(child));
            }
            Change::Clone => {
                self.forget_change(child);
                child.change.set(Change::None);
                self.queue_removal(child);
            }
            _ => {}
        }
    }

    /// A child on the list is to go.
    pub(super) fn queue_removal(&self, child: &Rc<Child>) {
        if !self.is_changing(child) {
            child.change.set(Change::Remove);
            child.found.set(false);
            self.changes.borrow_mut().push(Rc::clone(child));
        }
    }
}

impl Host {
    /// The last of the pending changes that is of a child.
    pub(super) fn pending_change(&self, list: &ChildList, named: Named) -> Option<Rc<Child>> {
        let changes = list.changes.borrow().clone();
        let mut changes = changes.into_iter().rev();
        changes.find(|child| self.is_named(list, child, named))
    }

    /// The last child on a list that is meant.
    pub(super) fn listed(&self, list: &ChildList, named: Named) -> Option<Rc<Child>> {
        let children = list.children.borrow().clone();
        let mut children = children.into_iter().rev();
        children.find(|child| self.is_named(list, child, named))
    }

    /// A child is there (`FxChildList::Add`).
    pub(super) fn add_child(&self, list: &ChildList, named: Named, address: u64) -> NtStatus {
        let mut going = Going::new();
        let status = self.with_list(list, || {
            let known = match self.pending_change(list, named) {
                Some(child) if child.change.get() == Change::Insert => Some(child),
                // It is pending to go: it comes again behind that.
                Some(_) => None,
                None => self.listed(list, named).filter(|child| child.is_present()),
            };
            let status = if let Some(child) = known {
                self.copy_address(list, address, child.address);
                child.found.set(true);
                STATUS_OBJECT_NAME_EXISTS
            } else {
                match self.new_child(list, named, address) {
                    Ok(child) => {
                        child.found.set(true);
                        child.change.set(Change::Insert);
                        self.join_statics(list, &child);
                        list.changes.borrow_mut().push(child);
                        STATUS_SUCCESS
                    }
                    Err((status, child)) => {
                        going.push(child);
                        status
                    }
                }
            };
            self.apply_changes(list, &mut going);
            status
        });
        self.drain(list, going);
        status
    }

    /// The device of a static child is on its list now.
    fn join_statics(&self, list: &ChildList, child: &Rc<Child>) {
        if list.is_static()
            && let Some(pdo) = &self.body::<Device>(child.device.get()).pdo
        {
            pdo.on_list.set(true);
            *pdo.child.borrow_mut() = Some(Rc::clone(child));
        }
    }

    /// A child is not there any more.
    pub(crate) fn miss_child(&self, list: &ChildList, named: Named) -> NtStatus {
        let mut going = Going::new();
        let status = self.with_list(list, || {
            let status = if let Some(child) = self.pending_change(list, named) {
                list.drop_change(&child, &mut going);
                STATUS_SUCCESS
            } else if let Some(child) = self.listed(list, named) {
                if child.is_present() {
                    list.queue_removal(&child);
                }
                STATUS_SUCCESS
            } else {
                STATUS_NO_SUCH_DEVICE
            };
            self.apply_changes(list, &mut going);
            status
        });
        self.drain(list, going);
        status
    }

    /// Makes pending changes true, unless somebody goes through the list
    /// (`FxChildList::ProcessModificationsLocked`).
    pub(super) fn apply_changes(&self, list: &ChildList, going: &mut Going) {
        if list.locked.get() || list.scans.get() > 0 {
            return;
        }
        let mut tell = false;
        loop {
            let next = list.changes.borrow().first().cloned();
            let Some(child) = next else { break };
            list.forget_change(&child);
            match child.change.replace(Change::None) {
                Change::Remove if child.state.get() == State::NeedsDevice => {
                    list.forget(&child);
                    going.push(child);
                }
                Change::Remove => {
                    child.state.set(State::NotPresent);
                    tell = true;
                }
                Change::Insert => {
                    child.state.set(State::NeedsDevice);
                    list.children.borrow_mut().push(child);
                    tell = true;
                }
                Change::Clone => tell |= self.clone_child(list, &child, going),
                Change::None | Change::Discard => {}
            }
        }
        if tell {
            list.changed.set(true);
            self.tell_of_changes(list);
        }
    }

    /// Tells PnP that a list has changed, once PnP knows the list's device.
    pub(super) fn tell_of_changes(&self, list: &ChildList) {
        if list.changed.get()
            && let Some(device) = self.device_of_list(list)
            && device.is_known()
        {
            list.changed.set(false);
            self.invalidate_relations(&device);
        }
    }

    /// A child goes, and another one of the same descriptions comes, if the driver agrees
    /// (`FxChildList::CloneEntryLocked`).
    fn clone_child(&self, list: &ChildList, child: &Rc<Child>, going: &mut Going) -> bool {
        let clone = match self.new_child(list, Named::Description(child.id), child.address) {
            Ok(clone) => clone,
            Err((_, clone)) => {
                going.push(clone);
                return false;
            }
        };
        clone.found.set(true);
        let callback = list.config.EvtChildListDeviceReenumerated.0;
        let arguments = [
            list.handle,
            child.device.get(),
            child.address,
            clone.address,
        ];
        let what = "EvtChildListDeviceReenumerated";
        if callback != 0 && self.call_driver(what, list.handle, callback, &arguments) as u8 == 0 {
            going.push(clone);
            return false;
        }
        clone.state.set(State::NeedsDevice);
        list.children.borrow_mut().push(clone);
        child.state.set(State::NotPresent);
        true
    }

    /// A device asks to be removed and enumerated anew (`FxChildList::ReenumerateEntry`).
    pub(crate) fn reenumerate_child(&self, list: &ChildList, child: &Rc<Child>) {
        let mut going = Going::new();
        self.with_list(list, || {
            if !list.is_changing(child) && child.is_present() {
                child.change.set(Change::Clone);
                list.changes.borrow_mut().push(Rc::clone(child));
            }
            self.apply_changes(list, &mut going);
        });
        self.drain(list, going);
    }

    /// Gives back what belongs to children that are gone, outside of the list's lock. The device of a
    /// static child that PnP never saw goes with it.
    pub(crate) fn drain(&self, list: &ChildList, going: Going) {
        for child in going {
            let unseen =
                child.state.get() == State::NeedsDevice || child.change.get() == Change::Discard;
            if list.is_static() && unseen && child.device.get() != 0 {
                child.change.set(Change::None);
                child.state.set(State::ReportedMissing);
                let device = self.body::<Device>(child.device.get());
                self.end_child(&device);
            } else {
                self.clean_up_descriptions(list, &child);
            }
        }
    }
}
