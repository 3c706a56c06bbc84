//! The life of a device: added, started, stopped.

use std::{rc::Rc, time::Duration};

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_DEVICE_POWER_FAILURE, STATUS_NO_SUCH_DEVICE, STATUS_NOT_SUPPORTED,
    STATUS_SUCCESS,
};
use kmdf_machine::{Event, Stop, VirtualTime};
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
        init_life::Fate,
        states::{Machine, Pnp, Policy},
    },
};

/// How long PnP and power wait for a driver.
pub(crate) const LONGEST: Duration = Duration::from_mins(2);

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
        if unused.is_some() {
            self.device_init_gone(address, Fate::Returned, false);
        }
        if status.is_success() {
            self.check_control_devices();
        }
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
                self.clean_up_for_removal(device);
                if device.states.pnp() == Pnp::Failed {
                    let removed = [Pnp::FailedPowerPolicyRemoved, Pnp::FailedWaitForRemove];
                    self.pass_pnp(device, &removed);
                    self.end_state(device, Machine::Pnp);
                }
                self.finish_removal(device);
            }
        }
        status
    }

    /// A failure on the way to D0 has a status of the framework's own (`PnpEventHardwareAvailable`,
    /// `PnpEventHardwareAvailablePowerPolicyFailed`).
    fn start(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        let again = device.was_started.get();
        let (starting, preparing) = if again {
            (Pnp::StoppedWaitForStartCompletion, Pnp::StartingFromStopped)
        } else {
            (Pnp::InitStarting, Pnp::HardwareAvailable)
        };
        device.phase.set(Phase::PreparingHardware);
        self.pass_pnp(device, &[starting]);
        device.forget_failures();
        device.grant.set(grant);
        let resources = match self.assign(device, grant) {
            Ok(resources) => resources,
            Err(status) => {
                device.phase.set(Phase::Stopped);
                self.pass_pnp(device, &[if again { Pnp::Failed } else { Pnp::Init }]);
                self.end_state(device, Machine::Pnp);
                return status;
            }
        };
        self.end_state(device, Machine::Pnp);
        self.pass_pnp(device, &[preparing]);
        let mut status = self.pnp_callback(
            device,
            "EvtDevicePrepareHardware",
            device.callbacks.EvtDevicePrepareHardware.0,
            &[resources.raw, resources.translated],
        );
        device.phase.set(Phase::LowPower);
        if status.is_success() && !self.start_power(device, again) {
            status = STATUS_DEVICE_POWER_FAILURE;
        }
        if !status.is_success() {
            self.pass_pnp(device, &[Pnp::FailedOwnHardware]);
            self.release_hardware(device);
            self.pass_pnp(device, &[Pnp::Failed]);
            return status;
        }
        self.releases_to_all();
        if !again {
            self.pass_pnp(device, &[Pnp::EnableInterfaces]);
        }
        if !device.was_started.replace(true) {
            for interface in device.interfaces.borrow_mut().iter_mut() {
                interface.start();
            }
        }
        self.pass_pnp(device, &[Pnp::Started]);
        self.end_state(device, Machine::Pnp);
        self.record(Event::Host {
            text: format!("device {:#x} started", device.handle),
        });
        status
    }

    /// Has power policy bring a device to D0 that has its hardware; whether it did.
    fn start_power(&self, device: &Rc<Device>, again: bool) -> bool {
        let (starting, succeeded, failed): (_, &[_], &[_]) = if again {
            self.pass_pnp(device, &[Pnp::Restarting]);
            let failed = &[Policy::RestartingFailed, Policy::Stopped];
            (Policy::Restarting, &[Policy::StartingSucceeded], failed)
        } else {
            let succeeded = &[Policy::StartingPoweredUp, Policy::StartingSucceeded];
            (Policy::Starting, succeeded, &[Policy::StartingFailed])
        };
        self.end_state(device, Machine::Pnp);
        self.pass_policy(device, &[starting]);
        self.end_state(device, Machine::Policy);
        let started = self.power_up(device, Entering::Start).is_success();
        if started {
            self.pass_policy(device, succeeded);
            self.pass_policy(device, &[Policy::StartingDecideS0Wake, Policy::Started]);
        } else {
            self.pass_policy(device, failed);
        }
        self.end_state(device, Machine::Policy);
        if !started {
            self.pass_pnp(device, &[Pnp::HardwareAvailablePowerPolicyFailed]);
        }
        started
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
        let state = if stopped {
            Pnp::Stopped
        } else {
            Pnp::FailedOwnHardware
        };
        self.pass_pnp(device, &[state]);
        let released = self.release_hardware(device);
        if stopped && released {
            self.end_state(device, Machine::Pnp);
            return true;
        }
        self.pass_pnp(device, &[Pnp::Failed]);
        self.fail(device, Failure::Stopped);
        false
    }

    /// Takes a device out of D0 that is not asked to come back. One that sleeps is brought to D0 first
    /// (`PowerPolStoppingResetDevice`). Whether the driver failed nothing of that.
    pub(super) fn leave_for_good(&self, device: &Rc<Device>, state: Pnp) -> bool {
        self.pass_pnp(device, &[state]);
        self.end_state(device, Machine::Pnp);
        let mut went = true;
        if device.phase.get() == Phase::LowPower {
            went = self.wake_device(device).is_success();
        }
        let works = device.phase.get() == Phase::Working;
        self.stop_power(device, |host| {
            if works {
                went &= host.power_down(device, Leaving::Stop);
            }
        });
        went
    }

    /// Has power policy stop a device, which `power_down` takes out of D0.
    pub(super) fn stop_power(&self, device: &Device, power_down: impl FnOnce(&Self)) {
        self.pass_policy(device, &[Policy::Stopping]);
        self.end_state(device, Machine::Policy);
        power_down(self);
        self.pass_policy(device, &[Policy::StoppingSendStatus, Policy::Stopped]);
        self.end_state(device, Machine::Policy);
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
            .filter(|file| file.is_of_app())
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
        let began = self.now();
        let value = self.call_driver(what, device.handle, callback, &all);
        self.releases(&self.framework().pnp);
        self.check_duration(began, what);
        NtStatus(value as u32 as i32)
    }

    /// Checks that what has come to its end did not keep the system waiting.
    pub(super) fn check_duration(&self, began: VirtualTime, what: &str) {
        let took = self.now() - began;
        if took > LONGEST && self.checks_all() {
            self.violation(
                &rules::POWER_TOO_LONG,
                format!("{what} took {} s", took.as_secs()),
            );
        }
    }
}
