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
        states::{Pnp, Policy},
    },
};

/// How a device fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is gone, and PnP says so first.
    Removed,
    /// The framework could not start it again.
    Power,
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
        let Some(device) = self.device_in(slot) else {
            return;
        };
        device.begin_removal();
        if device.was_started.get() && device.phase.get() != Phase::Stopped {
            let asked = device.states.pnp() == Pnp::QueryRemovePending;
            let state = if asked {
                Pnp::QueriedRemoving
            } else {
                Pnp::StartedRemoving
            };
            self.leave_for_good(&device, state);
        }
        device.states.set_pnp(Pnp::RemovingDisableInterfaces);
        self.release_hardware(&device);
        self.clean_up_for_removal(&device);
        self.finish_removal(&device);
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
            self.fail(&device, Failure::Removed);
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

    /// The end of a device that is not there any more, or as good as: it is powered down and gives its
    /// resources back. It stays, surprise-removed, until the last handle of it is closed: only then
    /// comes REMOVE.
    pub(super) fn fail(&self, device: &Rc<Device>, failure: Failure) {
        let phase = device.phase.get();
        if matches!(phase, Phase::Removed | Phase::SurpriseRemoved) {
            return;
        }
        device.phase.set(Phase::SurpriseRemoved);
        let was_started = device.was_started.get();
        if failure == Failure::Removed && was_started {
            let has_hardware = device.resources.get().is_some();
            device.states.set_pnp(if has_hardware {
                Pnp::SurpriseRemoveIoStarted
            } else {
                Pnp::SurpriseRemove
            });
            self.tell_of_surprise_removal(device);
            device.states.set_pnp(Pnp::FailedIoStarting);
        } else {
            device.states.set_pnp(Pnp::FailedPowerDown);
        }
        device.states.set_policy(Policy::Stopping);
        if phase == Phase::Working {
            self.power_down(device, Leaving::Stop);
        } else {
            // One that sleeps is not brought to D0 any more.
            self.disconnect_interrupts(device, Going::Forsaken);
        }
        device.policy.idle.set(Idle::Stopped);
        device.states.set_policy(Policy::Stopped);
        device.states.set_pnp(Pnp::FailedOwnHardware);
        self.release_hardware(device);
        device.states.set_pnp(Pnp::Failed);
        self.clean_up_for_removal(device);
        if failure == Failure::Power {
            // The framework has taken the device down before PnP hears of it.
            device.states.set_pnp(Pnp::FailedSurpriseRemoved);
            self.tell_of_surprise_removal(device);
        }
        device.states.set_pnp(Pnp::FailedWaitForRemove);
        if device.open.borrow().is_empty() {
            self.finish_removal(device);
        } else {
            self.when_closed(device, |host, device| {
                host.in_turn(|host| host.finish_removal(device));
            });
        }
    }

    /// Goes on with an open device in a thread of its own, when its last handle is closed.
    fn when_closed(&self, device: &Rc<Device>, then: fn(&Self, &Rc<Device>)) {
        let text = format!("device {:#x} is still open", device.handle);
        self.record(Event::Host { text });
        let device = Rc::clone(device);
        self.releases_at(device.handle);
        self.spawn("PnP", move |host| {
            let waited = Rc::clone(&device);
            host.block_until(move |_| waited.open.borrow().is_empty());
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
        device.states.set_policy(Policy::Removed);
    }

    /// REMOVE (`PnpEventRemovedCommonCode`): the queues that are not power-managed are purged, and the
    /// device goes when nobody has it open.
    pub(super) fn finish_removal(&self, device: &Rc<Device>) {
        device.states.set_pnp(Pnp::FdoRemoved);
        self.purge_queues(device, false);
        device.phase.set(Phase::Removed);
        if device.open.borrow().is_empty() {
            self.delete_device(device);
        } else {
            // Windows lets no device be removed in order that is open: the query for it is vetoed. Here
            // it may be, so that drivers are seen to end what they have.
            self.when_closed(device, Self::delete_device);
        }
    }

    pub(super) fn delete_device(&self, device: &Rc<Device>) {
        self.clean_up_self_managed_io(device);
        for interrupt in device.interrupts.borrow().clone() {
            interrupt.flush(self);
        }
        let object = self.object(device.handle);
        self.delete_object(&object);
        self.record(Event::Host {
            text: format!("device {:#x} removed", device.handle),
        });
    }
}
