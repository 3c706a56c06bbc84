//! What PnP is told: IRP_MN_QUERY_DEVICE_RELATIONS of a device, list by list, and what becomes of children
//! with their device or with that of their parent.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_RETRY};
use kmdf_rules::rules;

use super::{Change, Child, ChildList, State, change::Going};
use crate::{
    host::Host,
    kmdf::{device::Device, pdo::Pdo, pdo_init::PdoInit},
};

impl Host {
    /// The devices of the children that a list reports: those that have none are made, and missing ones
    /// are left out (`FxChildList::ProcessBusRelations`).
    pub(crate) fn report_children(&self, list: &Rc<ChildList>) -> Vec<Rc<Device>> {
        self.with_list(list, || list.locked.set(true));
        let mut reported = Vec::new();
        let mut again = false;
        let children = list.children.borrow().clone();
        for child in children {
            let is_there = match child.state.get() {
                State::NeedsDevice => self.make_child(list, &child, &mut again),
                State::HasDevice => true,
                State::NotPresent => {
                    child.state.set(State::ReportedMissing);
                    child.to_be_told.set(true);
                    false
                }
                State::ReportedMissing | State::None => false,
            };
            if is_there {
                reported.push(self.body::<Device>(child.device.get()));
            }
        }
        self.unlock_list(list);
        if again && let Some(device) = self.device_of_list(list) {
            self.invalidate_relations(&device);
        }
        reported
    }

    fn unlock_list(&self, list: &ChildList) {
        let mut going = Going::new();
        self.with_list(list, || {
            list.locked.set(false);
            self.apply_changes(list, &mut going);
        });
        self.drain(list, going);
    }

    /// EvtDeviceReportedMissing, for what was just reported so.
    pub(crate) fn tell_of_missing(&self, list: &ChildList) {
        self.with_list(list, || list.locked.set(true));
        let children = list.children.borrow().clone();
        for child in children {
            if !child.to_be_told.replace(false) {
                continue;
            }
            let device = self.body::<Device>(child.device.get());
            let callbacks = device.pdo.as_ref().map(|pdo| pdo.init.callbacks);
            let callback = callbacks.map_or(0, |callbacks| callbacks.EvtDeviceReportedMissing.0);
            if callback != 0 {
                let what = "EvtDeviceReportedMissing";
                self.call_driver(what, device.handle, callback, &[device.handle]);
            }
        }
        self.unlock_list(list);
    }

    /// Makes the device of a child (`FxChildList::CreateDevice`). Whether it has one.
    fn make_child(&self, list: &Rc<ChildList>, child: &Rc<Child>, again: &mut bool) -> bool {
        if list.is_static() {
            child.state.set(State::HasDevice);
            return true;
        }
        let init = PdoInit::new(list.device, Rc::clone(list), Some(Rc::clone(child)));
        let address = self.new_pdo_init(init);
        let value = self.call_driver(
            "EvtChildListCreateDevice",
            list.handle,
            list.config.EvtChildListCreateDevice.0,
            &[list.handle, child.id, address],
        );
        self.forget_device_init(address);
        let status = NtStatus(value as u32 as i32);
        let made = self.bodies::<Device>().into_iter().find(|device| {
            let pdo = device.pdo.as_ref();
            pdo.is_some_and(|pdo| pdo.is_of(child))
        });
        if status.is_success() && made.is_none() {
            self.violation(
                &rules::DEVICE_CREATE_FAIL,
                "EvtChildListCreateDevice succeeds without having created a device",
            );
        }
        if let Some(device) = &made {
            device.phase.set(crate::kmdf::device::Phase::Stopped);
        }
        if status == STATUS_RETRY {
            if let Some(device) = made {
                if let Some(pdo) = &device.pdo {
                    pdo.child.borrow_mut().take();
                }
                self.delete_device(&device);
            }
            *again = true;
            return false;
        }
        match made {
            Some(device) if status.is_success() => {
                child.device.set(device.handle);
                child.state.set(State::HasDevice);
                true
            }
            Some(device) => {
                // As if it had been reported missing: then it goes at once.
                child.state.set(State::ReportedMissing);
                list.forget_change(child);
                child.change.set(Change::None);
                self.end_child(&device);
                false
            }
            None => {
                self.with_list(list, || list.queue_removal(child));
                false
            }
        }
    }

    /// All children are missing: their parent was surprise-removed (`NotifyDeviceSurpriseRemove`).
    pub(crate) fn miss_all_children(&self, list: &ChildList) {
        let mut going = Going::new();
        self.with_list(list, || {
            let changes = list.changes.borrow().clone();
            for child in changes {
                if child.change.get() == Change::Insert {
                    list.drop_change(&child, &mut going);
                }
            }
            let children = list.children.borrow().clone();
            for child in children.iter().filter(|child| child.is_present()) {
                list.queue_removal(child);
            }
            self.apply_changes(list, &mut going);
            for child in children {
                if child.state.get() == State::NotPresent {
                    child.state.set(State::ReportedMissing);
                }
            }
        });
        self.drain(list, going);
    }

    /// The children that go with their parent: all but those that linger, surprise-removed and open.
    pub(crate) fn orphans(&self, list: &ChildList) -> Vec<Rc<Device>> {
        let children = list.children.borrow().clone();
        let orphans = children
            .iter()
            .filter(|child| !child.lingers.get() && child.device.get() != 0);
        orphans
            .map(|child| self.body::<Device>(child.device.get()))
            .collect()
    }

    /// A child's device is removed. Whether its child was reported missing, so that the device goes, too
    /// (`FxDeviceDescriptionEntry::IsDeviceRemoved`).
    pub(crate) fn is_child_gone(&self, pdo: &Pdo) -> bool {
        let child = pdo.child.borrow().clone();
        let Some(child) = child else { return true };
        let list = &pdo.init.list;
        self.with_list(list, || {
            child.lingers.set(false);
            if child.state.get() != State::ReportedMissing {
                return false;
            }
            child.state.set(State::None);
            if list.is_at_rest() {
                list.forget(&child);
            } else {
                child.goes_after_scan.set(true);
                child.device.set(0);
                pdo.child.borrow_mut().take();
            }
            true
        })
    }

    /// A child's device is gone: its descriptions go when nobody goes through the list
    /// (`FxDeviceDescriptionEntry::ProcessDeviceRemoved`).
    pub(crate) fn forget_child(&self, pdo: &Pdo) {
        let Some(child) = pdo.child.borrow_mut().take() else {
            return;
        };
        let list = &pdo.init.list;
        let goes = self.with_list(list, || {
            let goes = list.is_at_rest() || !list.has(&child);
            if goes {
                list.forget(&child);
            } else {
                child.goes_after_scan.set(true);
            }
            goes
        });
        child.device.set(0);
        child.state.set(State::None);
        if goes {
            self.drain(list, vec![child]);
        }
    }
}
