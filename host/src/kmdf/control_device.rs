//! Control devices: what drivers make for themselves, without PnP.

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_DEVICE_REQUEST};

use super::{
    device::{Device, DeviceInit, NO_SLOT, Phase},
    driver::Driver,
    object::Body as _,
};
use crate::{cpu::stub::Call, host::Host, service::services};

services! {
    WdfControlDeviceInitAllocate <= PASSIVE => allocate;
    WdfControlDeviceInitSetShutdownNotification <= PASSIVE => set_shutdown_notification;
    WdfControlFinishInitializing <= PASSIVE => finish;
    WdfDeviceInitFree <= PASSIVE => free;
}

/// WdfControlDeviceInitAllocate(Driver, SDDLString)
fn allocate(host: &Host, call: &Call) -> u64 {
    host.body::<Driver>(call.arg(0));
    let address = host.memory.new_handle();
    let mut inits = host.framework.control_inits.borrow_mut();
    inits.push(DeviceInit::new(address, NO_SLOT, 0));
    address
}

/// WdfControlDeviceInitSetShutdownNotification(DeviceInit, Notification, Flags): this system never
/// shuts down, so the callback is never called.
fn set_shutdown_notification(host: &Host, call: &Call) {
    host.device_init(call.arg(0), |_| {});
}

/// WdfDeviceInitFree(DeviceInit): what EvtDriverDeviceAdd was given is the framework's.
fn free(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let init = host.find_device_init(call.arg(0));
    if init.is_none_or(|init| init.slot != NO_SLOT) {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    host.forget_device_init(call.arg(0));
    Ok(())
}

/// WdfControlFinishInitializing(Device): from now on apps open it.
fn finish(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    if !device.is_control() {
        return;
    }
    device.phase.set(Phase::Working);
    let queues = device.queues.borrow().clone();
    for queue in queues {
        host.dispatch_events(&queue);
    }
}

impl Host {
    /// Deletes a control device: what waits in its queues is canceled, and it goes when nobody has it
    /// open any more.
    pub(crate) fn delete_control_device(&self, handle: u64) {
        let device = self.body::<Device>(handle);
        device.begin_removal();
        device.links.borrow_mut().clear();
        self.spawn("deletion", move |host| {
            let waited = std::rc::Rc::clone(&device);
            host.purge_queues(&device, false);
            host.block_until(move |_| waited.open.borrow().is_empty());
            // One that EvtDriverUnload deletes goes with the driver.
            if host.framework.objects.was(device.handle, Device::KIND) {
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
