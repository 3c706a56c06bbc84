//! The driver object.

use wdk_sys::{
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_DRIVER_CONFIG, WDF_NO_HANDLE,
    WDF_NO_OBJECT_ATTRIBUTES, WDFDRIVER, call_unsafe_wdf_function_binding,
};

use super::{DeviceInit, NtStatus, Passive, Result, size_field};

/// A driver: what happens before its first device, at each, and after its last.
pub trait Driver {
    /// DriverEntry. IRQL: PASSIVE_LEVEL.
    fn load();

    /// EvtDriverDeviceAdd: a device was found. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// Why it cannot be driven.
    fn device_add(init: DeviceInit<'_>, passive: &Passive<'_>) -> Result<()>;

    /// EvtDriverUnload, or DriverEntry fails: undo what [`Driver::load`] did. IRQL: PASSIVE_LEVEL.
    fn unload();
}

/// Creates the framework's driver object (`WdfDriverCreate`). IRQL: PASSIVE_LEVEL.
///
/// # Errors
/// The framework's status: return it from DriverEntry.
///
/// # Safety
/// The arguments are those of DriverEntry, and this is its only call.
pub unsafe fn create_driver<D: Driver>(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    D::load();
    let mut config = WDF_DRIVER_CONFIG {
        Size: size_field::<WDF_DRIVER_CONFIG>(),
        EvtDriverDeviceAdd: Some(evt_driver_device_add::<D>),
        EvtDriverUnload: Some(evt_driver_unload::<D>),
        ..WDF_DRIVER_CONFIG::default()
    };
    // SAFETY: the caller vouches for the first two; the configuration lives through the call; no
    // handle is asked for.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDriverCreate,
            driver,
            registry_path,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut config,
            WDF_NO_HANDLE.cast::<WDFDRIVER>()
        )
    };
    if !wdk::nt_success(status) {
        // The framework calls EvtDriverUnload only for a driver that was created.
        D::unload();
    }
    status
}

/// `EVT_WDF_DRIVER_DEVICE_ADD`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_driver_device_add<D: Driver>(
    _driver: WDFDRIVER,
    init: PWDFDEVICE_INIT,
) -> NTSTATUS {
    // SAFETY: the framework lends it for this call.
    let init = unsafe { DeviceInit::new(init) };
    // SAFETY: this is EvtDriverDeviceAdd.
    let passive = unsafe { Passive::new() };
    NtStatus::of(D::device_add(init, &passive))
}

/// `EVT_WDF_DRIVER_UNLOAD`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it, when no device is left.
unsafe extern "C" fn evt_driver_unload<D: Driver>(_driver: WDFDRIVER) {
    D::unload();
}
