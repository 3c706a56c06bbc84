//! The driver object.

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_DRIVER_INTERNAL_ERROR, STATUS_INFO_LENGTH_MISMATCH,
        STATUS_INVALID_PARAMETER,
    },
    types::WDF_DRIVER_CONFIG,
};
use kmdf_machine::{cpu::stub::Call, service::Service};
use kmdf_rules::rules;

use super::{
    attributes::{Allowed, Attributes},
    object::Body,
    serial::Constraints,
};
use crate::host::{Host, services};

/// Offset of DriverUnload in a DRIVER_OBJECT of x64.
pub(crate) const DRIVER_UNLOAD_OFFSET: u64 = 0x68;
/// Size of a DRIVER_OBJECT of x64.
pub(crate) const DRIVER_OBJECT_BYTES: u64 = 0x150;
/// `WdfDriverInitNonPnpDriver`, `WdfDriverInitNoDispatchOverride`, and with them `WdfDriverInitCompanion`.
const INIT_NON_PNP_DRIVER: u32 = 1;
const INIT_NO_DISPATCH_OVERRIDE: u32 = 2;
const INIT_FLAGS: u32 = INIT_NON_PNP_DRIVER | INIT_NO_DISPATCH_OVERRIDE | 4;
/// The table that the host plays is that of this minor version and of all before it.
pub(crate) const HIGHEST_MINOR: u32 = 33;

/// WDFDRIVER
pub(crate) struct Driver {
    /// EvtDriverDeviceAdd, or 0.
    pub(crate) device_add: u64,
    /// Whether PnP gives it devices.
    pub(crate) is_pnp: bool,
    /// Whether another driver dispatches its IRPs.
    pub(crate) is_miniport: bool,
    /// EvtDriverUnload, or 0.
    pub(crate) unload: u64,
    /// What devices inherit.
    pub(crate) constraints: Constraints,
    /// Its registry path, a string that ends with a zero, lent to the driver.
    pub(crate) registry_path: u64,
}

impl Body for Driver {
    const KIND: &'static str = "WDFDRIVER";
}

services! {
    WdfDriverCreate <= PASSIVE => create;
}

/// What the framework puts into the DRIVER_OBJECT.
pub(crate) const UNLOAD: Service = Service {
    name: "FxDriverUnload",
    max_irql: kmdf_machine::Irql::PASSIVE,
    handler: |machine, _| fx_unload(Host::of(machine)),
};

/// WdfDriverCreate(DriverObject, RegistryPath, DriverAttributes, DriverConfig, Driver)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let config: WDF_DRIVER_CONFIG = host.memory.read(call.arg(3));
    if config.Size as usize != size_of::<WDF_DRIVER_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if config.DriverInitFlags & !INIT_FLAGS != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let mut path = host.valid_text_at(call.arg(1))?;
    if host.framework().driver.get() != 0 {
        return Err(STATUS_DRIVER_INTERNAL_ERROR);
    }
    let is_pnp = config.DriverInitFlags & INIT_NON_PNP_DRIVER == 0;
    if !is_pnp && config.EvtDriverDeviceAdd.0 != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let allowed = Allowed::LEVEL_AND_SCOPE.without_parent();
    let attributes = host.attributes_with(call.arg(2), allowed)?;
    host.check_driver_attributes(&attributes);
    path.push('\0');
    let bytes: Vec<u8> = path.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let registry_path = host.lend("the driver's registry path", bytes.len() as u64);
    host.memory.write_bytes(registry_path, &bytes);
    let (object, _) = host.create_object(None, &attributes, |_| Driver {
        device_add: config.EvtDriverDeviceAdd.0,
        is_pnp,
        is_miniport: config.DriverInitFlags & INIT_NO_DISPATCH_OVERRIDE != 0,
        unload: config.EvtDriverUnload.0,
        constraints: Constraints::of(&attributes, Constraints::default()),
        registry_path,
    });
    host.framework().driver.set(object.handle);
    let globals = host.framework().globals.get();
    host.memory.write(globals, &object.handle);
    host.memory
        .write(call.arg(0) + DRIVER_UNLOAD_OFFSET, &host.unload_stub());
    if call.arg(4) != 0 {
        host.memory.write(call.arg(4), &object.handle);
    }
    Ok(())
}

/// The framework's DriverUnload: EvtDriverUnload, then the driver object goes.
fn fx_unload(host: &Host) -> u64 {
    host.unload_driver_object();
    0
}

impl Host {
    /// Checks that a driver leaves to its objects how their callbacks are called.
    fn check_driver_attributes(&self, attributes: &Attributes) {
        /// `WdfExecutionLevelPassive`
        const PASSIVE: i32 = 2;
        /// `WdfSynchronizationScopeDevice` and `WdfSynchronizationScopeQueue`
        const SERIALIZING: [i32; 2] = [2, 3];
        let what = match (attributes.execution_level, attributes.scope) {
            (PASSIVE, _) => "the execution level",
            (_, scope) if SERIALIZING.contains(&scope) => "the synchronization scope",
            _ => return,
        };
        if self.checks_all() {
            self.violation(
                &rules::DRIVER_ATTRIBUTE_CHANGED,
                format!(
                    "WdfDriverCreate is called with attributes that change {what} of the driver"
                ),
            );
        }
    }

    /// Checks a call that is about the power of a device: a driver without EvtDriverDeviceAdd has no device
    /// that has any.
    pub(super) fn check_pnp_driver(&self, what: &str) {
        let drivers = self.bodies::<Driver>();
        if self.checks_all() && drivers.iter().any(|driver| driver.device_add == 0) {
            self.violation(
                &rules::NON_PNP_POWER_POLICY_OWNER,
                format!("{what} is called by a driver without EvtDriverDeviceAdd"),
            );
        }
    }

    /// Calls EvtDriverUnload and deletes the driver object with all that is left of it.
    pub(crate) fn unload_driver_object(&self) {
        let handle = self.framework().driver.replace(0);
        if handle == 0 {
            return;
        }
        let object = self.object(handle);
        let unload = self.body::<Driver>(handle).unload;
        if unload != 0 {
            self.call_driver("EvtDriverUnload", handle, unload, &[handle]);
        }
        self.delete_object(&object);
    }

    /// Deletes the driver object without calling EvtDriverUnload, as after a failed DriverEntry.
    pub(crate) fn discard_driver_object(&self) {
        let handle = self.framework().driver.replace(0);
        if handle != 0 {
            let object = self.object(handle);
            self.delete_object(&object);
        }
    }
}
