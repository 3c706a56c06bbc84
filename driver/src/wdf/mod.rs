//! The only layer that calls KMDF and the kernel, and the only one with `unsafe` beside the
//! register block ([`crate::registers`]) and the exported entry point.
//!
//! Each framework object this driver uses has a small type here, its callbacks are methods of a
//! trait, and the `extern "C"` shims that the framework calls are private to the module of the
//! object. What a C driver must remember is in the types:
//!
//! | rule | type |
//! | --- | --- |
//! | a request is completed exactly once | [`Request`] is owned; completing consumes it, dropping completes it |
//! | a cancelable request is reclaimed before it is completed | [`CancelableRequest`] cannot be completed |
//! | what may be gone is only looked at | [`ContextReference`], [`RequestReference`] |
//! | EvtIoStop requeues only what it owns | [`Stop::requeue`] consumes a [`Request`] |
//! | what the ISR touches is touched with the interrupt lock held | `InterruptGuard` is the only way to it |
//! | the interrupt lock exists only while the interrupt is connected | locking needs [`Connected`], or a [`DeferredInterrupt`] that comes in time |
//! | no DPC of an interrupt is queued when the framework has flushed it | [`Isr::queue_deferred`] refuses |
//! | registers are gone after EvtDeviceReleaseHardware | unmapping consumes every owner of one |
//! | what may not allocate cannot | [`List`] is made with [`Passive`], and nothing else allocates |
//! | a context has one type and one lifetime | [`context_type!`] and [`Context`] |
//!
//! # Safety
//! Handles here are copied freely. They stay valid because every object the driver creates is a
//! child of its device, safe code reaches a handle only through the context of that device or
//! through an argument of a callback, and the framework calls no callback of a deleted object.

mod context;
mod deferred;
mod device;
mod dma;
mod driver;
mod file;
mod interrupt;
mod list;
mod mapping;
mod queue;
mod reference;
mod registry;
mod request;
mod resources;
mod retrieve;
mod spin_lock;
mod status;
pub mod trace;
mod wait;

pub use context::{Context, ContextType};
pub use deferred::{Deferred, DeferredHandler, Dpc, Timer, WorkItem};
pub use device::{Connected, Device, DeviceInit, Disconnected, PnpPower};
pub use dma::CommonBuffer;
pub use driver::{Driver, create_driver};
pub use file::HandleContext;
pub use interrupt::{
    DeferredInterrupt, Handling, Interrupt, InterruptContext, InterruptHandler, InterruptLock, Isr,
    Policy, Shared,
};
pub use list::{List, Passive};
pub use mapping::Mapping;
pub use queue::{
    Control, ControlHandler, Queue, QueueCancelHandler, ReadWrite, ReadWriteHandler, Stop,
    StopAction, StopHandler,
};
pub use reference::{ContextReference, RequestReference};
pub use registry::{HardwareKey, ValueName};
pub use request::{CancelHandler, CancelableRequest, Canceled, Request, RequestId};
pub use resources::{InterruptResource, MemoryRange, Resources};
pub use spin_lock::{Guarded, SpinLock};
pub use status::{NtStatus, Result};
pub use wait::sleep;

pub(crate) use context::context_type;

/// The `Size` field of a framework structure.
#[expect(
    clippy::cast_possible_truncation,
    reason = "no framework structure comes near 4 GiB"
)]
const fn size_field<T>() -> wdk_sys::ULONG {
    size_of::<T>() as wdk_sys::ULONG
}
