//! `memcpy` and relatives, which the compiler calls, or code that it has seen through.

use std::ptr;

/// The address of a routine.
pub(super) fn address(name: &str) -> Option<u64> {
    let address = match name {
        "memcpy" | "memmove" | "RtlCopyMemory" | "RtlMoveMemory" => copy as *const (),
        "memset" => set as *const (),
        "memcmp" => compare as *const (),
        "RtlFillMemory" => fill as *const (),
        "RtlZeroMemory" => zero as *const (),
        "RtlCompareMemory" => same as *const (),
        "strlen" => length as *const (),
        "wcslen" => wide_length as *const (),
        "strcmp" => compare_text as *const (),
        "strncmp" => compare_beginning as *const (),
        "strnlen" => bounded_length as *const (),
        "wcscmp" => compare_wide as *const (),
        "wcsncmp" => compare_wide_beginning as *const (),
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

/// `RtlFillMemory`: unlike `memset` it takes the length before the value.
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn fill(target: *mut u8, bytes: usize, value: i32) {
    // SAFETY: the caller says so.
    unsafe { ptr::write_bytes(target, value as u8, bytes) };
}

/// `RtlZeroMemory`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn zero(target: *mut u8, bytes: usize) {
    // SAFETY: the caller says so.
    unsafe { ptr::write_bytes(target, 0, bytes) };
}

/// `RtlCompareMemory`: how many bytes are the same before the first that is not.
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn same(left: *const u8, right: *const u8, bytes: usize) -> usize {
    // SAFETY: the caller says that so many bytes lie there.
    let left = unsafe { std::slice::from_raw_parts(left, bytes) };
    // SAFETY: as above.
    let right = unsafe { std::slice::from_raw_parts(right, bytes) };
    let same = |(left, right): &(&u8, &u8)| left == right;
    left.iter().zip(right).take_while(same).count()
}

/// `strlen`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn length(text: *const u8) -> usize {
    // SAFETY: the caller says that a zero ends it.
    unsafe { libc::strlen(text.cast()) }
}

/// `wcslen`, of 2-byte characters.
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn wide_length(text: *const u16) -> usize {
    let is_end = |&index: &usize| {
        // SAFETY: the caller says that a zero ends it, and nothing behind the zero is read.
        let unit = unsafe { text.add(index) };
        // SAFETY: as above.
        unsafe { unit.read_unaligned() == 0 }
    };
    (0..usize::MAX).find(is_end).unwrap_or(0)
}

/// `strcmp`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn compare_text(left: *const u8, right: *const u8) -> i32 {
    // SAFETY: the caller says that a zero ends both.
    unsafe { libc::strcmp(left.cast(), right.cast()) }
}

/// `strncmp`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn compare_beginning(left: *const u8, right: *const u8, most: usize) -> i32 {
    // SAFETY: the caller says that a zero, or `most`, ends both.
    unsafe { libc::strncmp(left.cast(), right.cast(), most) }
}

/// `strnlen`
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn bounded_length(text: *const u8, most: usize) -> usize {
    // SAFETY: the caller says that a zero, or `most`, ends it.
    unsafe { libc::strnlen(text.cast(), most) }
}

/// `wcscmp`, of 2-byte characters.
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn compare_wide(left: *const u16, right: *const u16) -> i32 {
    // SAFETY: the caller says that a zero ends both.
    unsafe { compare_wide_beginning(left, right, usize::MAX) }
}

/// `wcsncmp`, of 2-byte characters.
///
/// # Safety
/// As the C function. A pointer that cannot be accessed faults and is reported.
unsafe extern "win64" fn compare_wide_beginning(
    left: *const u16,
    right: *const u16,
    most: usize,
) -> i32 {
    for index in 0..most {
        let [left, right] = [left, right].map(|text| {
            // SAFETY: the caller says that a zero ends it, and nothing behind the zero is read.
            let unit = unsafe { text.add(index) };
            // SAFETY: as above.
            unsafe { unit.read_unaligned() }
        });
        if left != right || left == 0 {
            return i32::from(left) - i32::from(right);
        }
    }
    0
}
