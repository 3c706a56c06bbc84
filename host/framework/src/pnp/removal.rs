//! The end of a device: removed in order, surprise-removed, or failed.

use std::rc::Rc;

use kmdf_machine::{Event, Stop};

use super::power::Leaving;
use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        interrupt_connect::Going,
        power_policy::Idle,
        states::{Machine, Pnp, Policy},
        target::Notice,
    },
};

/// `WdfDeviceFailedAttemptRestart`
pub(crate) const ATTEMPT_RESTART: u32 = 1;

/// How a device fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is gone, and PnP says so first.
    Removed,
    /// The framework could not start it again.
    Power,
    /// The framework could not stop it, and it is taken down.
    Stopped,
}

impl Host {
    /// Removes the device in a slot in order. While apps have it open it stays, dead, until the
    /// last of them has closed it.
    ///
    /// # Errors
    /// The run stopped.
    pub fn remove_device(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("PnP", move |host| host.in_turn(|host| host.remove(slot)))
    }

    pub(super) fn remove(&self, slot: usize) {
        if let Some(device) = self.device_in(slot) {
            self.remove_device_tree(&device);
        }
    }

    /// Removes a device in order, and its children before it.
    pub(super) fn remove_device_tree(&self, device: &Rc<Device>) {
        self.wake_for_children(device);
        for child in self.children_of(device).into_iter().rev() {
            self.remove_device_tree(&child);
        }
        let phase = device.phase.get();
        if matches!(phase, Phase::Removed | Phase::SurpriseRemoved) {
            return;
        }
        for related in self.removed_with(device) {
            self.remove(related);
        }
        // Nobody refuses here.
        if device.states.pnp() != Pnp::QueryRemovePending {
            self.ask_targets(device.handle);
        }
        device.begin_removal();
        if device.was_started.get() && device.phase.get() != Phase::Stopped {
            let asked = device.states.pnp() == Pnp::QueryRemovePending;
            let state = if asked {
                Pnp::QueriedRemoving
            } else {
                Pnp::StartedRemoving
            };
            self.leave_for_good(device, state);
        }
        if device.was_started.get() {
            self.pass_pnp(device, &[Pnp::RemovingDisableInterfaces]);
        }
        self.release_hardware(device);
        self.clean_up_for_removal(device);
        self.tell_targets(device.handle, Notice::RemoveComplete);
        self.finish_removal(device);
    }

