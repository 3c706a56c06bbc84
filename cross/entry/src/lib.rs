//! The entry point of a KMDF driver, and the variables its headers name.
//!
//! The kernel calls [`FxDriverEntry`]. It asks the loader (WDFLDR.SYS) to bind the driver to the framework,
//! calls the driver's own `DriverEntry`, and makes sure that the driver is unbound when it is unloaded. In
//! the WDK this is part of `WdfDriverEntry.lib`, whose source is not public. This crate is written from the
//! loader's interface (`fxldr.h` of Microsoft's MIT-licensed Windows-Driver-Frameworks) and the
//! documentation of `WDF_DRIVER_GLOBALS`.
//!
//! A driver that binds to class extensions, or that uses the C macros for unique context types, needs the
//! WDK's library, because this crate ignores the sections that those use.
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

/// `STATUS_NAME_TOO_LONG`: the registry path does not fit the copy.
pub const STATUS_NAME_TOO_LONG: NtStatus = 0xC000_0106_u32.cast_signed();

/// A function of the framework's table, before it is given its own type.
pub type Function = unsafe extern "C" fn();

/// `DRIVER_UNLOAD`. IRQL: PASSIVE_LEVEL.
pub type DriverUnload = unsafe extern "system" fn(driver: *mut DriverObject);

/// The beginning of `DRIVER_OBJECT` on 64-bit Windows, as far as it is needed here.
#[repr(C)]
#[derive(Debug)]
pub struct DriverObject {
    before: [u64; 13],
    /// Called before the driver is unloaded; a driver without it cannot be unloaded.
    pub unload: Option<DriverUnload>,
}
const _: () = assert!(core::mem::offset_of!(DriverObject, unload) == 0x68);

/// `UNICODE_STRING`. Lengths are in bytes.
#[repr(C)]
#[derive(Debug)]
pub struct UnicodeString {
    /// Bytes in use.
    pub length: u16,
    /// Bytes there are.
    pub maximum_length: u16,
    /// The characters; need not end with a zero.
    pub buffer: *mut u16,
}

/// `WDF_DRIVER_GLOBALS`: what the framework tells the driver about itself.
#[repr(C)]
#[derive(Debug)]
pub struct DriverGlobals {
    driver: *mut c_void,
    flags: u32,
    tag: u32,
    name: [u8; 32],
    /// Whether the framework wants to hear of the driver's unloading.
    pub displace_driver_unload: u8,
}
const _: () = assert!(core::mem::offset_of!(DriverGlobals, displace_driver_unload) == 48);

/// `WDF_BIND_INFO2`, of which `WDF_BIND_INFO` is the part up to and with `module`.
#[repr(C)]
#[derive(Debug)]
pub struct BindInfo {
    /// How much of this structure counts: which of the two it is.
    pub size: u32,
    component: *const u16,
    /// Major, minor and build number of the framework that the driver was built for.
    pub version: [u32; 3],
    /// Entries of the function table.
    pub function_count: u32,
    /// Where the framework puts the address of the table.
    pub function_table: *mut *const Function,
    /// The loader's own.
    pub module: *mut c_void,
    minimum_version: *const u32,
    client_is_newer: *mut u8,
    function_count_found: *mut u32,
    structure_count_found: *mut u32,
    structure_table: *mut *const usize,
}
/// `sizeof(WDF_BIND_INFO)` and `sizeof(WDF_BIND_INFO2)`.
const BIND_INFO_SIZE: u32 = 48;
const BIND_INFO_2_SIZE: u32 = 88;
const _: () = assert!(core::mem::offset_of!(BindInfo, minimum_version) == BIND_INFO_SIZE as usize);
const _: () = assert!(size_of::<BindInfo>() == BIND_INFO_2_SIZE as usize);

/// The first framework with the longer structure: there a driver may be newer than the framework.
const FIRST_WITH_BIND_INFO_2: u32 = 25;
const _: () = assert!(
    MINOR >= 15,
    "before 1.15 the framework fills a table of the driver's own"
);

