//! Waiting.

use wdk_sys::{
    _MODE::KernelMode, KPROCESSOR_MODE, LARGE_INTEGER, LONGLONG, ntddk::KeDelayExecutionThread,
};

/// Has the thread sleep (`KeDelayExecutionThread`). IRQL: PASSIVE_LEVEL.
///
/// ```no_run
/// /// In EvtDeviceD0Entry: a device that needs 2 ms after a reset.
/// fn reset() {
///     // … write the register …
///     kmdf::sleep(2);
/// }
/// ```
#[inline]
pub fn sleep(milliseconds: u32) {
    let mut interval = LARGE_INTEGER {
        // Relative times are negative, in units of 100 ns.
        QuadPart: -10_000 * LONGLONG::from(milliseconds),
    };
    // SAFETY: the interval lives through the call. It is not alertable, so it has one outcome only.
    let _success = unsafe { KeDelayExecutionThread(KERNEL_MODE, false.into(), &raw mut interval) };
}

/// `KernelMode`, which the kernel's functions take as one byte.
#[expect(clippy::cast_possible_truncation, reason = "it is 0")]
const KERNEL_MODE: KPROCESSOR_MODE = KernelMode as KPROCESSOR_MODE;