    /// Pulls the device in a slot out: from now on its registers read all ones. The driver hears of
    /// it by EvtDeviceSurpriseRemoval; what it has is taken down, apart from its queues that are not
    /// power-managed: those live on until the last handle is closed.
    ///
    /// # Errors
    /// The run stopped.
    pub fn surprise_remove(&self, slot: usize) -> Result<(), Stop> {
        self.surprise_remove_function(slot);
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| host.lose(slot));
        })
    }

    /// What PnP does about a device that was found to be gone.
    pub(super) fn lose(&self, slot: usize) {
        if let Some(device) = self.device_in(slot) {
            self.lose_device(&device);
        }
    }

    /// Takes a device down whose driver has called WdfDeviceSetFailed: PnP hears of it when it asks for
    /// the device's state, and sends a surprise removal.
    pub(crate) fn fail_device(&self, handle: u64) {
        self.in_turn(|host| {
            if !host.framework().objects.was(handle, "WDFDEVICE") {
                let device = host.body::<Device>(handle);
                host.fail(&device, Failure::Removed);
            }
        });
    }

    /// What PnP does about a device that is gone.
    pub(super) fn lose_device(&self, device: &Rc<Device>) {
        self.fail(device, Failure::Removed);
    }

    /// The end of a device that is not there any more, or as good as: it is powered down and gives its
    /// resources back, and so do its children. It stays, surprise-removed, until the last handle of it and
    /// of them is closed: only then comes REMOVE, for them first.
    pub(super) fn fail(&self, device: &Rc<Device>, failure: Failure) {
        if !self.take_down(device, failure) {
            return;
        }
        if self.is_closed_with_children(device) {
            self.finish_with_children(device);
        } else {
            self.when(device, Self::is_closed_with_children, |host, device| {
                host.in_turn(|host| host.finish_with_children(device));
            });
        }
    }

    /// Whether nobody has a device or a child of it open.
    fn is_closed_with_children(&self, device: &Device) -> bool {
        let children = self.children_of(device);
        device.open.borrow().is_empty()
            && children
                .iter()
                .all(|child| self.is_closed_with_children(child))
    }

    /// REMOVE for the children of a device that were surprise-removed, and for itself.
    fn finish_with_children(&self, device: &Rc<Device>) {
        for child in self.children_of(device).into_iter().rev() {
            self.finish_with_children(&child);
        }
        if device.phase.get() == Phase::SurpriseRemoved {
            self.finish_removal(device);
        }
    }

    /// The part of a surprise removal that does not wait for apps. `false` for a device that has gone
    /// before.
    fn take_down(&self, device: &Rc<Device>, failure: Failure) -> bool {
        let phase = device.phase.get();
        if matches!(phase, Phase::Removed | Phase::SurpriseRemoved) {
            return false;
        }
        if failure == Failure::Removed {
            self.take_children_down(device);
        }
        device.phase.set(Phase::SurpriseRemoved);
        if let Some(pdo) = &device.pdo
            && let Some(child) = &*pdo.child.borrow()
        {
            child.lingers.set(true);
        }
        let was_started = device.was_started.get();
        let has_hardware = device.resources.get().is_some();
        match failure {
            Failure::Removed if was_started => self.lose_started(device, has_hardware),
            Failure::Removed => self.pass_pnp(device, &[Pnp::InitSurpriseRemoved, Pnp::Init]),
            Failure::Power if device.states.pnp() != Pnp::Failed => {
                self.pass_pnp(device, &[Pnp::FailedPowerDown]);
            }
            Failure::Power | Failure::Stopped => {}
        }
        if has_hardware {
            self.end_state(device, Machine::Pnp);
            self.stop_power(device, |host| {
                if phase == Phase::Working {
                    host.power_down(device, Leaving::Stop);
                } else {
                    // One that sleeps is not brought to D0 any more.
                    host.disconnect_interrupts(device, Going::Forsaken);
                }
            });
            self.pass_pnp(device, &[Pnp::FailedOwnHardware]);
            self.release_hardware(device);
            self.pass_pnp(device, &[Pnp::Failed]);
        } else if device.states.pnp() == Pnp::SurpriseRemove {
            self.pass_pnp(device, &[Pnp::Failed]);
        }
        device.policy.idle.set(Idle::Stopped);
        self.clean_up_for_removal(device);
        if device.states.pnp() == Pnp::Failed {
            let removed = [Pnp::FailedPowerPolicyRemoved, Pnp::FailedWaitForRemove];
            self.pass_pnp(device, &removed);
            self.end_state(device, Machine::Pnp);
        }
        if failure != Failure::Removed {
            // The framework has taken the device down before PnP hears of it.
            self.take_children_down(device);
            self.pass_pnp(device, &[Pnp::FailedSurpriseRemoved]);
            self.tell_of_surprise_removal(device);
            self.miss_children(device);
            self.pass_pnp(device, &[Pnp::FailedWaitForRemove]);
            self.end_state(device, Machine::Pnp);
        }
        self.tell_targets(device.handle, Notice::RemoveComplete);
        let asks = device.failed.get() == ATTEMPT_RESTART && !self.is_built_for(23);
        let failed_itself = device.failed.get() == 0 && failure != Failure::Removed;
        if asks || failed_itself {
            self.ask_for_restart(device);
        }
        true
    }

    /// A device that was started has gone: its driver is told.
    fn lose_started(&self, device: &Device, has_hardware: bool) {
        let asked = [Pnp::QueryRemovePending, Pnp::QueryStopPending];
        if asked.contains(&device.states.pnp()) {
            self.pass_pnp(device, &[Pnp::QueriedSurpriseRemove]);
        }
        if has_hardware {
            self.pass_pnp(device, &[Pnp::SurpriseRemoveIoStarted]);
            self.tell_of_surprise_removal(device);
            self.miss_children(device);
            self.pass_pnp(device, &[Pnp::FailedIoStarting]);
        } else {
            self.pass_pnp(device, &[Pnp::SurpriseRemove]);
            self.tell_of_surprise_removal(device);
            self.miss_children(device);
        }
    }

    /// PnP tells children of a surprise removal before their parent.
    fn take_children_down(&self, device: &Device) {
        for child in self.children_of(device).into_iter().rev() {
            if child.was_started.get() {
                self.take_down(&child, Failure::Removed);
            } else if child.phase.get() == Phase::Stopped {
                child.phase.set(Phase::SurpriseRemoved);
            }
        }
    }

    /// The children of a device that was surprise-removed are missing.
    fn miss_children(&self, device: &Device) {
        for list in device.lists.borrow().clone() {
            self.miss_all_children(&list);
        }
    }

    /// Goes on with a device that is open, or that has children, in a thread of its own when something holds.
    fn when(
        &self,
        device: &Rc<Device>,
        holds: fn(&Self, &Device) -> bool,
        then: fn(&Self, &Rc<Device>),
    ) {
        let text = format!("device {:#x} is still open", device.handle);
        self.record(Event::Host { text });
        let device = Rc::clone(device);
        self.releases_at(device.handle);
        self.spawn("PnP", move |host| {
            let waited = Rc::clone(&device);
            host.block_until(move |host| holds(host, &waited));
            host.acquires_at(device.handle);
            then(host, &device);
        });
    }

    fn tell_of_surprise_removal(&self, device: &Device) {
        let callback = device.callbacks.EvtDeviceSurpriseRemoval.0;
        self.device_callback(device, "EvtDeviceSurpriseRemoval", callback, &[]);
    }

    /// What a removal in order and a surprise removal have in common (`PnpCleanupForRemove`): nobody
    /// opens the device any more, its power-managed queues are purged, EvtDeviceSelfManagedIoFlush.
    pub(super) fn clean_up_for_removal(&self, device: &Rc<Device>) {
        device.begin_removal();
        self.purge_queues(device, true);
        self.flush_self_managed_io(device);
        let removed: &[_] = if device.states.policy() == Policy::Stopped {
            &[Policy::StoppedRemoving, Policy::Removed]
        } else {
            &[Policy::Removed]
        };
        self.end_state(device, Machine::Pnp);
        self.pass_policy(device, removed);
        self.end_state(device, Machine::Policy);
    }

    /// REMOVE (`PnpEventRemovedCommonCode`): the queues that are not power-managed are purged, and the
    /// device goes when nobody has it open.
    pub(super) fn finish_removal(&self, device: &Rc<Device>) {
        if let Some(pdo) = &device.pdo {
            return self.check_presence(device, pdo);
        }
        self.pass_pnp(device, &[Pnp::Removed]);
        self.end_children(device);
        self.pass_pnp(device, &[Pnp::RemovedChildrenRemoved, Pnp::FdoRemoved]);
        self.purge_queues(device, false);
        device.phase.set(Phase::Removed);
        self.delete_when_closed(device);
    }

    /// Deletes a device that is removed when nobody has it open, and its children are deleted.
    pub(super) fn delete_when_closed(&self, device: &Rc<Device>) {
        if self.is_unused(device) {
            self.delete_device(device);
        } else {
            // Windows lets no device be removed in order that is open: the query for it is vetoed. Here
            // it may be, so that drivers are seen to end what they have.
            self.when(device, Self::is_unused, Self::delete_device);
        }
    }

    /// Whether nobody has a device open, and its children are gone.
    fn is_unused(&self, device: &Device) -> bool {
        device.open.borrow().is_empty() && self.children_of(device).is_empty()
    }

    pub(crate) fn delete_device(&self, device: &Rc<Device>) {
        self.clean_up_self_managed_io(device);
        if matches!(device.states.pnp(), Pnp::FdoRemoved | Pnp::PdoRemoved) {
            self.pass_pnp(device, &[Pnp::Final]);
            self.end_state(device, Machine::Pnp);
        }
        for interrupt in device.interrupts.borrow().clone() {
            interrupt.flush(self);
        }
        let object = self.object(device.handle);
        self.delete_object(&object);
        self.record(Event::Host {
            text: format!("device {:#x} removed", device.handle),
        });
        if let Some(pdo) = &device.pdo {
            self.forget_child(pdo);
        }
    }
}
