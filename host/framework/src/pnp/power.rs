//! Power: how a device enters and leaves D0, and what is stopped and started with it
//! (powerstatemachine.cpp).

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_SUCCESS},
    types::WDF_POWER_DEVICE_STATE,
};
use kmdf_machine::{Event, Stop};

use super::removal::Failure;
use crate::{
    host::Host,
    kmdf::{
        device::{Device, Phase},
        interrupt_connect::{Coming, Going, settle_synchronize_irql},
        power_policy::Idle,
        states::{Machine, Policy, Power},
    },
};

/// Why a device leaves D0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The system sleeps.
    Sleep,
    /// Its resources are taken, for now or for good.
    Stop,
}

/// Why a device enters D0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entering {
    /// It has got resources.
    Start,
    /// The system wakes up, or the device is to be stopped, for which it must be in D0.
    Wake,
}

const FINAL: WDF_POWER_DEVICE_STATE = WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final;

fn argument(state: WDF_POWER_DEVICE_STATE) -> u64 {
    u64::from(state.0.cast_unsigned())
}

impl Host {
    /// D0Entry, interrupts, EvtDeviceD0EntryPostInterruptsEnabled, queues, self-managed I/O. What was
    /// done before the step that fails is undone.
    pub(super) fn power_up(&self, device: &Rc<Device>, entering: Entering) -> NtStatus {
        let (from, steps) = match entering {
            Entering::Start => (
                FINAL,
                [
                    Power::D0Starting,
                    Power::D0StartingConnectInterrupt,
                    Power::D0StartingStartSelfManagedIo,
                ],
            ),
            Entering::Wake => (
                WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3,
                [
                    Power::Waking,
                    Power::WakingConnectInterrupt,
                    Power::StartSelfManagedIo,
                ],
            ),
        };
        let [in_entry, connecting, starting] = steps;
        let from = argument(from);
        device.policy.idle.set(Idle::NotInD0);
        if entering == Entering::Start {
            self.pass_power(device, &[Power::StartingCheckDeviceType]);
        } else {
            self.pass_power(device, &[Power::CheckDeviceType]);
        }
        self.pass_power(device, &[in_entry]);
        let callback = device.callbacks.EvtDeviceD0Entry.0;
        let status = self.device_callback(device, "EvtDeviceD0Entry", callback, &[from]);
        if !status.is_success() {
            self.leave_function(device.slot);
            self.check_targets_stopped(device.handle);
            // What stayed connected in Dx; nothing else is.
            self.disconnect_interrupts(device, Going::Forsaken);
            return self.power_failed(device, status);
        }
        if entering == Entering::Wake {
            self.pass_power(device, &[Power::NotifyingD0EntryToWakeInterrupts]);
        }
        self.pass_power(device, &[connecting]);
        let mut status = self.connect_interrupts(device, entering);
        if status.is_success() {
            let callback = device.callbacks.EvtDeviceD0EntryPostInterruptsEnabled.0;
            let what = "EvtDeviceD0EntryPostInterruptsEnabled";
            status = self.device_callback(device, what, callback, &[from]);
        }
        if !status.is_success() {
            self.leave_d0(device, FINAL, Going::Stopped);
            return self.power_failed(device, status);
        }
        if entering == Entering::Wake {
            self.pass_power(device, &[Power::WakingDmaEnable]);
            self.scan_for_children(device);
            self.pass_power(device, &[Power::WakingPostHardwareEnabled]);
            self.end_state(device, Machine::Power);
            if device.states.policy() == Policy::SystemWakeDeviceToD0 {
                self.pass_policy(device, &[Policy::SystemWakeDeviceToD0CompletePowerUp]);
                self.end_state(device, Machine::Policy);
            }
        } else {
            self.pass_power(device, &[Power::D0StartingDmaEnable]);
            self.scan_for_children(device);
            self.pass_power(device, &[Power::D0StartingPostHardwareEnabled]);
        }
        self.pass_power(device, &[starting]);
        device.phase.set(Phase::Working);
        self.power_up_queues(device);
        let status = self.start_self_managed_io(device);
        if !status.is_success() {
            self.power_down_queues(device);
            device.phase.set(Phase::LowPower);
            self.tell_of_exit(device, FINAL);
            self.leave_d0(device, FINAL, Going::Stopped);
            return self.power_failed(device, status);
        }
        device.policy.idle.set(Idle::InD0);
        if entering == Entering::Start {
            self.pass_power(device, &[Power::DecideD0State]);
        }
        self.pass_power(device, &[Power::D0]);
        self.end_state(device, Machine::Power);
        status
    }

