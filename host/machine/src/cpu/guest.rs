//! Calls into the driver.

/// At most this many arguments are passed.
pub(crate) const MAX_ARGUMENTS: usize = 8;

type Entry = unsafe extern "win64" fn(u64, u64, u64, u64, u64, u64, u64, u64) -> u64;

/// Calls driver code at `address` by the Windows x64 calling convention.
///
/// Passing more arguments than the callee takes is harmless: the caller owns their memory.
///
/// # Safety
/// `address` must be an entry point of the driver's image (or a stub), and the call must happen on
/// a flow's stack.
#[must_use]
pub unsafe fn call(address: u64, arguments: &[u64]) -> u64 {
    let mut all = [0; MAX_ARGUMENTS];
    all[..arguments.len()].copy_from_slice(arguments);
    let entry = std::ptr::with_exposed_provenance::<()>(address as usize);
    // SAFETY: the caller says that this is a function of the driver; all its arguments are
    // integers or pointers, 8 bytes each.
    let entry = unsafe { std::mem::transmute::<*const (), Entry>(entry) };
    // SAFETY: as above.
    unsafe {
        entry(
            all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7],
        )
    }
}
