//! Where the driver runs: proofs that a callback gets and no other code has.

use core::marker::PhantomData;

/// Proof that this is EvtDriverDeviceAdd or EvtDevicePrepareHardware, at PASSIVE_LEVEL: the device is
/// being made or started, and nobody waits for a request.
///
/// ```no_run
/// use kmdf::{List, Passive, Result};
///
/// /// Only these two callbacks can call it.
/// fn allocate(passive: &Passive<'_>) -> Result<List<u64>> {
///     List::collect(passive, 16, core::iter::repeat_with(|| Ok(0)))
/// }
/// ```
///
/// It cannot be kept, or sent to another thread: what takes one is called in these two callbacks only.
pub struct Passive<'a>(PhantomData<&'a mut *const ()>);

impl Passive<'_> {
    /// # Safety
    /// The lifetime is that of EvtDriverDeviceAdd or EvtDevicePrepareHardware, or a part of it.
    pub(crate) const unsafe fn new() -> Self {
        Self(PhantomData)
    }
}