    fn power_failed(&self, device: &Device, status: NtStatus) -> NtStatus {
        let text = format!("device {:#x} does not enter D0: {status}", device.handle);
        self.record(Event::Host { text });
        device.policy.idle.set(Idle::Stopped);
        self.pass_power(device, &[Power::Stopped]);
        self.end_state(device, Machine::Power);
        status
    }

    fn connect_interrupts(&self, device: &Device, entering: Entering) -> NtStatus {
        let coming = match entering {
            Entering::Start => Coming::Started,
            Entering::Wake if device.is_pageable => Coming::Woken,
            Entering::Wake => Coming::WokenNotPageable,
        };
        let interrupts = device.interrupts.borrow().clone();
        settle_synchronize_irql(&interrupts);
        for interrupt in &interrupts {
            if let Err(failed) = interrupt.connect(self, coming) {
                return failed;
            }
        }
        STATUS_SUCCESS
    }

    /// Self-managed I/O, queues, EvtDeviceD0ExitPreInterruptsDisabled, interrupts, D0Exit. A callback
    /// that fails changes nothing of that; whether none did is the answer.
    pub(super) fn power_down(&self, device: &Rc<Device>, leaving: Leaving) -> bool {
        let (to, going, [stopping, stopped]) = match leaving {
            Leaving::Sleep if device.is_pageable => (
                WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3,
                Going::Asleep,
                [Power::GotoDx, Power::GotoDxIoStopped],
            ),
            Leaving::Sleep => (
                WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3,
                Going::AsleepNotPageable,
                [Power::GotoDx, Power::GotoDxIoStopped],
            ),
            Leaving::Stop => (FINAL, Going::Stopped, [Power::GotoD3Stopped; 2]),
        };
        self.pass_power(device, &[stopping]);
        let mut went = self.suspend_self_managed_io(device).is_success();
        self.power_down_queues(device);
        if device.phase.get() == Phase::Working {
            device.phase.set(Phase::LowPower);
        }
        if stopped != stopping {
            self.end_state(device, Machine::Power);
            self.pass_policy(device, &[Policy::SleepingNoWakeCompletePowerDown]);
            self.end_state(device, Machine::Policy);
            let exit = [Power::NotifyingD0ExitToWakeInterrupts, stopped];
            self.pass_power(device, &exit);
        }
        went &= self.tell_of_exit(device, to);
        went &= self.leave_d0(device, to, going);
        if leaving == Leaving::Sleep && went {
            device.policy.idle.set(Idle::NotInD0);
            self.pass_power(device, &[Power::Dx]);
        } else {
            device.policy.idle.set(Idle::Stopped);
            self.pass_power(device, &[Power::Stopped]);
        }
        self.end_state(device, Machine::Power);
        went
    }

    fn tell_of_exit(&self, device: &Device, to: WDF_POWER_DEVICE_STATE) -> bool {
        let what = "EvtDeviceD0ExitPreInterruptsDisabled";
        let callback = device.callbacks.EvtDeviceD0ExitPreInterruptsDisabled.0;
        self.device_callback(device, what, callback, &[argument(to)])
            .is_success()
    }

    /// Interrupts and D0Exit, also where an entry of D0 failed after EvtDeviceD0Entry.
    fn leave_d0(&self, device: &Rc<Device>, to: WDF_POWER_DEVICE_STATE, going: Going) -> bool {
        let disabled = self.disconnect_interrupts(device, going);
        let callback = device.callbacks.EvtDeviceD0Exit.0;
        let exited = self.device_callback(device, "EvtDeviceD0Exit", callback, &[argument(to)]);
        self.leave_function(device.slot);
        exited.is_success() && disabled
    }

