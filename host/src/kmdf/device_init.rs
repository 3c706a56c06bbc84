//! WDFDEVICE_INIT: what a driver says of a device before it creates it.

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER,
        STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED,
    },
    types::{
        UNICODE_STRING, WDF_FILEOBJECT_CONFIG, WDF_IO_TYPE_CONFIG, WDF_PNPPOWER_EVENT_CALLBACKS,
        WDF_POWER_POLICY_EVENT_CALLBACKS,
    },
};

use super::{
    attributes::{Allowed, Attributes},
    device::DeviceInit,
    file::FileConfig,
};
use crate::{check::rules, cpu::stub::Call, host::Host, service::services};

services! {
    WdfDeviceInitSetPnpPowerEventCallbacks <= DISPATCH => set_pnp_power_callbacks;
    WdfDeviceInitSetPowerPolicyEventCallbacks <= DISPATCH => set_power_policy_callbacks;
    WdfDeviceInitSetPowerPolicyOwnership <= DISPATCH => set_power_policy_ownership;
    WdfDeviceInitSetPowerNotPageable <= DISPATCH => accept;
    WdfDeviceInitSetPowerPageable <= DISPATCH => accept;
    WdfDeviceInitSetPowerInrush <= DISPATCH => accept;
    WdfDeviceInitSetReleaseHardwareOrderOnFailure <= DISPATCH => accept;
    WdfDeviceInitSetIoType <= DISPATCH => set_io_type;
    WdfDeviceInitSetIoTypeEx <= DISPATCH => set_io_type_ex;
    WdfDeviceInitSetExclusive <= DISPATCH => set_exclusive;
    WdfDeviceInitSetDeviceType <= DISPATCH => accept;
    WdfDeviceInitSetDeviceClass <= DISPATCH => accept;
    WdfDeviceInitSetCharacteristics <= DISPATCH => set_characteristics;
    WdfDeviceInitAssignName <= PASSIVE => assign_name;
    WdfDeviceInitAssignSDDLString <= PASSIVE => assign_security;
    WdfDeviceInitSetFileObjectConfig <= DISPATCH => set_file_config;
    WdfDeviceInitSetRequestAttributes <= DISPATCH => set_request_attributes;
    WdfFdoInitSetFilter <= DISPATCH => set_filter;
}

impl Host {
    /// The WDFDEVICE_INIT at an address, if there is one that no device was made of.
    pub(crate) fn find_device_init(&self, address: u64) -> Option<DeviceInit> {
        let of_pnp = self.framework.device_init.borrow();
        let of_control = self.framework.control_inits.borrow();
        let mut inits = of_pnp.iter().chain(of_control.iter());
        inits.find(|init| init.address == address).cloned()
    }

    /// Forgets a WDFDEVICE_INIT.
    pub(crate) fn forget_device_init(&self, address: u64) {
        let mut of_pnp = self.framework.device_init.borrow_mut();
        of_pnp.take_if(|init| init.address == address);
        let mut of_control = self.framework.control_inits.borrow_mut();
        of_control.retain(|init| init.address != address);
    }

    pub(super) fn device_init(&self, address: u64, change: impl FnOnce(&mut DeviceInit)) {
        let mut of_pnp = self.framework.device_init.borrow_mut();
        let mut of_control = self.framework.control_inits.borrow_mut();
        let mut inits = of_pnp.iter_mut().chain(of_control.iter_mut());
        if let Some(init) = inits.find(|init| init.address == address) {
            change(init);
            return;
        }
        drop((of_pnp, of_control));
        self.violation(
            &rules::DEVICE_INIT,
            format!("{address:#x} is no WDFDEVICE_INIT that can still be changed"),
        );
    }

    fn check_size(&self, what: &str, size: u32, expected: usize) {
        if size as usize != expected {
            self.violation(
                &rules::STRUCTURE_SIZE,
                format!("{what}.Size is that of no version"),
            );
        }
    }
}

/// WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, PnpPowerEventCallbacks)
fn set_pnp_power_callbacks(host: &Host, call: &Call) {
    let callbacks: WDF_PNPPOWER_EVENT_CALLBACKS = host.memory.read(call.arg(1));
    host.check_size(
        "WDF_PNPPOWER_EVENT_CALLBACKS",
        callbacks.Size,
        size_of::<WDF_PNPPOWER_EVENT_CALLBACKS>(),
    );
    host.device_init(call.arg(0), |init| init.callbacks = Some(callbacks));
}

/// WdfDeviceInitSetPowerPolicyEventCallbacks(DeviceInit, Callbacks): they are for waking, which a
/// device without a power management capability cannot do, so none of them is ever called.
fn set_power_policy_callbacks(host: &Host, call: &Call) {
    let callbacks: WDF_POWER_POLICY_EVENT_CALLBACKS = host.memory.read(call.arg(1));
    host.check_size(
        "WDF_POWER_POLICY_EVENT_CALLBACKS",
        callbacks.Size,
        size_of::<WDF_POWER_POLICY_EVENT_CALLBACKS>(),
    );
    accept(host, call);
}

