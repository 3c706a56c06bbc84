//! Children of a device: PnP asks the bus driver for them, starts those that need no other driver, and
//! removes those that are missing.

use std::rc::Rc;

use kmdf_machine::Event;
use kmdf_rules::rules;

use super::Grant;
use crate::{
    host::Host,
    kmdf::{
        device::{Device, FIRST_CHILD, Phase},
        pdo::Pdo,
        states::{Machine, Pnp},
    },
};

impl Host {
    /// IoInvalidateDeviceRelations: PnP asks for a device's children when it comes to it.
    pub(crate) fn invalidate_relations(&self, device: &Device) {
        let handle = device.handle;
        self.spawn("PnP", move |host| {
            host.in_turn(|host| {
                if !host.framework().objects.was(handle, "WDFDEVICE") {
                    host.enumerate(&host.body::<Device>(handle));
                }
            });
        });
    }

    /// The devices of a device's children that PnP knows, in the order they were made in.
    pub(super) fn children_of(&self, device: &Device) -> Vec<Rc<Device>> {
        let mut children = self.bodies::<Device>();
        children.retain(|child| {
            let pdo = child.pdo.as_ref();
            pdo.is_some_and(|pdo| pdo.init.parent == device.handle && pdo.enumerated.get())
        });
        children
    }

    /// Asks a device for its children, removes those that are missing and starts new ones. A device that
    /// sleeps is asked when it is awake.
    pub(super) fn enumerate(&self, device: &Rc<Device>) {
        let started = device.states.pnp() == Pnp::Started;
        if started && device.sleeping.get() {
            return device.children_due.set(true);
        }
        if !started || device.lists.borrow().is_empty() {
            return;
        }
        device.children_due.set(false);
        let lists = device.lists.borrow().clone();
        let reported: Vec<_> = lists
            .iter()
            .flat_map(|list| self.report_children(list))
            .collect();
        for list in &lists {
            self.tell_of_missing(list);
        }
        for child in self.children_of(device).into_iter().rev() {
            if !reported.iter().any(|other| Rc::ptr_eq(other, &child)) {
                self.lose_child(&child);
            }
        }
        self.check_ids(&reported);
        for child in reported {
            let Some(pdo) = &child.pdo else { continue };
            if !pdo.known.get() {
                self.take_up(&child, pdo);
            }
        }
    }

    /// A child is missing: one that was started is surprise-removed, another one removed.
    fn lose_child(&self, child: &Rc<Device>) {
        let text = format!("child {} is missing", name(child));
        self.record(Event::Host { text });
        match child.phase.get() {
            Phase::Removed if child.states.pnp() != Pnp::PdoRemoved => self.end_child(child),
            Phase::Removed | Phase::SurpriseRemoved => {}
            _ if child.was_started.get() => self.lose_device(child),
            _ => self.finish_removal(child),
        }
    }

    /// PnP takes a new child up: it asks for its IDs and resources, and starts it if it is raw.
    fn take_up(&self, child: &Rc<Device>, pdo: &Pdo) {
        pdo.enumerated.set(true);
        if child.phase.get() == Phase::Adding {
            child.phase.set(Phase::Stopped);
        }
        let callbacks = &pdo.init.callbacks;
        let asked =
            callbacks.EvtDeviceResourcesQuery.0 | callbacks.EvtDeviceResourceRequirementsQuery.0;
        if asked != 0 {
            self.unsupported("the resources of a child");
        }
        pdo.known.set(true);
        let kind = if pdo.init.device_id.is_none() || pdo.init.instance_id.is_none() {
            "it has no device ID or no instance ID, and is not started"
        } else if pdo.init.raw {
            "it is raw"
        } else {
            "it needs a function driver, of which none is here: it is not started"
        };
        let text = format!("child {}: {kind}", name(child));
        self.record(Event::Host { text });
        if pdo.init.raw && pdo.init.device_id.is_some() && pdo.init.instance_id.is_some() {
            self.start_or_remove(child, Grant::None);
            self.start_children(child);
        }
    }