    /// In the reverse order of their connection, at a surprise removal as at any other. Whether no
    /// EvtInterruptDisable failed.
    pub(super) fn disconnect_interrupts(&self, device: &Device, going: Going) -> bool {
        let interrupts = device.interrupts.borrow().clone();
        let mut all = true;
        for interrupt in interrupts.iter().rev() {
            all &= interrupt.disconnect(self, going).is_ok();
        }
        all
    }

    /// Puts the device in a slot to sleep, as the system does on its way to sleep. Requests that are
    /// sent meanwhile wait. A device that fails on the way is removed, as on Windows.
    ///
    /// # Errors
    /// The run stopped.
    pub fn sleep(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("power", move |host| {
            host.in_turn(|host| host.put_to_sleep(slot));
        })
    }

    pub(super) fn put_to_sleep(&self, slot: usize) {
        if let Some(device) = self.device_in(slot) {
            self.put_device_to_sleep(&device);
        }
    }

    /// The children of a device leave D0 before it does.
    fn put_device_to_sleep(&self, device: &Rc<Device>) {
        for child in self.children_of(device).into_iter().rev() {
            self.put_device_to_sleep(&child);
        }
        if device.phase.get() != Phase::Working {
            return;
        }
        device.sleeping.set(true);
        let sleeping = [Policy::Sleeping, Policy::SleepingNoWakePowerDown];
        self.pass_policy(device, &sleeping);
        self.end_state(device, Machine::Policy);
        if !self.power_down(device, Leaving::Sleep) {
            device.sleeping.set(false);
            self.disconnect_interrupts(device, Going::Forsaken);
            self.fail(device, Failure::Power);
            return;
        }
        self.pass_policy(device, &[Policy::SystemAsleepNoWake]);
        self.end_state(device, Machine::Policy);
        if device.is_fdo() {
            self.suspend_function(device.slot);
        }
        self.record(Event::Host {
            text: format!("device {:#x} sleeps", device.handle),
        });
    }

    /// Wakes the device in a slot up. A device that fails to wake is removed, as on Windows.
    ///
    /// # Errors
    /// The run stopped.
    pub fn resume(&self, slot: usize) -> Result<NtStatus, Stop> {
        self.run_to_end("power", move |host| host.in_turn(|host| host.wake(slot)))
    }

    pub(super) fn wake(&self, slot: usize) -> NtStatus {
        self.device_in(slot).map_or(STATUS_SUCCESS, |device| {
            let status = self.wake_with_children(&device);
            if device.children_due.get() {
                self.enumerate(&device);
            }
            status
        })
    }

    /// The children of a device enter D0 after it has.
    pub(super) fn wake_with_children(&self, device: &Rc<Device>) -> NtStatus {
        if device.phase.get() == Phase::LowPower {
            let status = self.wake_device(device);
            if !status.is_success() {
                self.fail(device, Failure::Power);
                return status;
            }
        }
        for child in self.children_of(device) {
            self.wake_with_children(&child);
        }
        STATUS_SUCCESS
    }

    /// Brings a device that sleeps to D0.
    pub(super) fn wake_device(&self, device: &Rc<Device>) -> NtStatus {
        if device.is_fdo() {
            self.wake_function(device.slot);
        }
        let waking = [
            Policy::SystemWakeDeviceWakeDisabled,
            Policy::SystemWakeDeviceToD0,
        ];
        self.pass_policy(device, &waking);
        self.end_state(device, Machine::Policy);
        let status = self.power_up(device, Entering::Wake);
        device.sleeping.set(false);
        if status.is_success() {
            let started = [Policy::StartingDecideS0Wake, Policy::Started];
            self.pass_policy(device, &started);
            self.end_state(device, Machine::Policy);
            self.record(Event::Host {
                text: format!("device {:#x} is awake", device.handle),
            });
        }
        status
    }
}
