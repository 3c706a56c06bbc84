//! The driver object.

use wdk_sys::{
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_DRIVER_CONFIG, WDF_NO_HANDLE,
    WDF_NO_OBJECT_ATTRIBUTES, WDFDRIVER, call_unsafe_wdf_function_binding,
};

use super::{DeviceInit, NtStatus, Result, size_field};

/// A driver's EvtDriverDeviceAdd.
pub trait DeviceAdd {
    /// A device was found. IRQL: PASSIVE_LEVEL.
    fn device_add(init: DeviceInit<'_>) -> Result<()>;
}

/// Creates the framework's driver object (`WdfDriverCreate`). IRQL: PASSIVE_LEVEL.
///
/// # Errors
/// The framework's status: return it from DriverEntry.
///
/// # Safety
/// The arguments are those of DriverEntry, and this is its only call.
pub unsafe fn create_driver<D: DeviceAdd>(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    let mut config = WDF_DRIVER_CONFIG {
        Size: size_field::<WDF_DRIVER_CONFIG>(),
        EvtDriverDeviceAdd: Some(evt_driver_device_add::<D>),
        ..WDF_DRIVER_CONFIG::default()
    };
    // SAFETY: the caller vouches for the first two; the configuration lives through the call; no
    // handle is asked for.
    unsafe {
        call_unsafe_wdf_function_binding!(
            WdfDriverCreate,
            driver,
            registry_path,
            WDF_NO_OBJECT_ATTRIBUTES,
            &raw mut config,
            WDF_NO_HANDLE.cast::<WDFDRIVER>()
        )
    }
}

/// `EVT_WDF_DRIVER_DEVICE_ADD`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the framework calls it.
unsafe extern "C" fn evt_driver_device_add<D: DeviceAdd>(
    _driver: WDFDRIVER,
    init: PWDFDEVICE_INIT,
) -> NTSTATUS {
    // SAFETY: the framework lends it for this call.
    let init = unsafe { DeviceInit::new(init) };
    NtStatus::of(D::device_add(init))
}
