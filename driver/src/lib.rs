//! A KMDF driver that services the interrupts of QEMU's `edu` device.
//!
//! # The way of an interrupt
//!
//! Read the modules in this order:
//!
//! 1. `add`: EvtDriverDeviceAdd makes the device, its queues and its interrupt objects; `device` is what they share.
//! 2. `power`: the device starts: BAR 0 is mapped (`registers`), interrupts are connected, and
//!    only then may the device interrupt.
//! 3. `control`: an app asks for a factorial. The request is checked and forwarded to the
//!    sequential queue of the engine; `factorial` starts the engine and keeps the request,
//!    cancelable. Some time later the device is done and interrupts.
//! 4. `interrupt::isr`: one read of the interrupt status, one write that acknowledges what was
//!    read; what it said is saved in the interrupt object's context space, and the DPC queued.
//! 5. `interrupt::dpc`: takes all that came, reads the result, completes the request; hands the DMA
//!    cause on to the DPC of `transfer`, and answers those that wait for events (`events`).
//!
//! Beside the way: `transfer`, ReadFile and WriteFile; `watchdog`, when no interrupt comes; `settings`,
//! what the INF says, passive-level handling for one; `recovery`, what is done about what should not happen; `trace`, what a listener
//! is told; `owned`, requests as engines keep them.
//!
//! The layer between all this and the framework is the crate `kmdf` (`wdf/`); here is no `unsafe` code. What needs no
//! kernel to be decided, and no kernel to be tested, is in the crate
//! `edu-driver-core`: what the ISR records, whose work an engine does, which requests are malformed.
//!
//! Locks, IRQLs and races: docs/driver.md.
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
