//! Where the driver runs: proofs that a callback gets and no other code has.

use core::marker::PhantomData;

/// Proof that this is EvtDriverDeviceAdd or EvtDevicePrepareHardware, at PASSIVE_LEVEL: the device is
/// being made or started, and nobody waits for a request.
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