/// What the framework tells the driver about itself; the driver passes it to every function.
#[unsafe(no_mangle)]
pub static mut WdfDriverGlobals: *mut DriverGlobals = ptr::null_mut();

#[cfg(all(driver_says_minimum, not(test)))]
unsafe extern "C" {
    /// The oldest framework that the driver will run with. From 1.25 on the framework's headers define
    /// it in the driver's own code, which may ask for less than it was built for.
    static WdfMinimumVersionRequired: u32;
}
/// The oldest framework that the driver will run with: the one it was built for.
#[cfg(any(not(driver_says_minimum), test))]
#[unsafe(no_mangle)]
pub static WdfMinimumVersionRequired: u32 = MINOR;

/// Whether the framework found is older than the one the driver was built for.
#[unsafe(no_mangle)]
pub static mut WdfClientVersionHigherThanFramework: u8 = 0;

/// How many functions the framework found has; right for the driver's own version until then.
#[unsafe(no_mangle)]
pub static mut WdfFunctionCount: u32 = FUNCTION_COUNT;

/// How many structures the framework found has.
#[unsafe(no_mangle)]
pub static mut WdfStructureCount: u32 = 0;

/// The sizes of the framework's structures.
#[unsafe(no_mangle)]
pub static mut WdfStructures: *const usize = ptr::null();

/// `L"KmdfLibrary"`, by which the loader knows the framework.
static COMPONENT: [u16; 12] = {
    let mut wide = [0; 12];
    let name = b"KmdfLibrary";
    let mut at = 0;
    while at < name.len() {
        wide[at] = name[at] as u16;
        at += 1;
    }
    wide
};

static mut BIND_INFO: BindInfo = BindInfo {
    size: if MINOR < FIRST_WITH_BIND_INFO_2 {
        BIND_INFO_SIZE
    } else {
        BIND_INFO_2_SIZE
    },
    component: (&raw const COMPONENT).cast(),
    version: [1, MINOR, 0],
    function_count: FUNCTION_COUNT,
    function_table: &raw mut FUNCTIONS,
    module: ptr::null_mut(),
    minimum_version: &raw const WdfMinimumVersionRequired,
    client_is_newer: &raw mut WdfClientVersionHigherThanFramework,
    function_count_found: &raw mut WdfFunctionCount,
    structure_count_found: &raw mut WdfStructureCount,
    structure_table: &raw mut WdfStructures,
};

/// Room for `\Registry\Machine\System\CurrentControlSet\Services\` and the longest service name
/// there is (256 characters).
const PATH_CHARACTERS: u16 = 320;
const PATH_BYTES: u16 = PATH_CHARACTERS * 2;
static mut PATH_BUFFER: [u16; PATH_CHARACTERS as usize] = [0; PATH_CHARACTERS as usize];

/// The driver's own copy of its registry path: the kernel's goes when the entry point returns,
/// and unbinding needs the path again.
static mut PATH: UnicodeString = UnicodeString {
    length: 0,
    maximum_length: PATH_BYTES,
    buffer: (&raw mut PATH_BUFFER).cast(),
};

/// The unload routine that stood in the driver object before ours.
static mut DISPLACED_UNLOAD: Option<DriverUnload> = None;

#[cfg(not(test))]
unsafe extern "system" {
    /// The driver's own entry point.
    fn DriverEntry(driver: *mut DriverObject, registry_path: *mut UnicodeString) -> NtStatus;
    /// WDFLDR.SYS. IRQL: PASSIVE_LEVEL.
    fn WdfVersionBind(
        driver: *mut DriverObject,
        registry_path: *mut UnicodeString,
        info: *mut BindInfo,
        globals: *mut *mut DriverGlobals,
    ) -> NtStatus;
    /// WDFLDR.SYS. IRQL: PASSIVE_LEVEL.
    fn WdfVersionUnbind(
        registry_path: *mut UnicodeString,
        info: *mut BindInfo,
        globals: *mut DriverGlobals,
    ) -> NtStatus;
    /// ntoskrnl.exe. Copies as much as fits. IRQL: below DISPATCH_LEVEL for a pageable source.
    fn RtlCopyUnicodeString(destination: *mut UnicodeString, source: *const UnicodeString);
}
#[cfg(test)]
use tests::{DriverEntry, RtlCopyUnicodeString, WdfVersionBind, WdfVersionUnbind};

