//! What a driver tells PnP of its device, and asks about where the device stands.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_DEVICE_STATE, STATUS_INVALID_PARAMETER, STATUS_NOT_FOUND},
    types::WDF_REMOVE_LOCK_OPTIONS,
};

use super::{
    device::{Device, Phase},
    driver::Driver,
    string::WdfString,
};
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

services! {
    WdfDeviceGetDeviceState <= DISPATCH => state;
    WdfDeviceSetDeviceState <= DISPATCH => set_state;
    WdfDeviceGetDevicePnpState <= DISPATCH => pnp_state;
    WdfDeviceGetDevicePowerState <= DISPATCH => power_state;
    WdfDeviceGetDevicePowerPolicyState <= DISPATCH => power_policy_state;
    WdfDeviceGetSystemPowerAction <= DISPATCH => system_power_action;
    WdfDeviceIndicateWakeStatus <= DISPATCH => indicate_wake;
    WdfDeviceRetrieveDeviceName <= PASSIVE => name;
    WdfDeviceSetSpecialFileSupport <= DISPATCH => set_special_file;
    WdfDeviceInitSetRemoveLockOptions <= DISPATCH => set_remove_lock;
    WdfFdoInitWdmGetPhysicalDevice <= DISPATCH => physical_of_init;
    WdfWdmDeviceGetWdfDeviceHandle <= DISPATCH => of_wdm_device;
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
    let device = host.body::<Device>(call.arg(0));
    let count = states(host, call.arg(1));
    for (state, at) in device
        .states
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
    let device = host.body::<Device>(call.arg(0));
    let count = states(host, call.arg(1));
    let mut states = device.states.get();
    for (state, at) in states.iter_mut().take(count).zip((4..).step_by(4)) {
        *state = host.memory.read(call.arg(1) + at);
    }
    let before = device.states.replace(states);
    let began = |which: usize| states[which] == TRUE && before[which] != TRUE;
    if began(RESOURCES_CHANGED) {
        host.unsupported("a device whose resources changed, says the driver");
    }
    if (began(FAILED) || began(REMOVED)) && !device.is_control() {
        let handle = device.handle;
        host.spawn("PnP", move |host| host.fail_device(handle));
    }
}

/// WdfDeviceGetDevicePnpState(Device): a `WDF_DEVICE_PNP_STATE`.
fn pnp_state(host: &Host, call: &Call) -> u32 {
    match host.body::<Device>(call.arg(0)).phase.get() {
        // WdfDevStatePnpInit, …HardwareAvailable, …Started, …Stopped, …Removed
        Phase::Adding => 0x105,
        Phase::PreparingHardware => 0x108,
        Phase::LowPower | Phase::Working => 0x119,
        Phase::Stopped => 0x11E,
        Phase::SurpriseRemoved | Phase::Removed => 0x113,
    }
}

/// WdfDeviceGetDevicePowerState(Device): a `WDF_DEVICE_POWER_STATE`.
fn power_state(host: &Host, call: &Call) -> u32 {
    match host.body::<Device>(call.arg(0)).phase.get() {
        // WdfDevStatePowerObjectCreated, …D0, …Stopped
        Phase::Adding => 0x300,
        Phase::Working => 0x307,
        _ => 0x315,
    }
}

/// WdfDeviceGetDevicePowerPolicyState(Device): a `WDF_DEVICE_POWER_POLICY_STATE`.
fn power_policy_state(host: &Host, call: &Call) -> u32 {
    match host.body::<Device>(call.arg(0)).phase.get() {
        // WdfDevStatePwrPolObjectCreated, …Started, …Stopped, …Removed
        Phase::Adding => 0x500,
        Phase::Working | Phase::LowPower => 0x565,
        Phase::Stopped | Phase::PreparingHardware => 0x563,
        Phase::SurpriseRemoved | Phase::Removed => 0x58E,
    }
}

/// WdfDeviceGetSystemPowerAction(Device): `PowerActionSleep` while the system sleeps, else
/// `PowerActionNone`.
fn system_power_action(host: &Host, call: &Call) -> u32 {
    const SLEEP: u32 = 2;
    let device = host.body::<Device>(call.arg(0));
    if device.sleeping.get() { SLEEP } else { 0 }
}

/// WdfDeviceIndicateWakeStatus(Device, WaitWakeStatus): no device here waits to wake the system.
fn indicate_wake(host: &Host, call: &Call) -> NtStatus {
    host.body::<Device>(call.arg(0));
    if NtStatus(call.arg32(1).cast_signed()) == kmdf_abi::ntstatus::STATUS_PENDING {
        return STATUS_INVALID_PARAMETER;
    }
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
    /// `WdfSpecialFileUndefined` and the first number behind the last type.
    const TYPES: std::ops::Range<u32> = 1..6;
    host.body::<Device>(call.arg(0));
    if !TYPES.contains(&call.arg32(1)) {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WdfDeviceSetSpecialFileSupport is called for a type of file that there is not",
        );
    }
}

/// WdfDeviceInitSetRemoveLockOptions(DeviceInit, Options): whether all I/O is counted. Removal waits for
/// it here in any case.
fn set_remove_lock(host: &Host, call: &Call) {
    let options: WDF_REMOVE_LOCK_OPTIONS = host.memory.read(call.arg(1));
    if options.Size as usize != size_of::<WDF_REMOVE_LOCK_OPTIONS>() {
        host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_REMOVE_LOCK_OPTIONS.Size is that of no version",
        );
    }
    host.device_init(call.arg(0), |_| {});
}

/// WdfFdoInitWdmGetPhysicalDevice(DeviceInit): NULL for a control device, which has none below it.
fn physical_of_init(host: &Host, call: &Call) -> u64 {
    let mut physical = 0;
    host.device_init(call.arg(0), |init| physical = init.physical);
    physical
}

/// WdfWdmDeviceGetWdfDeviceHandle(DeviceObject): NULL for one that is not the driver's.
fn of_wdm_device(host: &Host, call: &Call) -> u64 {
    let devices = host.bodies::<Device>();
    let mut devices = devices.iter();
    let device = devices.find(|device| device.wdm_own() == call.arg(0));
    device.map_or(0, |device| device.handle)
}

/// WdfWdmDriverGetWdfDriverHandle(DriverObject): NULL for one that is not the driver's.
fn of_wdm_driver(host: &Host, call: &Call) -> u64 {
    if call.arg(0) != host.framework.driver_object.get() || host.bodies::<Driver>().is_empty() {
        return 0;
    }
    host.framework.driver_handle()
}

/// WdfObjectQuery(Object, Guid, QueryBufferLength, QueryBuffer): it is for tests of the framework, and
/// knows no GUID in one that is released.
fn query_object(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.object(call.arg(0));
    Err(STATUS_NOT_FOUND)
}
