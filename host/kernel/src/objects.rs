//! What the kernel keeps for the driver.

use crate::{
    bugcheck::BugCheckCallbacks, deferred::DeferredObjects, dispatcher::Dispatcher, etw::Providers,
    handle::Handles, pages::Unmapped, spin::SpinLocks,
};

/// The kernel's objects: those that lie in the driver's memory by their addresses, and its own.
#[derive(Default)]
pub struct Objects {
    pub(crate) locks: SpinLocks,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) handles: Handles,
    pub(crate) unmapped: Unmapped,
    pub(crate) deferred: DeferredObjects,
    pub(crate) providers: Providers,
    pub(crate) bug_checks: BugCheckCallbacks,
}
