//! What QEMU's `edu` device, its driver and its app agree on.
//!
//! - [`registers`]: BAR 0 of the device, its causes and its limits.
//! - [`ioctl`]: the driver's control codes.
//! - [`wire`]: the structures that cross the device interface.
//! - [`interface`]: the identity of the device and of its interface.
//!
//! Facts only: nothing here touches hardware or memory of another owner. A value that the device
//! or an app controls is open (a bit set or a plain integer), so an unknown one is data and never
//! undefined behavior.
#![no_std]
#![forbid(unsafe_code)]

pub mod interface;
pub mod ioctl;
pub mod registers;
pub mod wire;
