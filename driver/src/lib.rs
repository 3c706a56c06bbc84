//! A KMDF driver that services the interrupts of QEMU's `edu` device.
//!
//! # The way of an interrupt
//!
//! Read the modules in this order:
//!
//! 1. `device`: EvtDriverDeviceAdd makes the device, its queues and its interrupt objects.
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
//! what the INF says, passive-level handling for one; `attention`, what is odd; `trace`, what a listener
//! is told; `owned`, requests as engines keep them.
//!
//! `wdf` is the layer between all this and the framework, and with `registers` the only place
//! of `unsafe` code. What needs no kernel to be decided, and no kernel to be tested, is in the crate
//! `edu-driver-core`: what the ISR records, whose work an engine does, which requests are malformed.
//!
//! Locks, IRQLs and races: docs/driver.md.
#![no_std]

extern crate wdk_panic;

mod attention;
mod control;
mod device;
mod events;
mod factorial;
mod interrupt;
mod owned;
mod power;
mod registers;
mod settings;
mod trace;
mod transfer;
mod watchdog;
mod wdf;

use wdk_sys::{NTSTATUS, PCUNICODE_STRING, PDRIVER_OBJECT};

/// `DriverEntry`. IRQL: PASSIVE_LEVEL.
///
/// # Safety
/// Only the kernel calls it, through the framework's entry point, once, with the arguments that it
/// documents.
// SAFETY: no other item of the image has this name.
#[unsafe(export_name = "DriverEntry")]
pub unsafe extern "system" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PCUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: these are the arguments of DriverEntry.
    unsafe { wdf::create_driver::<device::EduDevice>(driver, registry_path) }
}
