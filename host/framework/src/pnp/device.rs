//! The life of a device: added, started, stopped.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_DEVICE_POWER_FAILURE, STATUS_NO_SUCH_DEVICE, STATUS_NOT_SUPPORTED,
    STATUS_SUCCESS,
};
use kmdf_machine::{Event, Stop};
use kmdf_rules::rules;

use super::{
    Grant,
    power::{Entering, Leaving},
    removal::Failure,
};
use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        device_init::DeviceInit,
        driver::Driver,
        states::{Pnp, Policy},
    },
};

impl Host {
    /// Calls EvtDriverDeviceAdd for the function in a slot.
    ///
    /// # Errors
    /// The run stopped.
    pub fn add_device(&self, slot: usize) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| host.device_add(slot))
        })
    }

    fn device_add(&self, slot: usize) -> NtStatus {
        let driver = self.framework().driver_handle();
        let device_add = self.body::<Driver>(driver).device_add;
        let address = self.memory.new_handle();
        let physical = self.new_device_object(1, 0);
        let init = DeviceInit::new(address, slot, physical);
        *self.framework().device_init.borrow_mut() = Some(init);
        let value = self.call_driver("EvtDriverDeviceAdd", driver, device_add, &[driver, address]);
        let status = NtStatus(value as u32 as i32);
        self.releases_to_all();
        let unused = self.framework().device_init.borrow_mut().take();
        let added = self.framework().added.borrow_mut().take();
        match added {
            Some(device) if status.is_success() => {
                device.phase.set(Phase::Stopped);
                self.record(Event::Host {
                    text: format!("device {:#x} added", device.handle),
                });
                if self.slots[slot].removed.get() {
                    self.fail(&device, Failure::Removed);
                }
            }
            Some(device) => {
                device.phase.set(Phase::Removed);
                self.delete_device(&device);
            }
            None if status.is_success() && unused.is_some() => self.violation(
                &rules::DEVICE_CREATE_FAIL,
                "EvtDriverDeviceAdd succeeds without having created a device",
            ),
            None => {}
        }
        status
    }

    /// Starts the device of the function in a slot with the resources of `grant`. PnP removes a device
    /// that does not start; one that has gone is not even asked to.
    ///
    /// # Errors
    /// The run stopped.
    pub fn start_device(&self, slot: usize, grant: Grant) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                let removed = host.slots[slot].removed.get();
                match host.device_in(slot) {
                    None if removed => STATUS_NO_SUCH_DEVICE,
                    None => STATUS_SUCCESS,
                    Some(device) => {
                        let status = host.start_or_remove(&device, grant);
                        host.start_children(&device);
                        status
                    }
                }
            })
        })
    }

    pub(super) fn start_or_remove(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        if device.is_fdo() && self.slots[device.slot].removed.get() {
            // The bus fails IRP_MN_START_DEVICE before the driver hears of it.
            self.fail(device, Failure::Removed);
            return STATUS_NO_SUCH_DEVICE;
        }
        let status = self.start(device, grant);
        if !status.is_success() {
            if device.was_started.get() {
                self.fail(device, Failure::Power);
            } else {
                device.states.set_pnp(Pnp::Failed);
                self.clean_up_for_removal(device);
                self.finish_removal(device);
            }
        }
        status
    }

    /// A failure on the way to D0 has a status of the framework's own (`PnpEventHardwareAvailable`,
    /// `PnpEventHardwareAvailablePowerPolicyFailed`).
    fn start(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        let (preparing, powering, policy) = if device.was_started.get() {
            (
                Pnp::StartingFromStopped,
                Pnp::Restarting,
                Policy::Restarting,
            )
        } else {
            (
                Pnp::HardwareAvailable,
                Pnp::HardwareAvailable,
                Policy::Starting,
            )
        };
        device.phase.set(Phase::PreparingHardware);
        device.states.set_pnp(preparing);
        device.forget_failures();
        device.grant.set(grant);
        let resources = self.assign(device, grant);
        let mut status = self.pnp_callback(
            device,
            "EvtDevicePrepareHardware",
            device.callbacks.EvtDevicePrepareHardware.0,
            &[resources.raw, resources.translated],
        );
        device.phase.set(Phase::LowPower);
        if status.is_success() {
            device.states.set_pnp(powering);
            device.states.set_policy(policy);
            if !self.power_up(device, Entering::Start).is_success() {
                status = STATUS_DEVICE_POWER_FAILURE;
            }
        }
        if !status.is_success() {
            device.states.set_pnp(Pnp::FailedOwnHardware);
            device.states.set_policy(Policy::Stopped);
            self.release_hardware(device);
            return status;
        }
        self.releases_to_all();
        if !device.was_started.replace(true) {
            for interface in device.interfaces.borrow_mut().iter_mut() {
                interface.start();
            }
        }
        device.states.set_policy(Policy::Started);
        device.states.set_pnp(Pnp::Started);
        self.record(Event::Host {
            text: format!("device {:#x} started", device.handle),
        });
        status
    }

    /// Whether the driver did not fail it.
    pub(super) fn release_hardware(&self, device: &Rc<Device>) -> bool {
        let Some(resources) = device.resources.get() else {
            return true;
        };
        let status = self.pnp_callback(
            device,
            "EvtDeviceReleaseHardware",
            device.callbacks.EvtDeviceReleaseHardware.0,
            &[resources.translated],
        );
        if device.phase.get() != Phase::SurpriseRemoved {
            device.phase.set(Phase::Stopped);
        }
        self.unassign(device);
        status.is_success()
    }

    /// Stops the device in a slot and takes its resources, as for a rebalance: it can be started
    /// again. A device that fails to stop is removed.
    ///
    /// # Errors
    /// The run stopped.
    pub fn stop_device(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                if let Some(device) = host.device_in(slot) {
                    host.stop_with_children(&device);
                }
            });
        })
    }

    /// Stops a device, and its children before it.
    pub(super) fn stop_with_children(&self, device: &Rc<Device>) -> bool {
        self.wake_for_children(device);
        for child in self.children_of(device).into_iter().rev() {
            if matches!(child.states.pnp(), Pnp::Started | Pnp::QueryStopPending) {
                self.stop_with_children(&child);
            }
        }
        self.stop(device)
    }

    /// Whether the device has stopped; one that has not is on its way to its removal.
    fn stop(&self, device: &Rc<Device>) -> bool {
        let stopped = self.leave_for_good(device, Pnp::StartedStopping);
        device.states.set_pnp(if stopped {
            Pnp::Stopped
        } else {
            Pnp::FailedOwnHardware
        });
        let released = self.release_hardware(device);
        if stopped && released {
            return true;
        }
        self.fail(device, Failure::Power);
        false
    }

    /// Takes a device out of D0 that is not asked to come back. One that sleeps is brought to D0 first
    /// (`PowerPolStoppingResetDevice`). Whether the driver failed nothing of that.
    pub(super) fn leave_for_good(&self, device: &Rc<Device>, state: Pnp) -> bool {
        device.states.set_pnp(state);
        let mut went = true;
        if device.phase.get() == Phase::LowPower {
            went = self.wake_device(device).is_success();
        }
        device.states.set_policy(Policy::Stopping);
        if device.phase.get() == Phase::Working {
            went &= self.power_down(device, Leaving::Stop);
        }
        device.states.set_policy(Policy::Stopped);
        went
    }

    /// Ends every app: what is pending is canceled, and every handle closed.
    ///
    /// # Errors
    /// The run stopped.
    pub fn end_apps(&self) -> Result<(), Stop> {
        let open: Vec<_> = self
            .bodies::<Device>()
            .iter()
            .flat_map(|device| device.open.borrow().clone())
            .collect();
        for file in &open {
            self.abandon(file);
        }
        self.run_until(|_| open.iter().all(|file| file.is_closed()))
    }

    /// The device of the function in a slot, unless it is removed or only waits for that.
    pub(super) fn device_in(&self, slot: usize) -> Option<Rc<Device>> {
        self.bodies::<Device>().into_iter().find(|device| {
            let phase = device.phase.get();
            device.slot == slot && !matches!(phase, Phase::Removed | Phase::SurpriseRemoved)
        })
    }

    /// As [`Self::device_callback`], for one that must not fail as if nobody had answered.
    pub(super) fn pnp_callback(
        &self,
        device: &Device,
        what: &'static str,
        callback: u64,
        arguments: &[u64],
    ) -> NtStatus {
        let status = self.device_callback(device, what, callback, arguments);
        if status == STATUS_NOT_SUPPORTED {
            self.violation(
                &rules::PNP_NOT_SUPPORTED,
                format!("{what} returns STATUS_NOT_SUPPORTED"),
            );
        }
        status
    }

    pub(super) fn device_callback(
        &self,
        device: &Device,
        what: &'static str,
        callback: u64,
        arguments: &[u64],
    ) -> NtStatus {
        if callback == 0 {
            return STATUS_SUCCESS;
        }
        let mut all = vec![device.handle];
        all.extend_from_slice(arguments);
        let status = self.call_driver(what, device.handle, callback, &all);
        self.releases(&self.framework().pnp);
        NtStatus(status as u32 as i32)
    }
}