/// The image's entry point. IRQL: PASSIVE_LEVEL.
///
/// Returns what the loader or the driver's `DriverEntry` returns; after an error the driver is
/// bound to nothing.
///
/// # Safety
///
/// The kernel calls it, once, before anything else in the image, with its own driver object and
/// registry path. Without a driver object (an export driver) nothing is bound.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn FxDriverEntry(
    driver: *mut DriverObject,
    registry_path: *mut UnicodeString,
) -> NtStatus {
    if driver.is_null() {
        // SAFETY: the arguments are the kernel's, handed on as they came.
        return unsafe { DriverEntry(driver, registry_path) };
    }
    // SAFETY: the kernel's string is valid until this function returns.
    if unsafe { (*registry_path).length } > PATH_BYTES {
        return STATUS_NAME_TOO_LONG;
    }
    let (path, info, globals) = (&raw mut PATH, &raw mut BIND_INFO, &raw mut WdfDriverGlobals);
    // SAFETY: both strings are valid, and nothing else uses `PATH` before this returns.
    unsafe { RtlCopyUnicodeString(path, registry_path) };
    // SAFETY: driver and path are valid; the structure and the variables it points at are this
    // image's own, live as long as it, and have the layout the loader knows by `size`.
    let status = unsafe { WdfVersionBind(driver, path, info, globals) };
    if status < 0 {
        return status;
    }

    // SAFETY: the arguments are the kernel's, handed on as they came.
    let status = unsafe { DriverEntry(driver, registry_path) };
    if status < 0 {
        // SAFETY: bound above, and the driver has not started.
        unsafe { unbind() };
        return status;
    }

    // SAFETY: the loader set it when it bound; only this function and `unload` touch it after.
    let globals = unsafe { WdfDriverGlobals };
    // SAFETY: the framework's structure lives as long as the driver is bound.
    if unsafe { (*globals).displace_driver_unload } != 0 {
        // SAFETY: the kernel's driver object is valid, and ours until this function returns.
        let slot = unsafe { &mut (*driver).unload };
        let displaced = slot.replace(unload);
        // SAFETY: `unload`, the only reader, cannot run before this function returns.
        unsafe { DISPLACED_UNLOAD = displaced };
    }
    status
}

/// Stands in for the driver's unload routine: calls it, then leaves the framework.
///
/// # Safety
///
/// The kernel calls it, once, after `FxDriverEntry` succeeded and when no device is left.
unsafe extern "system" fn unload(driver: *mut DriverObject) {
    // SAFETY: written before the kernel could call this.
    if let Some(displaced) = unsafe { DISPLACED_UNLOAD } {
        // SAFETY: the routine that the kernel would have called, with the kernel's argument.
        unsafe { displaced(driver) };
    }
    // SAFETY: `FxDriverEntry` succeeded, so the driver is bound.
    unsafe { unbind() };
}

/// Leaves the framework. Its result says nothing that could still be acted upon.
///
/// # Safety
///
/// The driver is bound, and nothing of it runs any more.
unsafe fn unbind() {
    let (path, info) = (&raw mut PATH, &raw mut BIND_INFO);
    // SAFETY: the loader set it when it bound.
    let globals = unsafe { WdfDriverGlobals };
    // SAFETY: the very arguments that were bound with.
    let _ = unsafe { WdfVersionUnbind(path, info, globals) };
}
