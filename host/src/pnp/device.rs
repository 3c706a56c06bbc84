//! The life of a device: added, started, stopped, rebalanced, removed, pulled out.

use std::rc::Rc;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_SUCCESS},
    types::WDF_POWER_DEVICE_STATE,
};

use super::{Grant, power::Leaving};
use crate::{
    check::rules,
    event::Event,
    host::{Host, Stop},
    kmdf::{
        device::{Device, Phase},
        device_init::DeviceInit,
        driver::Driver,
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
        let driver = self.framework.driver_handle();
        let device_add = self.body::<Driver>(driver).device_add;
        let address = self.memory.new_handle();
        let init = DeviceInit::new(address, slot, self.memory.new_handle());
        *self.framework.device_init.borrow_mut() = Some(init);
        let value = self.call_driver("EvtDriverDeviceAdd", driver, device_add, &[driver, address]);
        let status = NtStatus(value as u32 as i32);
        let unused = self.framework.device_init.borrow_mut().take();
        let added = self.framework.added.borrow_mut().take();
        match added {
            Some(device) if status.is_success() => {
                device.phase.set(Phase::Stopped);
                self.record(Event::Host {
                    text: format!("device {:#x} added", device.handle),
                });
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

    /// Starts the device of the function in a slot with the resources of `grant`.
    ///
    /// # Errors
    /// The run stopped.
    pub fn start_device(&self, slot: usize, grant: Grant) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                host.device_in(slot)
                    .map_or(STATUS_SUCCESS, |device| host.start(&device, grant))
            })
        })
    }

    fn start(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        device.phase.set(Phase::PreparingHardware);
        device.grant.set(grant);
        let resources = self.assign(device, grant);
        let status = self.device_callback(
            device,
            "EvtDevicePrepareHardware",
            device.callbacks.EvtDevicePrepareHardware.0,
            &[resources.raw, resources.translated],
        );
        let status = if status.is_success() {
            device.phase.set(Phase::LowPower);
            self.power_up(device, WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final)
        } else {
            status
        };
        if status.is_success() {
            for interface in device.interfaces.borrow_mut().iter_mut() {
                interface.start();
            }
            self.record(Event::Host {
                text: format!("device {:#x} started", device.handle),
            });
        } else {
            self.release_hardware(device);
        }
        status
    }

    fn release_hardware(&self, device: &Rc<Device>) {
        let Some(resources) = device.resources.get() else {
            return;
        };
        self.device_callback(
            device,
            "EvtDeviceReleaseHardware",
            device.callbacks.EvtDeviceReleaseHardware.0,
            &[resources.translated],
        );
        if device.phase.get() != Phase::SurpriseRemoved {
            device.phase.set(Phase::Stopped);
        }
        self.unassign(device);
    }

    /// Stops the device in a slot and takes its resources, as for a rebalance: it can be started
    /// again.
    ///
    /// # Errors
    /// The run stopped.
    pub fn stop_device(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                if let Some(device) = host.device_in(slot) {
                    host.stop(&device);
                }
            });
        })
    }

    fn stop(&self, device: &Rc<Device>) {
        if device.phase.get() == Phase::Working {
            self.power_down(device, Leaving::Stop);
        }
        self.release_hardware(device);
    }

    /// Rebalances the device in a slot: asks it by EvtDeviceQueryStop, stops it and starts it with
    /// other resources. What the driver answered first, or how the start ended.
    ///
    /// # Errors
    /// The run stopped.
    pub fn rebalance(&self, slot: usize, grant: Grant) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                host.device_in(slot).map_or(STATUS_SUCCESS, |device| {
                    host.give_other_resources(&device, grant)
                })
            })
        })
    }

    /// A rebalance, from the question to the start with other resources.
    pub(super) fn give_other_resources(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        if let Some(status) = device.refuses_to_stop() {
            return status;
        }
        let status = self.device_callback(
            device,
            "EvtDeviceQueryStop",
            device.callbacks.EvtDeviceQueryStop.0,
            &[],
        );
        if !status.is_success() {
            return status;
        }
        self.stop(device);
        let status = self.start(device, grant);
        if !status.is_success() {
            self.fail(device);
        }
        status
    }

    /// Asks the driver by EvtDeviceQueryRemove whether its device may be removed.
    ///
    /// # Errors
    /// The run stopped.
    pub fn query_remove(&self, slot: usize) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| {
                host.device_in(slot).map_or(STATUS_SUCCESS, |device| {
                    if let Some(status) = device.refuses_to_stop() {
                        return status;
                    }
                    let callback = device.callbacks.EvtDeviceQueryRemove.0;
                    host.device_callback(&device, "EvtDeviceQueryRemove", callback, &[])
                })
            })
        })
    }

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
        if device.phase.get() == Phase::Working {
            self.power_down(&device, Leaving::Removal);
        }
        self.finish_removal(&device);
    }

    /// Pulls the device in a slot out: from now on its registers read all ones. The driver hears of
    /// it by EvtDeviceSurpriseRemoval; what it has is taken down as at a removal.
    ///
    /// # Errors
    /// The run stopped.
    pub fn surprise_remove(&self, slot: usize) -> Result<(), Stop> {
        self.pull_out_function(slot);
        self.run_to_end("PnP", move |host| {
            host.in_turn(|host| host.lose(slot));
        })
    }

    /// What PnP does about a device that was found to be gone.
    pub(super) fn lose(&self, slot: usize) {
        if let Some(device) = self.device_in(slot) {
            self.fail(&device);
        }
    }

    /// Takes a device down whose driver has called WdfDeviceSetFailed.
    pub(crate) fn fail_device(&self, handle: u64) {
        self.in_turn(|host| {
            if !host.framework.objects.was(handle, "WDFDEVICE") {
                let device = host.body::<Device>(handle);
                host.fail(&device);
            }
        });
    }

    /// The end of a device that is not there any more, or as good as.
    pub(super) fn fail(&self, device: &Rc<Device>) {
        let phase = device.phase.get();
        if matches!(phase, Phase::Removed | Phase::SurpriseRemoved) {
            return;
        }
        device.phase.set(Phase::SurpriseRemoved);
        device.begin_removal();
        self.device_callback(
            device,
            "EvtDeviceSurpriseRemoval",
            device.callbacks.EvtDeviceSurpriseRemoval.0,
            &[],
        );
        if phase == Phase::Working {
            self.power_down(device, Leaving::SurpriseRemoval);
        }
        self.finish_removal(device);
    }

    /// From EvtDeviceReleaseHardware to the deletion of the device.
    fn finish_removal(&self, device: &Rc<Device>) {
        self.release_hardware(device);
        self.purge_queues(device, true);
        let (initialized, _) = device.self_managed.get();
        if initialized {
            let callback = device.callbacks.EvtDeviceSelfManagedIoFlush.0;
            self.device_callback(device, "EvtDeviceSelfManagedIoFlush", callback, &[]);
        }
        self.purge_queues(device, false);
        device.phase.set(Phase::Removed);
        if device.open.borrow().is_empty() {
            self.delete_device(device);
            return;
        }
        let text = format!("device {:#x} is still open", device.handle);
        self.record(Event::Host { text });
        let device = Rc::clone(device);
        self.spawn("PnP", move |host| {
            let waited = Rc::clone(&device);
            host.block_until(move |_| waited.open.borrow().is_empty());
            host.delete_device(&device);
        });
    }

    fn delete_device(&self, device: &Rc<Device>) {
        let (initialized, _) = device.self_managed.get();
        if initialized {
            let callback = device.callbacks.EvtDeviceSelfManagedIoCleanup.0;
            self.device_callback(device, "EvtDeviceSelfManagedIoCleanup", callback, &[]);
        }
        let object = self.object(device.handle);
        self.delete_object(&object);
        self.record(Event::Host {
            text: format!("device {:#x} removed", device.handle),
        });
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

    /// The device of the function in a slot.
    pub(super) fn device_in(&self, slot: usize) -> Option<Rc<Device>> {
        self.bodies::<Device>()
            .into_iter()
            .find(|device| device.slot == slot && device.phase.get() != Phase::Removed)
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
        NtStatus(self.call_driver(what, device.handle, callback, &all) as u32 as i32)
    }
}
