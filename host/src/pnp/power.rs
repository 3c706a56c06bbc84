//! Power: how a device enters and leaves D0, and what is stopped and started with it.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_SUCCESS},
    types::WDF_POWER_DEVICE_STATE,
};

use super::device::Failure;
use crate::{
    event::Event,
    host::{Host, Stop},
    kmdf::{
        device::{Device, Phase},
        interrupt,
    },
};

/// Why a device leaves D0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The system sleeps.
    Sleep,
    /// Its resources are taken for now.
    Stop,
    /// It is removed in order.
    Removal,
    /// It has been pulled out.
    SurpriseRemoval,
}

fn argument(state: WDF_POWER_DEVICE_STATE) -> u64 {
    u64::from(state.0.cast_unsigned())
}

impl Host {
    /// D0Entry, interrupts, EvtDeviceD0EntryPostInterruptsEnabled, queues, self-managed I/O.
    pub(super) fn power_up(&self, device: &Rc<Device>, from: WDF_POWER_DEVICE_STATE) -> NtStatus {
        let from = argument(from);
        let callbacks = &device.callbacks;
        let status = self.device_callback(
            device,
            "EvtDeviceD0Entry",
            callbacks.EvtDeviceD0Entry.0,
            &[from],
        );
        if !status.is_success() {
            return status;
        }
        let status = self.connect_interrupts(device);
        let status = if status.is_success() {
            self.device_callback(
                device,
                "EvtDeviceD0EntryPostInterruptsEnabled",
                callbacks.EvtDeviceD0EntryPostInterruptsEnabled.0,
                &[from],
            )
        } else {
            status
        };
        if !status.is_success() {
            self.leave_d0(device);
            return status;
        }
        device.phase.set(Phase::Working);
        self.power_up_queues(device);
        let status = self.start_self_managed_io(device);
        if !status.is_success() {
            self.power_down(device, Leaving::Stop);
        }
        status
    }

    fn connect_interrupts(&self, device: &Device) -> NtStatus {
        let interrupts = device.interrupts.borrow().clone();
        interrupt::settle_synchronize_irql(&interrupts);
        for interrupt in &interrupts {
            if let Err(failed) = interrupt.connect(self) {
                return failed;
            }
        }
        STATUS_SUCCESS
    }

    /// EvtDeviceSelfManagedIoInit the first time, EvtDeviceSelfManagedIoRestart after a suspension.
    fn start_self_managed_io(&self, device: &Rc<Device>) -> NtStatus {
        let (initialized, _) = device.self_managed.get();
        let callbacks = &device.callbacks;
        let (what, callback) = if initialized {
            (
                "EvtDeviceSelfManagedIoRestart",
                callbacks.EvtDeviceSelfManagedIoRestart.0,
            )
        } else {
            (
                "EvtDeviceSelfManagedIoInit",
                callbacks.EvtDeviceSelfManagedIoInit.0,
            )
        };
        let status = self.device_callback(device, what, callback, &[]);
        device
            .self_managed
            .set((initialized || status.is_success(), status.is_success()));
        status
    }

    /// Self-managed I/O, queues, EvtDeviceD0ExitPreInterruptsDisabled, interrupts, D0Exit.
    pub(super) fn power_down(&self, device: &Rc<Device>, leaving: Leaving) {
        let (initialized, running) = device.self_managed.get();
        if running {
            device.self_managed.set((initialized, false));
            self.device_callback(
                device,
                "EvtDeviceSelfManagedIoSuspend",
                device.callbacks.EvtDeviceSelfManagedIoSuspend.0,
                &[],
            );
        }
        self.power_down_queues(device);
        if device.phase.get() == Phase::Working {
            device.phase.set(Phase::LowPower);
        }
        let to = match leaving {
            Leaving::Sleep => WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3,
            _ => WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final,
        };
        self.device_callback(
            device,
            "EvtDeviceD0ExitPreInterruptsDisabled",
            device.callbacks.EvtDeviceD0ExitPreInterruptsDisabled.0,
            &[argument(to)],
        );
        self.disconnect_interrupts(device);
        self.device_callback(
            device,
            "EvtDeviceD0Exit",
            device.callbacks.EvtDeviceD0Exit.0,
            &[argument(to)],
        );
    }

    /// What an entry of D0 that failed after EvtDeviceD0Entry undoes.
    fn leave_d0(&self, device: &Rc<Device>) {
        self.disconnect_interrupts(device);
        self.device_callback(
            device,
            "EvtDeviceD0Exit",
            device.callbacks.EvtDeviceD0Exit.0,
            &[argument(WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final)],
        );
    }

    /// In the reverse order of their connection. At a surprise removal as at any other: only for a device
    /// that has left D0 with its interrupts connected EvtInterruptDisable is skipped
    /// (`PowerGotoDxStoppedDisableInterruptNP`).
    fn disconnect_interrupts(&self, device: &Device) {
        let interrupts = device.interrupts.borrow().clone();
        for interrupt in interrupts.iter().rev() {
            // A failure of EvtInterruptDisable is noted by the framework and changes nothing.
            let _ = interrupt.disconnect(self);
        }
    }

    /// Puts the device in a slot to sleep, as the system does on its way to sleep. Requests that are
    /// sent meanwhile wait.
    ///
    /// # Errors
    /// The run stopped.
    pub fn sleep(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("power", move |host| {
            host.in_turn(|host| host.put_to_sleep(slot));
        })
    }

    pub(super) fn put_to_sleep(&self, slot: usize) {
        let Some(device) = self.device_in(slot) else {
            return;
        };
        if device.phase.get() == Phase::Working {
            device.sleeping.set(true);
            self.power_down(&device, Leaving::Sleep);
            self.suspend_function(slot);
            self.record(Event::Host {
                text: format!("device {:#x} sleeps", device.handle),
            });
        }
    }

    /// Wakes the device in a slot up. A device that fails to wake is removed, as on Windows.
    ///
    /// # Errors
    /// The run stopped.
    pub fn resume(&self, slot: usize) -> Result<NtStatus, Stop> {
        self.run_to_end("power", move |host| host.in_turn(|host| host.wake(slot)))
    }

    pub(super) fn wake(&self, slot: usize) -> NtStatus {
        let Some(device) = self.device_in(slot) else {
            return STATUS_SUCCESS;
        };
        if device.phase.get() != Phase::LowPower {
            return STATUS_SUCCESS;
        }
        self.wake_function(slot);
        let status = self.power_up(&device, WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3);
        device.sleeping.set(false);
        if status.is_success() {
            self.record(Event::Host {
                text: format!("device {:#x} is awake", device.handle),
            });
        } else {
            self.fail(&device, Failure::Power);
        }
        status
    }
}
