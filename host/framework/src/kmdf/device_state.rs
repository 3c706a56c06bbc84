//! What a driver tells PnP of its device, and asks about where the device stands.

use std::ops::RangeInclusive;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_CANCELLED, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER,
    STATUS_NOT_FOUND, STATUS_PENDING,
};
use kmdf_machine::{Event, cpu::stub::Call};
use kmdf_rules::rules;

use super::{argument::TRI_STATES, device::Device, driver::Driver, string::WdfString};
use crate::{
    host::{Host, services},
    pnp::ATTEMPT_RESTART,
};

services! {
    WdfDeviceSetFailed <= DISPATCH => set_failed;
    WdfDeviceGetDeviceState <= DISPATCH => state;
    WdfDeviceSetDeviceState <= DISPATCH => set_state;
    WdfDeviceGetDevicePnpState <= DISPATCH => pnp_state;
    WdfDeviceGetDevicePowerState <= DISPATCH => power_state;
    WdfDeviceGetDevicePowerPolicyState <= DISPATCH => power_policy_state;
    WdfDeviceGetSystemPowerAction <= DISPATCH => system_power_action;
    WdfDeviceIndicateWakeStatus <= DISPATCH => indicate_wake;
    WdfDeviceRetrieveDeviceName <= PASSIVE => name;
    WdfDeviceSetSpecialFileSupport <= DISPATCH => set_special_file;
    WdfFdoInitWdmGetPhysicalDevice <= DISPATCH => physical_of_init;
    WdfWdmDriverGetWdfDriverHandle <= DISPATCH => of_wdm_driver;
    WdfObjectQuery <= DISPATCH => query_object;
}

/// Bytes of WDF_DEVICE_STATE behind Size, one `WDF_TRI_STATE` after the other: without AssignedToGuest
/// until 1.27, with it since.
const STATES: [usize; 2] = [6, 7];
/// `WdfTrue`, and where Failed, Removed and ResourcesChanged are.
const TRUE: i32 = 1;
const FAILED: usize = 2;
const REMOVED: usize = 4;
const RESOURCES_CHANGED: usize = 5;

/// How many states the WDF_DEVICE_STATE at an address has.
fn states(host: &Host, address: u64) -> usize {
    let size: u32 = host.memory.read(address);
    let known = STATES
        .into_iter()
        .find(|count| size as usize == 4 + 4 * count);
    known.unwrap_or_else(|| {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_DEVICE_STATE.Size is that of no version",
        )
    })
}

/// WdfDeviceGetDeviceState(Device, DeviceState)
fn state(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceGetDeviceState");
    let count = states(host, call.arg(1));
    for (state, at) in device
        .told
        .get()
        .into_iter()
        .take(count)
        .zip((4..).step_by(4))
    {
        host.memory.write(call.arg(1) + at, &state);
    }
}

/// WdfDeviceSetDeviceState(Device, DeviceState): PnP asks for it at once. A device that failed or has
/// gone is taken down, one whose resources changed is stopped and started, and the others are for the
/// device manager to show.
fn set_state(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceSetDeviceState");
    let mut states = device.told.get();
    let count = self::states(host, call.arg(1));
    for (state, at) in states.iter_mut().take(count).zip((4..).step_by(4)) {
        *state = host.memory.read(call.arg(1) + at);
    }
    host.require(
        states.iter().all(|state| TRI_STATES.contains(state)),
        "a member of WDF_DEVICE_STATE is not a WDF_TRI_STATE",
    );
    let before = device.told.replace(states);
    let began = |which: usize| states[which] == TRUE && before[which] != TRUE;
    if began(RESOURCES_CHANGED) {
        host.unsupported("a device whose resources changed, says the driver");
    }
    if began(FAILED) || began(REMOVED) {
        let handle = device.handle;
        host.spawn("PnP", move |host| host.fail_device(handle));
    }
}

/// WdfDeviceGetDevicePnpState(Device): a `WDF_DEVICE_PNP_STATE`.
fn pnp_state(host: &Host, call: &Call) -> u32 {
    host.body::<Device>(call.arg(0)).states.pnp() as u32
}

