//! The driver object.

use wdk_sys::{
    NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT, PWDFDEVICE_INIT, WDF_NO_HANDLE,
    WDF_NO_OBJECT_ATTRIBUTES, WDFDRIVER, call_unsafe_wdf_function_binding,
};

use super::{DeviceInit, NtStatus, Passive, Result, init};

/// A driver: what happens before its first device, at each, and after its last.
/// [`driver_entry!`](crate::driver_entry) makes it the image's.
///
/// ```no_run
/// use kmdf::{DeviceInit, Driver, Passive, Result};
///
/// struct MyDevice;
/// kmdf::context_type!(MyDevice, c"MyDevice");
/// kmdf::driver_entry!(MyDevice);
///
/// impl Driver for MyDevice {
///     fn load() { /* register what traces */ }
///
///     fn device_add(init: DeviceInit<'_>, _: &Passive<'_>) -> Result<()> {
///         init.create()?.attach(Self)
///     }
///
///     fn unload() { /* unregister it */ }
/// }
/// ```
pub trait Driver {
    /// DriverEntry. IRQL: PASSIVE_LEVEL.
    fn load() {}

    /// EvtDriverDeviceAdd: a device was found. IRQL: PASSIVE_LEVEL.
    ///
    /// # Errors
    /// Why it cannot be driven.
    fn device_add(init: DeviceInit<'_>, passive: &Passive<'_>) -> Result<()>;

    /// EvtDriverUnload, or DriverEntry fails: undo what [`Driver::load`] did. IRQL: PASSIVE_LEVEL.
    fn unload() {}
}

/// Exports `DriverEntry`, which creates the framework's driver object for a [`Driver`](crate::Driver). Once in an
/// image, at its root.
#[macro_export]
macro_rules! driver_entry {
    ($driver:ty) => {
        /// `DriverEntry`. IRQL: PASSIVE_LEVEL.
        ///
        /// # Safety
        /// Only the kernel calls it, through the framework's entry point, once, with the arguments that it
        /// documents.
        // SAFETY: the linker refuses another item of this name.
        #[unsafe(export_name = "DriverEntry")]
        pub unsafe extern "system" fn driver_entry(
            driver: $crate::entry::PDRIVER_OBJECT,
            registry_path: $crate::entry::PCUNICODE_STRING,
        ) -> $crate::entry::NTSTATUS {
            // SAFETY: these are the arguments of DriverEntry, whose contract this function has.
            unsafe { $crate::entry::create_driver::<$driver>(driver, registry_path) }
        }
    };
}

/// What [`driver_entry!`](crate::driver_entry) is made of.
pub mod entry {
    pub use super::create_driver;
    pub use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT};
}

/// Creates the framework's driver object (`WdfDriverCreate`). IRQL: PASSIVE_LEVEL.
///
/// No example: [`driver_entry!`](crate::driver_entry) is the way to call it.
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
    let mut config = init::driver_config(Some(evt_driver_device_add::<D>));
    config.EvtDriverUnload = Some(evt_driver_unload::<D>);
    // SAFETY: the first two are DriverEntry's by this function's contract; the configuration is a local; no
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
