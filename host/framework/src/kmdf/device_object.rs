//! A device's DEVICE_OBJECT, and those below it.

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_NOT_FOUND},
    types::DEVICE_OBJECT,
};
use kmdf_machine::cpu::stub::Call;

use super::device::{Device, SECURE_OPEN};
use crate::host::{Host, services};

services! {
    WdfDeviceSetCharacteristics <= DISPATCH => set_characteristics;
    WdfDeviceGetCharacteristics <= DISPATCH => characteristics;
    WdfDeviceSetAlignmentRequirement <= DISPATCH => set_alignment;
    WdfDeviceGetAlignmentRequirement <= DISPATCH => alignment;
    WdfDeviceWdmGetDeviceObject <= DISPATCH => own;
    WdfDeviceWdmGetAttachedDevice <= DISPATCH => attached;
    WdfDeviceWdmGetPhysicalDevice <= DISPATCH => physical;
    WdfDeviceRetrieveCompanionTarget <= PASSIVE => companion;
    WdfWdmDeviceGetWdfDeviceHandle <= DISPATCH => device_of;
}

/// `IO_TYPE_DEVICE`
const IO_TYPE_DEVICE: u16 = 3;

impl Host {
    /// A DEVICE_OBJECT that so many stack locations reach, with another one above.
    pub(crate) fn new_device_object(&self, stack: i8, above: u64) -> u64 {
        let mut object = DEVICE_OBJECT {
            Type: IO_TYPE_DEVICE as i16,
            Size: size_of::<DEVICE_OBJECT>() as u16,
            ReferenceCount: 1,
            StackSize: stack,
            ..DEVICE_OBJECT::default()
        };
        object.DriverObject.0 = self.framework().driver_object.get();
        object.AttachedDevice.0 = above;
        let address = self.lend("a DEVICE_OBJECT", size_of::<DEVICE_OBJECT>() as u64);
        self.memory.write(address, &object);
        address
    }
}

/// WdfDeviceSetCharacteristics(Device, DeviceCharacteristics): the framework's devices are always
/// opened under their own security.
fn set_characteristics(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    device.characteristics.set(call.arg32(1) | SECURE_OPEN);
}

fn characteristics(host: &Host, call: &Call) -> u32 {
    host.body::<Device>(call.arg(0)).characteristics.get()
}

fn set_alignment(host: &Host, call: &Call) {
    let device = host.body::<Device>(call.arg(0));
    device.alignment.set(call.arg32(1));
}

fn alignment(host: &Host, call: &Call) -> u32 {
    host.body::<Device>(call.arg(0)).alignment.get()
}

fn own(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).wdm_own()
}

fn attached(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).wdm_attached()
}

fn physical(host: &Host, call: &Call) -> u64 {
    host.body::<Device>(call.arg(0)).wdm_physical()
}

/// WdfWdmDeviceGetWdfDeviceHandle(DeviceObject): NULL for one that is not the driver's.
fn device_of(host: &Host, call: &Call) -> u64 {
    let devices = host.bodies::<Device>();
    let mut devices = devices.iter();
    let device = devices.find(|device| device.wdm_own() == call.arg(0));
    device.map_or(0, |device| device.handle)
}

/// WdfDeviceRetrieveCompanionTarget(Device, CompanionTarget): no INF here gives a device a companion.
fn companion(host: &Host, call: &Call) -> NtStatus {
    if host.body::<Device>(call.arg(0)).is_control() {
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    STATUS_NOT_FOUND
}