/// WdfDeviceGetDevicePowerState(Device): a `WDF_DEVICE_POWER_STATE`.
fn power_state(host: &Host, call: &Call) -> u32 {
    host.check_pnp_driver("WdfDeviceGetDevicePowerState");
    host.body::<Device>(call.arg(0)).states.power_number()
}

/// WdfDeviceGetDevicePowerPolicyState(Device): a `WDF_DEVICE_POWER_POLICY_STATE`.
fn power_policy_state(host: &Host, call: &Call) -> u32 {
    host.check_pnp_driver("WdfDeviceGetDevicePowerPolicyState");
    host.body::<Device>(call.arg(0)).states.policy() as u32
}

/// WdfDeviceGetSystemPowerAction(Device): `PowerActionSleep` while the system sleeps, else
/// `PowerActionNone`.
fn system_power_action(host: &Host, call: &Call) -> u32 {
    const SLEEP: u32 = 2;
    let device = host.pnp_device(call, "WdfDeviceGetSystemPowerAction");
    if device.sleeping.get() { SLEEP } else { 0 }
}

/// WdfDeviceIndicateWakeStatus(Device, WaitWakeStatus): no device here waits to wake the system.
fn indicate_wake(host: &Host, call: &Call) -> NtStatus {
    let status = NtStatus(call.arg32(1).cast_signed());
    if matches!(status, STATUS_PENDING | STATUS_CANCELLED) {
        return STATUS_INVALID_PARAMETER;
    }
    host.pnp_device(call, "WdfDeviceIndicateWakeStatus");
    STATUS_INVALID_DEVICE_STATE
}

/// WdfDeviceRetrieveDeviceName(Device, String): the name that WdfDeviceInitAssignName gave.
fn name(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let string = host.body::<WdfString>(call.arg(1));
    if device.name.is_empty() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    string.set(host, &device.name)
}

/// WdfDeviceSetSpecialFileSupport(Device, FileType, Supported): nobody puts a paging file here.
fn set_special_file(host: &Host, call: &Call) {
    /// Paging, hibernation, dump and boot; and since 1.29 what is assigned to a guest.
    const TYPES: RangeInclusive<u32> = 1..=4;
    const GUEST_ASSIGNED: u32 = 6;
    let kind = call.arg32(1);
    host.require(
        TYPES.contains(&kind) || kind == GUEST_ASSIGNED && host.is_built_for(29),
        "WdfDeviceSetSpecialFileSupport is called for a type of file that there is not",
    );
    host.pnp_device(call, "WdfDeviceSetSpecialFileSupport");
}

/// WdfDeviceSetFailed(Device, FailedAction): the device is treated as surprise-removed.
fn set_failed(host: &Host, call: &Call) {
    let device = host.pnp_device(call, "WdfDeviceSetFailed");
    let action = call.arg32(1);
    host.require(
        (1..=2).contains(&action),
        "WdfDeviceSetFailed is called with an action that there is not",
    );
    device.failed.set(action);
    let text = format!("device {:#x} failed, says the driver", device.handle);
    host.record(Event::Host { text });
    // Since 1.23 a child's bus driver is asked at once, and what PnP does follows from that.
    if action == ATTEMPT_RESTART && host.is_built_for(23) && host.ask_for_restart(&device) {
        return;
    }
    let handle = device.handle;
    host.spawn("PnP", move |host| host.fail_device(handle));
}

/// WdfFdoInitWdmGetPhysicalDevice(DeviceInit): NULL for a control device, which has none below it.
fn physical_of_init(host: &Host, call: &Call) -> u64 {
    let mut physical = 0;
    host.device_init(call.arg(0), |init| physical = init.physical);
    physical
}

/// WdfWdmDriverGetWdfDriverHandle(DriverObject): NULL for one that is not the driver's.
fn of_wdm_driver(host: &Host, call: &Call) -> u64 {
    if call.arg(0) != host.framework().driver_object.get() || host.bodies::<Driver>().is_empty() {
        return 0;
    }
    host.framework().driver_handle()
}

/// WdfObjectQuery(Object, Guid, QueryBufferLength, QueryBuffer): it is for tests of the framework, and
/// knows no GUID in one that is released.
fn query_object(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.object(call.arg(0));
    Err(STATUS_NOT_FOUND)
}
