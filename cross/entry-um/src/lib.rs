//! The entry point of a UMDF 2 driver, and the variables its headers name.
//!
//! The host process calls [`FxDriverEntryUm`], which the driver's DLL exports. It asks the host's loader to bind the
//! driver to the framework, and calls the driver's own `DriverEntry`. In the WDK this is `WdfDriverStubUm.lib`.
//!
//! Microsoft published neither that library's source nor the loader's interface to a driver. `WDF_BIND_INFO` is that of
//! the framework's `fxldr.h`, the prototype of the entry point that of its `wdf.h`. Of the interface this crate reads the
//! size and the first function, which is what is known of it from synaTudor, an open program that loads drivers with
//! Microsoft's library in them. So a driver that ships should be linked with the WDK's.
//!
//! `rustc` makes an archive of this crate, and the linker uses it under the library's name.

#![no_std]
#![allow(
    non_snake_case,
    non_upper_case_globals,
    reason = "the linker and the driver's headers fix the names of the symbols"
)]

#[cfg(test)]
mod tests;

use core::{ffi::c_void, mem::size_of, ptr};

include!(concat!(env!("OUT_DIR"), "/version.rs"));

/// `NTSTATUS`: negative values are errors.
pub type NtStatus = i32;

/// `STATUS_INVALID_PARAMETER`: the loader's interface is shorter than what is read of it.
pub const STATUS_INVALID_PARAMETER: NtStatus = 0xC000_000D_u32.cast_signed();

/// A function of the framework's table, before it is given its own type.
pub type Function = unsafe extern "C" fn();

/// `WDF_DRIVER_GLOBALS`: what the framework tells the driver about itself.
#[repr(C)]
#[derive(Debug)]
pub struct DriverGlobals {
    opaque: [u8; 0],
}

/// `WDF_BIND_INFO`: what a driver tells the loader about itself.
#[repr(C)]
#[derive(Debug)]
pub struct BindInfo {
    size: u32,
    component: *const u16,
    version: [u32; 3],
    function_count: u32,
    function_table: *mut *const Function,
    module: *mut c_void,
}
/// `sizeof(WDF_BIND_INFO)`.
const BIND_INFO_SIZE: u32 = 48;
const _: () = assert!(size_of::<BindInfo>() == BIND_INFO_SIZE as usize);

/// Binds a driver: fills in its function table and its globals.
pub type VersionBind = unsafe extern "C" fn(
    context: *mut c_void,
    info: *mut BindInfo,
    globals: *mut *mut DriverGlobals,
) -> NtStatus;

/// The beginning of the loader's interface to a driver.
#[repr(C)]
#[derive(Debug)]
pub struct LoaderInterface {
    /// Of the whole interface, in bytes.
    pub size: u32,
    /// Binds the driver.
    pub version_bind: VersionBind,
}

/// What the framework tells the driver about itself; the driver passes it to every function.
#[unsafe(no_mangle)]
pub static mut WdfDriverGlobals: *mut DriverGlobals = ptr::null_mut();

/// `L"UmdfLibrary"`.
static COMPONENT: [u16; 12] = {
    let mut wide = [0; 12];
    let name = b"UmdfLibrary";
    let mut at = 0;
    while at < name.len() {
        wide[at] = name[at] as u16;
        at += 1;
    }
    wide
};

static mut BIND_INFO: BindInfo = BindInfo {
    size: BIND_INFO_SIZE,
    component: (&raw const COMPONENT).cast(),
    version: [2, MINOR, 0],
    function_count: FUNCTION_COUNT,
    function_table: &raw mut FUNCTIONS,
    module: ptr::null_mut(),
};

#[cfg(not(test))]
unsafe extern "system" {
    /// The driver's own entry point.
    fn DriverEntry(driver: *mut c_void, registry_path: *mut c_void) -> NtStatus;
}
#[cfg(test)]
use tests::DriverEntry;

// The driver's headers export it: an archive's member that exports a function says so to the linker.
#[cfg(all(not(test), windows))]
core::arch::global_asm!(
    ".section .drectve,\"yni\"",
    ".ascii \" /EXPORT:FxDriverEntryUm\"",
    ".text"
);

/// The driver's entry point for the host process.
///
/// Returns what the loader or the driver's `DriverEntry` returns.
///
/// # Safety
///
/// The host process calls it, once, before anything else in the DLL but its entry point, with its loader's interface, the
/// context to hand back to that, and what `DriverEntry` takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FxDriverEntryUm(
    loader: *const LoaderInterface,
    context: *mut c_void,
    driver: *mut c_void,
    registry_path: *mut c_void,
) -> NtStatus {
    // SAFETY: the host's interface is valid until this function returns, and null is no interface.
    let Some(loader) = (unsafe { loader.as_ref() }) else {
        return STATUS_INVALID_PARAMETER;
    };
    if (loader.size as usize) < size_of::<LoaderInterface>() {
        return STATUS_INVALID_PARAMETER;
    }
    let (info, globals) = (&raw mut BIND_INFO, &raw mut WdfDriverGlobals);
    // SAFETY: the context is the loader's; the structure and the variables it points at are this image's own, live as
    // long as it, and have the layout the loader knows by `size`.
    let status = unsafe { (loader.version_bind)(context, info, globals) };
    if status < 0 {
        return status;
    }
    // SAFETY: the arguments are the host's, handed on as they came.
    unsafe { DriverEntry(driver, registry_path) }
}

/// The DLL's entry point, where the C run-time library would start: there is nothing to start.
///
/// # Safety
///
/// Windows' loader calls it.
#[cfg(all(not(test), windows))]
#[unsafe(no_mangle)]
pub unsafe extern "system" fn _DllMainCRTStartup(
    _module: *mut c_void,
    _reason: u32,
    _reserved: *mut c_void,
) -> i32 {
    1
}