    /// Checks that no two children have the same IDs.
    fn check_ids(&self, children: &[Rc<Device>]) {
        let mut names: Vec<_> = children
            .iter()
            .filter_map(|child| child.pdo.as_ref())
            .filter(|pdo| pdo.init.device_id.is_some())
            .map(|pdo| pdo.init.path().to_lowercase())
            .collect();
        names.sort();
        if let Some([name, _]) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            self.violation(
                &rules::PNP_FATAL_ERROR,
                format!("two children are {name}: device ID and instance ID are the same"),
            );
        }
    }

    /// What follows when a device was started: its children are looked at, and those that were stopped
    /// with it are started.
    pub(super) fn start_children(&self, device: &Rc<Device>) {
        if device.states.pnp() != Pnp::Started {
            return;
        }
        self.enumerate(device);
        for child in self.children_of(device) {
            if child.states.pnp() == Pnp::Stopped {
                self.start_or_remove(&child, Grant::None);
            }
        }
    }

    /// Calls EvtChildListScanForChildren of each of a device's lists.
    pub(super) fn scan_for_children(&self, device: &Device) {
        for list in device.lists.borrow().clone() {
            list.scan(self);
        }
    }

    /// A child's device is removed (`CheckForDevicePresence`): it goes if it was reported missing. If not, it
    /// waits for that, or for its parent's removal.
    pub(super) fn check_presence(&self, child: &Rc<Device>, pdo: &Pdo) {
        child.phase.set(Phase::Removed);
        let removed = [
            Pnp::Removed,
            Pnp::RemovedChildrenRemoved,
            Pnp::CheckForDevicePresence,
        ];
        self.pass_pnp(child, &removed);
        if self.is_child_gone(pdo) {
            self.end_child(child);
        } else {
            self.pass_pnp(child, &[Pnp::RemovedPdoWait]);
            self.end_state(child, Machine::Pnp);
        }
    }

    /// The end of a child's device (`PnpEventPdoRemovedOverload`).
    pub(crate) fn end_child(&self, child: &Rc<Device>) {
        let Some(pdo) = &child.pdo else { return };
        self.is_child_gone(pdo);
        self.end_children(child);
        self.pass_pnp(child, &[Pnp::PdoRemoved]);
        child.begin_removal();
        self.purge_queues(child, false);
        child.phase.set(Phase::Removed);
        self.delete_when_closed(child);
    }

    /// Brings a device that sleeps to D0 if a child of it is to be brought there, too.
    pub(super) fn wake_for_children(&self, device: &Rc<Device>) {
        let sleeps = |device: &Device| device.phase.get() == Phase::LowPower;
        let mut children = self.children_of(device).into_iter();
        if sleeps(device) && children.any(|child| sleeps(&child)) {
            self.wake_with_children(device);
        }
    }

    /// A child's device has failed, and asks its bus driver to remove and enumerate it anew
    /// (`AskParentToRemoveAndReenumerate`). Whether that will be.
    pub(crate) fn ask_for_restart(&self, device: &Device) -> bool {
        /// How often in a run.
        const MOST: u32 = 5;
        let Some(pdo) = &device.pdo else { return false };
        let child = pdo.child.borrow().clone();
        let Some(child) = child.filter(|_| !pdo.is_static) else {
            return false;
        };
        let mut known = self.framework().children.borrow_mut();
        let restarts = &mut known[device.slot - FIRST_CHILD].restarts;
        if *restarts == MOST {
            return false;
        }
        *restarts += 1;
        drop(known);
        self.reenumerate_child(&pdo.init.list, &child);
        true
    }

    /// Removes the devices of all children that are left of a device that is removed
    /// (`FxChildList::NotifyDeviceRemove`).
    pub(super) fn end_children(&self, device: &Rc<Device>) {
        for list in device.lists.borrow().clone() {
            self.miss_all_children(&list);
            for child in self.orphans(&list) {
                self.end_child(&child);
            }
        }
    }
}

/// How a child is named in a transcript.
pub(super) fn name(child: &Device) -> String {
    let path = child.pdo.as_ref().map(|pdo| pdo.init.path());
    path.unwrap_or_default()
}
