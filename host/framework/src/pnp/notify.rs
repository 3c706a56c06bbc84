//! What a driver tells PnP of a device by its PDO, as drivers of WDM do.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_PENDING, STATUS_SUCCESS};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::{
    host::{Host, services},
    kmdf::device::Device,
};

services! {
    IoInvalidateDeviceRelations <= DISPATCH => invalidate_relations;
    IoRequestDeviceEject <= DISPATCH => request_eject;
    IoReportTargetDeviceChange <= PASSIVE => report_change;
    IoReportTargetDeviceChangeAsynchronous <= DISPATCH => report_change_later;
}

/// The device whose PDO a call names.
fn of_pdo(host: &Host, call: &Call, what: &str) -> Rc<Device> {
    let object = call.arg(0);
    let mut devices = host.bodies::<Device>().into_iter();
    let device =
        devices.find(|device| object != 0 && device.wdm_physical() == object && device.is_known());
    device.unwrap_or_else(|| {
        host.violation(
            &rules::PNP_FATAL_ERROR,
            format!("{what} is called with {object:#x}, which is no PDO that PnP knows"),
        )
    })
}

/// IoInvalidateDeviceRelations(DeviceObject, Type): only those of the bus are asked for here.
fn invalidate_relations(host: &Host, call: &Call) {
    const BUS_RELATIONS: u32 = 0;
    let device = of_pdo(host, call, "IoInvalidateDeviceRelations");
    if call.arg32(1) == BUS_RELATIONS {
        host.invalidate_relations(&device);
    }
}

/// IoRequestDeviceEject(PhysicalDeviceObject)
fn request_eject(host: &Host, call: &Call) {
    let device = of_pdo(host, call, "IoRequestDeviceEject");
    host.request_eject(device.handle);
}

/// IoReportTargetDeviceChange(PhysicalDeviceObject, NotificationStructure): no app here has asked to hear of
/// a device's own events.
fn report_change(host: &Host, call: &Call) -> NtStatus {
    of_pdo(host, call, "IoReportTargetDeviceChange");
    STATUS_SUCCESS
}

/// IoReportTargetDeviceChangeAsynchronous(PhysicalDeviceObject, NotificationStructure, Callback, Context)
fn report_change_later(host: &Host, call: &Call) -> NtStatus {
    of_pdo(host, call, "IoReportTargetDeviceChangeAsynchronous");
    let (callback, context) = (call.arg(2), call.arg(3));
    if callback != 0 {
        host.spawn("PnP", move |host| {
            host.call_driver("DeviceChangeComplete", 0, callback, &[context]);
        });
    }
    STATUS_PENDING
}
