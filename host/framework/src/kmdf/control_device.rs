//! Control devices: what drivers make for themselves, without PnP.

use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    device::{Device, NO_SLOT, Phase},
    device_init::DeviceInit,
    driver::Driver,
    init_life::Fate,
    object::Body as _,
};
use crate::host::{Host, services};

services! {
    WdfControlDeviceInitAllocate <= PASSIVE => allocate;
    WdfControlDeviceInitSetShutdownNotification <= PASSIVE => set_shutdown_notification;
    WdfControlFinishInitializing <= DISPATCH => finish;
    WdfDeviceInitFree <= DISPATCH => free;
}

/// WdfControlDeviceInitAllocate(Driver, SDDLString): NULL for a string that is none.
fn allocate(host: &Host, call: &Call) -> u64 {
    host.body::<Driver>(call.arg(0));
    if host.valid_text_at(call.arg(1)).is_err() {
        return 0;
    }
    let address = host.memory.new_handle();
    let mut inits = host.framework().other_inits.borrow_mut();
    inits.push(DeviceInit::of_control(address));
    host.device_init_allocated(address);
    address
}

/// WdfControlDeviceInitSetShutdownNotification(DeviceInit, Notification, Flags): this system never
/// shuts down, so the callback is never called.
fn set_shutdown_notification(host: &Host, call: &Call) {
    /// `WdfDeviceShutdown`, `WdfDeviceLastChanceShutdown`
    const FLAGS: u8 = 3;
    if host.known_device_init(call.arg(0)).slot != NO_SLOT {
        host.violation(
            &rules::DEVICE_KIND,
            "WdfControlDeviceInitSetShutdownNotification is called for a device of PnP",
        );
    }
    host.require(
        call.arg8(2) & !FLAGS == 0,
        "WdfControlDeviceInitSetShutdownNotification is called with a flag that there is not",
    );
}

/// WdfDeviceInitFree(DeviceInit): nothing for what EvtDriverDeviceAdd was given, which is the
/// framework's.
fn free(host: &Host, call: &Call) {
    let init = host.known_device_init(call.arg(0));
    // Nor is that its, which EvtChildListCreateDevice was given.
    if init.is_allocated() {
        host.forget_device_init(call.arg(0));
        host.device_init_gone(call.arg(0), Fate::Freed, init.slot == NO_SLOT);
    }
}

/// WdfControlFinishInitializing(Device): from now on apps open it.
fn finish(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    if !device.is_control() {
        host.violation(
            &rules::DEVICE_KIND,
            "WdfControlFinishInitializing is called for a device of PnP",
        );
    }
    host.releases_to_all();
    host.control_device_finished(device.handle);
    device.phase.set(Phase::Working);
    let queues = device.queues.borrow().clone();
    for queue in queues {
        host.dispatch_events(&queue);
    }
}

impl Host {
    /// Deletes a control device: at once if nobody has it open, else what waits in its queues is canceled,
    /// and it goes with the last handle.
    pub(crate) fn delete_control_device(&self, handle: u64) {
        let device = self.body::<Device>(handle);
        device.begin_removal();
        device.link.borrow_mut().take();
        if device.open.borrow().is_empty() && self.irql() == Irql::PASSIVE {
            device.phase.set(Phase::Removed);
            return self.delete_object(&self.object(handle));
        }
        self.spawn("deletion", move |host| {
            let waited = std::rc::Rc::clone(&device);
            host.purge_queues(&device, false);
            host.block_until(move |_| waited.open.borrow().is_empty());
            // One that EvtDriverUnload deletes goes with the driver.
            if host.framework().objects.was(device.handle, Device::KIND) {
                return;
            }
            device.phase.set(Phase::Removed);
            let object = host.object(device.handle);
            host.delete_object(&object);
        });
    }

    /// Whether a PnP driver still has control devices: then the system does not unload it.
    pub(crate) fn is_held_by_control_devices(&self) -> bool {
        let drivers = self.bodies::<Driver>();
        let devices = self.bodies::<Device>();
        drivers.iter().any(|driver| driver.is_pnp)
            && devices
                .iter()
                .any(|device| device.is_control() && !device.removing.get())
    }
}