/// WdfDeviceInitSetPowerPolicyOwnership(DeviceInit, IsPowerPolicyOwner)
fn set_power_policy_ownership(host: &Host, call: &Call) {
    let mut is_filter = false;
    host.device_init(call.arg(0), |init| is_filter = init.is_filter);
    if !call.flag(1) && !is_filter {
        host.violation(
            &rules::FDO_POWER_POLICY_OWNER,
            "the function driver gives up power policy ownership: then nobody brings its device \
             to D0",
        );
    }
}

/// Settings that nothing here looks at.
fn accept(host: &Host, call: &Call) {
    host.device_init(call.arg(0), |_| {});
}

/// WdfFdoInitSetFilter(DeviceInit)
fn set_filter(host: &Host, call: &Call) {
    host.device_init(call.arg(0), |init| init.is_filter = true);
}

/// WdfDeviceInitSetIoType(DeviceInit, IoType)
fn set_io_type(host: &Host, call: &Call) {
    let io_type = call.arg32(1).cast_signed();
    host.device_init(call.arg(0), |init| init.io_type = io_type);
}

/// WdfDeviceInitSetIoTypeEx(DeviceInit, IoTypeConfig)
fn set_io_type_ex(host: &Host, call: &Call) {
    let config: WDF_IO_TYPE_CONFIG = host.memory.read(call.arg(1));
    host.check_size(
        "WDF_IO_TYPE_CONFIG",
        config.Size,
        size_of::<WDF_IO_TYPE_CONFIG>(),
    );
    let io_type = config.ReadWriteIoType.0;
    host.device_init(call.arg(0), |init| init.io_type = io_type);
}

fn set_exclusive(host: &Host, call: &Call) {
    let exclusive = call.flag(1);
    host.device_init(call.arg(0), |init| init.exclusive = exclusive);
}

/// WdfDeviceInitSetCharacteristics(DeviceInit, DeviceCharacteristics, OrInValues)
fn set_characteristics(host: &Host, call: &Call) {
    let (characteristics, or) = (call.arg32(1), call.flag(2));
    host.device_init(call.arg(0), |init| {
        init.characteristics = characteristics | if or { init.characteristics } else { 0 };
    });
}

/// WdfDeviceInitAssignName(DeviceInit, DeviceName): NULL takes it back.
fn assign_name(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let name = text(host, call.arg(1))?;
    host.device_init(call.arg(0), |init| init.name = name);
    Ok(())
}

/// WdfDeviceInitAssignSDDLString(DeviceInit, SDDLString): NULL takes it back.
fn assign_security(host: &Host, call: &Call) -> Result<(), NtStatus> {
    text(host, call.arg(1))?;
    accept(host, call);
    Ok(())
}

/// The text of the UNICODE_STRING at an address; empty for NULL.
fn text(host: &Host, address: u64) -> Result<String, NtStatus> {
    if address == 0 {
        return Ok(String::new());
    }
    let text: UNICODE_STRING = host.memory.read(address);
    if !text.Length.is_multiple_of(2) || text.Length > text.MaximumLength {
        return Err(STATUS_INVALID_PARAMETER);
    }
    Ok(host.text(&text))
}

/// WdfDeviceInitSetFileObjectConfig(DeviceInit, FileObjectConfig, FileObjectAttributes)
fn set_file_config(host: &Host, call: &Call) {
    let callbacks: WDF_FILEOBJECT_CONFIG = host.memory.read(call.arg(1));
    host.check_size(
        "WDF_FILEOBJECT_CONFIG",
        callbacks.Size,
        size_of::<WDF_FILEOBJECT_CONFIG>(),
    );
    let attributes = template(host, call.arg(2), Allowed::LEVEL_AND_SCOPE);
    let config = FileConfig {
        callbacks,
        attributes,
    };
    host.device_init(call.arg(0), |init| init.files = Some(config));
}

/// WdfDeviceInitSetRequestAttributes(DeviceInit, RequestAttributes)
fn set_request_attributes(host: &Host, call: &Call) {
    let attributes = template(host, call.arg(1), Allowed::PLAIN);
    host.device_init(call.arg(0), |init| init.request_attributes = attributes);
}

/// Attributes for objects that the framework will make. The functions that take them cannot fail:
/// KMDF Verifier breaks in.
fn template(host: &Host, address: u64, allowed: Allowed) -> Attributes {
    match host.attributes_with(address, allowed.without_parent()) {
        Ok(attributes) => attributes,
        Err(STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED) => host.violation(
            &rules::PARENT_OBJECT_CHECK,
            "a parent is named for objects whose parent is always the device",
        ),
        Err(STATUS_INFO_LENGTH_MISMATCH) => host.violation(
            &rules::STRUCTURE_SIZE,
            "WDF_OBJECT_ATTRIBUTES.Size is that of no version",
        ),
        Err(status) => host.violation(
            &rules::OBJECT_ATTRIBUTES,
            format!("the attributes are refused with {status}"),
        ),
    }
}
