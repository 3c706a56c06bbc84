//! `memcpy` and relatives, which the compiler calls.

use std::ptr;

/// The address of a routine.
pub(super) fn address(name: &str) -> Option<u64> {
    let address = match name {
        "memcpy" | "memmove" | "RtlCopyMemory" | "RtlMoveMemory" => copy as *const (),
        "memset" => set as *const (),
        "memcmp" => compare as *const (),
        _ => return None,
    };
    Some(address.addr() as u64)
}

/// `memcpy`, `memmove`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn copy(target: *mut u8, source: *const u8, bytes: usize) -> *mut u8 {
    // SAFETY: the caller says so.
    unsafe { ptr::copy(source, target, bytes) };
    target
}

/// `memset`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn set(target: *mut u8, value: i32, bytes: usize) -> *mut u8 {
    // SAFETY: the caller says so.
    unsafe { ptr::write_bytes(target, value as u8, bytes) };
    target
}

/// `memcmp`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn compare(left: *const u8, right: *const u8, bytes: usize) -> i32 {
    // SAFETY: the caller says so, of both pointers.
    unsafe { libc::memcmp(left.cast(), right.cast(), bytes) }
}
