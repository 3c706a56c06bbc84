//! KMDF for Rust: a device's PnP and power callbacks, interrupts, registers, queues, requests, DMA, timers, work items.
//!
//! Each framework object has a small type, its callbacks are methods of a trait, and the `extern "C"` shims that the
//! framework calls are private. What a C driver must remember is in the types:
//!
//! | rule | type |
//! | --- | --- |
//! | a request is completed exactly once | [`Request`] is owned; completing consumes it, dropping completes it |
//! | objects are created in EvtDriverDeviceAdd | that needs [`Device`], which cannot be kept |
//! | an interrupt's policy is set before it has resources | that needs [`Device`], too |
//! | an interrupt that wakes is created for a resource that can | [`WakeResource`] |
//! | a cancelable request is reclaimed before it is completed | [`CancelableRequest`] cannot be completed |
//! | an object that may be deleted is only looked at | [`ContextReference`], [`RequestReference`] |
//! | EvtIoStop requeues only what it owns | [`Stop::requeue`] consumes a [`Request`] |
//! | what the ISR touches is touched with the interrupt lock held | [`InterruptGuard`] is the only way to it |
//! | the interrupt lock exists only while the interrupt is connected | locking needs [`Connected`], which ends with the connection, or a [`DeferredInterrupt`] that comes in time |
//! | no DPC of an interrupt is queued when the framework has flushed it | [`Isr::defer`] refuses |
//! | registers are unmapped once, when nobody uses them | [`Mapping`] owns them; dropping unmaps |
//! | what runs above PASSIVE_LEVEL does not allocate | `List` is made with [`Passive`], and nothing else allocates |
//! | a context has one type and one lifetime | [`context_type!`] and [`Context`] |
//! | every `…_INIT` is called | no structure of the framework's is made without |
//!
//! # A driver
//!
//! ```no_run
//! use kmdf::prelude::*;
//!
//! const CLASS: Guid = Guid::from_u128(0x8D9E_6F1A_2C5B_4E0D_9A37_51C4_6C0E_11E8);
//!
//! struct MyDevice;
//! kmdf::context_type!(MyDevice, c"MyDevice");
//! kmdf::driver_entry!(MyDevice);
//!
//! impl Driver for MyDevice {
//!     fn device_add(mut init: DeviceInit<'_>, _: &Passive<'_>) -> Result<()> {
//!         init.set_pnp_power::<Self>();
//!         let device = init.create()?;
//!         device.attach(Self)?;
//!         device.create_interface(&CLASS)
//!     }
//! }
//!
//! impl PnpPower for MyDevice {
//!     fn prepare_hardware(&self, _: &mut Hardware<'_>) -> Result<()> {
//!         Ok(())
//!     }
//!
//!     fn release_hardware(&self, _: &mut Disconnected<'_>) {}
//! }
//! ```
//!
//! Interrupts: [`InterruptHandler`]. Registers: [`Mapping`]. Requests: [`QueueConfig`], [`Request`], [`Pending`].
//! The package needs a build script that calls `wdk_build::configure_wdk_binary_build`, and a panic handler
//! (`wdk-panic`).
//!
//! # IRQL
//!
//! Each item says at which IRQL it may be used. What needs PASSIVE_LEVEL and a moment of the device's life takes a value
//! that only the callback of that moment has: [`DeviceInit`], [`Device`], [`Passive`], [`Disconnected`].
//!
//! # Why handles are valid
//!
//! [`Device`] has the lifetime of EvtDriverDeviceAdd. What is created with it is a child of the device: a value such as
//! [`Queue`] or [`SpinLock`] is valid as long as the device is. The framework calls no callback of a deleted object, so
//! a driver that keeps these values in the context of their device never uses one that is not valid.
//!
//! That is the one rule that no type keeps: nothing stops a driver from moving such a value to a static, where it
//! outlives its device. The same holds for interrupt objects that EvtDevicePrepareHardware creates: the framework deletes
//! them after EvtDeviceReleaseHardware, where the driver must drop them.
//!
//! [`Connected`] and [`Disconnected`] are proofs about one device. Two devices of a driver have the same types, so which
//! device a proof is about is compared when it is used. So is whether a [`Connected`] is still true: nothing that is kept
//! in a context can have a lifetime that ends before it.
#![no_std]

mod configuration;
mod context;
mod device;
mod dma;
mod dpc;
mod driver;
mod file;
mod guid;
mod init;
pub mod interrupt;
mod ioctl;
#[cfg(feature = "alloc")]
mod list;
mod mapping;
mod passive;
pub mod pnp;
mod queue;
mod reference;
mod registry;
pub mod request;
mod resources;
mod retrieve;
mod spin_lock;
mod status;
mod timer;
mod wait;
mod work_item;

pub use configuration::ConfigurationSpace;
pub use context::{Context, ContextType};
pub use device::{Device, DeviceInit};
pub use dma::{AddressBits, CommonBuffer};
pub use dpc::{Dpc, DpcHandler};
pub use driver::{Driver, entry};
pub use file::HandleContext;
pub use guid::Guid;
pub use interrupt::{
    Claim, Deferral, DeferredInterrupt, Handling, Interrupt, InterruptContext, InterruptGuard,
    InterruptHandler, InterruptLock, Isr, Policy, Priority, Shared,
};
pub use ioctl::{Access, FILE_DEVICE_UNKNOWN, Method, buffered_ioctl, ctl_code};
#[cfg(feature = "alloc")]
pub use list::List;
pub use mapping::Mapping;
pub use passive::Passive;
pub use pnp::{Connected, Disconnected, Hardware, PnpPower};
pub use queue::{
    Control, ControlHandler, Queue, QueueCancelHandler, QueueConfig, ReadWrite, ReadWriteHandler,
    Stop, StopAction, StopHandler,
};
pub use reference::{ContextReference, RequestReference};
pub use registry::{HardwareKey, ValueName};
pub use request::{CancelHandler, CancelableRequest, Canceled, Pending, Request, RequestId};
pub use resources::{InterruptResource, MemoryRange, Resources, WakeResource};
pub use spin_lock::{SpinLock, SpinLockGuard};
pub use status::{NtStatus, Result};
pub use timer::{Timer, TimerHandler};
pub use wait::sleep;
pub use work_item::{WorkItem, WorkItemHandler};

/// What most drivers name: `use kmdf::prelude::*`.
pub mod prelude {
    pub use crate::{
        Access, CancelHandler, CancelableRequest, Canceled, Claim, CommonBuffer,
        ConfigurationSpace, Connected, Control, ControlHandler, Deferral, DeferredInterrupt,
        Device, DeviceInit, Disconnected, Dpc, DpcHandler, Driver, FILE_DEVICE_UNKNOWN, Guid,
        Handling, Hardware, Interrupt, InterruptHandler, InterruptLock, Isr, Mapping, Method,
        NtStatus, Passive, Pending, PnpPower, Queue, QueueConfig, ReadWrite, ReadWriteHandler,
        Request, Resources, Result, SpinLock, Stop, StopAction, StopHandler, Timer, TimerHandler,
        WorkItem, WorkItemHandler, buffered_ioctl, ctl_code,
        mmio::{ReadOnly, ReadPure, ReadPureWrite, ReadWrite as ReadWriteRegister, WriteOnly},
        register,
    };
}

/// What a register is in the structure that a [`Mapping`] maps: what may be done with it, and its width (`safe-mmio`).
pub mod mmio {
    pub use safe_mmio::{
        UniqueMmioPointer,
        fields::{ReadOnly, ReadPure, ReadPureWrite, ReadWrite, WriteOnly},
    };
}
