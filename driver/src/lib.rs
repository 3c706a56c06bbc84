//! A KMDF driver that services the interrupts of QEMU's `edu` device.
//!
//! # The path of an interrupt
//!
//! Read the modules in this order:
//!
//! 1. `add`: EvtDriverDeviceAdd creates the device, its queues and its interrupt objects. `device` has the state that
//!    they share.
//! 2. `power`: the device starts. The driver maps BAR 0 (`registers`), the framework connects the interrupts, and only
//!    then may the device interrupt.
//! 3. `control`: an app sends a request for a factorial. The default queue checks it and forwards it to the sequential
//!    queue of the engine. `factorial` makes the request cancelable, keeps it and starts the engine. When the device is
//!    done, it interrupts.
//! 4. `interrupt::isr`: the ISR reads the interrupt status, acknowledges what it has read, saves it in the interrupt
//!    object's context space and queues the DPC.
//! 5. `interrupt::dpc`: the DPC takes everything that was saved, reads the result and completes the request. It queues
//!    the DPC of `transfer` for the DMA cause, and completes requests that wait for events (`events`).
//!
//! The other modules: `transfer` has ReadFile and WriteFile; `watchdog` handles missing interrupts; `settings` reads
//! registry values of the INF, such as that for passive-level handling; `recovery` handles device errors; `trace` has
//! the events for ETW; `owned` has the requests that engines keep.
//!
//! The crate `kmdf` (`wdf/`) is the layer between this driver and the framework; this crate has no `unsafe` code.
//! Decisions that need no kernel are in the crate `edu-driver-core`, where they can be tested without one: what the ISR
//! records, to which request a result belongs, which requests are malformed.
//!
//! docs/driver.md explains locks, IRQLs and races.
#![no_std]
#![forbid(unsafe_code)]

extern crate wdk_panic;

mod add;
mod buffer;
mod control;
mod device;
mod events;
mod factorial;
mod findings;
mod interrupt;
mod isr_context;
mod owned;
mod power;
mod recovery;
mod registers;
mod settings;
mod trace;
mod transfer;
mod version;
mod watchdog;

use wdk_alloc::WdkAllocator;

/// Nonpaged pool with the tag `rust` (`ExAllocatePool2`), for the lists of interrupt objects and nothing else:
/// docs/adr/0006-allocator.md.
#[global_allocator]
static ALLOCATOR: WdkAllocator = WdkAllocator;

kmdf::driver_entry!(device::EduDevice);
