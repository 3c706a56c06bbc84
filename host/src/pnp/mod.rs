//! PnP and power: what the managers do to a driver and its devices, in their order.

mod assign;

pub use assign::Grant;
pub(crate) use assign::{FIRST_DEVICE_VECTOR, Resources};

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_SUCCESS},
    types::WDF_POWER_DEVICE_STATE,
};

use crate::{
    event::Event,
    host::{Host, Stop},
    image::{Image, MapError, Symbols},
    kmdf::{
        device::{Device, DeviceInit, IO_BUFFERED, Phase},
        driver::{DRIVER_OBJECT_BYTES, DRIVER_UNLOAD_OFFSET, Driver},
        interrupt,
    },
    loader,
};

/// What is left of a driver that has been unloaded: nothing, if all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Each thing that was not given back.
    pub items: Vec<String>,
}

impl Host {
    /// Maps the image, binds its imports and calls its entry point.
    ///
    /// # Errors
    /// The image cannot be mapped, or the run stopped.
    ///
    /// # Panics
    /// When a driver was loaded before: one host runs one driver.
    pub fn load(
        &self,
        image: Image,
        symbols: Symbols,
        service: &str,
    ) -> Result<Result<NtStatus, Stop>, MapError> {
        loader::map(self, image, symbols)?;
        let path = format!(r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\{service}");
        Ok(self.run_to_end("DriverEntry", move |host| host.driver_entry(&path)))
    }

    fn driver_entry(&self, registry_path: &str) -> NtStatus {
        let object = self.lend("the DRIVER_OBJECT", DRIVER_OBJECT_BYTES);
        self.framework.driver_object.set(object);
        // CSHORT Type (IO_TYPE_DRIVER), CSHORT Size.
        self.memory.write(object, &4_u16);
        self.memory.write(object + 2, &(DRIVER_OBJECT_BYTES as u16));
        let path = self.lend_string("the registry path", registry_path);
        let entry = self.image.get().expect("mapped before").entry();
        let value = self.call_driver("DriverEntry", 0, entry, &[object, path]);
        let status = NtStatus(value as u32 as i32);
        if !status.is_success() {
            // What WdfDriverCreate made goes when DriverEntry fails, without EvtDriverUnload.
            self.discard_driver_object();
        }
        status
    }

    /// Calls EvtDriverDeviceAdd for the function in a slot.
    ///
    /// # Errors
    /// The run stopped.
    pub fn add_device(&self, slot: usize) -> Result<NtStatus, Stop> {
        self.run_to_end("PnP", move |host| host.device_add(slot))
    }

    fn device_add(&self, slot: usize) -> NtStatus {
        let driver = self.framework.driver_handle();
        let device_add = self.body::<Driver>(driver).device_add;
        let address = self.memory.new_handle();
        let init = DeviceInit {
            address,
            slot,
            callbacks: None,
            io_type: IO_BUFFERED,
        };
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
                let object = self.object(device.handle);
                self.delete_object(&object);
            }
            None if status.is_success() && unused.is_some() => self.violation(
                "DeviceCreateFail",
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
            host.device_in(slot)
                .map_or(STATUS_SUCCESS, |device| host.start(&device, grant))
        })
    }

    fn start(&self, device: &Rc<Device>, grant: Grant) -> NtStatus {
        let resources = self.assign(device, grant);
        device.phase.set(Phase::PreparingHardware);
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
                interface.enabled = true;
            }
            self.record(Event::Host {
                text: format!("device {:#x} started", device.handle),
            });
        } else {
            self.release_hardware(device);
        }
        status
    }

    /// D0Entry, interrupts, EvtDeviceD0EntryPostInterruptsEnabled, queues.
    fn power_up(&self, device: &Rc<Device>, from: WDF_POWER_DEVICE_STATE) -> NtStatus {
        let from = u64::from(from.0.cast_unsigned());
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
        let interrupts = device.interrupts.borrow().clone();
        interrupt::settle_synchronize_irql(&interrupts);
        let mut status = STATUS_SUCCESS;
        for interrupt in &interrupts {
            if let Err(failed) = interrupt.connect(self) {
                status = failed;
                break;
            }
        }
        if status.is_success() {
            status = self.device_callback(
                device,
                "EvtDeviceD0EntryPostInterruptsEnabled",
                callbacks.EvtDeviceD0EntryPostInterruptsEnabled.0,
                &[from],
            );
        }
        if status.is_success() {
            device.phase.set(Phase::Working);
            self.power_up_queues(device);
        } else {
            self.disconnect_interrupts(device, true);
            self.device_callback(
                device,
                "EvtDeviceD0Exit",
                callbacks.EvtDeviceD0Exit.0,
                &[WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final
                    .0
                    .cast_unsigned()
                    .into()],
            );
        }
        status
    }

    /// Queues, EvtDeviceD0ExitPreInterruptsDisabled, interrupts, D0Exit.
    fn power_down(&self, device: &Rc<Device>, to: WDF_POWER_DEVICE_STATE, removing: bool) {
        let to = u64::from(to.0.cast_unsigned());
        let callbacks = &device.callbacks;
        self.power_down_queues(device, removing);
        device.phase.set(Phase::LowPower);
        self.device_callback(
            device,
            "EvtDeviceD0ExitPreInterruptsDisabled",
            callbacks.EvtDeviceD0ExitPreInterruptsDisabled.0,
            &[to],
        );
        self.disconnect_interrupts(device, true);
        self.device_callback(
            device,
            "EvtDeviceD0Exit",
            callbacks.EvtDeviceD0Exit.0,
            &[to],
        );
    }

    fn disconnect_interrupts(&self, device: &Device, call_disable: bool) {
        let interrupts = device.interrupts.borrow().clone();
        for interrupt in interrupts.iter().rev() {
            // A failure of EvtInterruptDisable is noted by the framework and changes nothing.
            let _ = interrupt.disconnect(self, call_disable);
        }
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
        device.phase.set(Phase::Stopped);
        self.unassign(device);
    }

    /// Stops the device in a slot and takes its resources, as for a rebalance: it can be started
    /// again.
    ///
    /// # Errors
    /// The run stopped.
    pub fn stop_device(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("PnP", move |host| {
            if let Some(device) = host.device_in(slot) {
                host.power_down(
                    &device,
                    WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final,
                    false,
                );
                host.release_hardware(&device);
            }
        })
    }

    /// Removes the device in a slot in order.
    ///
    /// # Errors
    /// The run stopped.
    pub fn remove_device(&self, slot: usize) -> Result<(), Stop> {
        self.run_to_end("PnP", move |host| {
            let Some(device) = host.device_in(slot) else {
                return;
            };
            for interface in device.interfaces.borrow_mut().iter_mut() {
                interface.enabled = false;
            }
            if device.phase.get() == Phase::Working {
                host.power_down(&device, WDF_POWER_DEVICE_STATE::WdfPowerDeviceD3Final, true);
                host.purge_queues(&device);
                host.release_hardware(&device);
            }
            device.phase.set(Phase::Removed);
            let object = host.object(device.handle);
            host.delete_object(&object);
            host.record(Event::Host {
                text: format!("device {:#x} removed", device.handle),
            });
        })
    }

    /// Unloads the driver: its DriverUnload, then what it has left.
    ///
    /// # Errors
    /// The run stopped.
    pub fn unload(&self) -> Result<Leftovers, Stop> {
        self.run_to_end("unload", |host| {
            let object = host.framework.driver_object.get();
            let unload: u64 = host.memory.read(object + DRIVER_UNLOAD_OFFSET);
            if unload == 0 {
                host.violation("DriverUnload", "the driver has no DriverUnload");
            }
            host.call_driver("DriverUnload", 0, unload, &[object]);
            host.leftovers()
        })
    }

    fn leftovers(&self) -> Leftovers {
        let mut items = Vec::new();
        for allocation in self.memory.leaks() {
            items.push(format!(
                "{} bytes of {}",
                allocation.bytes, allocation.purpose
            ));
        }
        for mapping in self.memory.device_mappings() {
            items.push(format!("{} bytes of mapped device memory", mapping.bytes));
        }
        for (kind, count) in self.framework.objects.census() {
            items.push(format!("{count} {kind}"));
        }
        if self.framework.globals.get() != 0 {
            items.push("the binding to the framework".to_owned());
        }
        Leftovers { items }
    }

    /// The device of the function in a slot.
    fn device_in(&self, slot: usize) -> Option<Rc<Device>> {
        self.bodies::<Device>()
            .into_iter()
            .find(|device| device.slot == slot)
    }

    fn device_callback(
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

    /// Runs `body` as a kernel thread and everything else with it until it returns.
    pub(crate) fn run_to_end<R: 'static>(
        &self,
        name: &str,
        body: impl FnOnce(&Self) -> R + 'static,
    ) -> Result<R, Stop> {
        let result = Rc::new(RefCell::new(None));
        let done = Rc::new(Cell::new(false));
        let (out, flag) = (Rc::clone(&result), Rc::clone(&done));
        self.spawn(name, move |host| {
            *out.borrow_mut() = Some(body(host));
            flag.set(true);
        });
        self.run_until(|_| done.get())?;
        let result = result.borrow_mut().take();
        Ok(result.expect("the thread has ended"))
    }
}
