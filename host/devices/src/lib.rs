//! Devices that somebody else made, and what passes between a device and the machine.
//!
//! [`qemu`] has QEMU's devices as PCI functions; [`trace`] records what passes at any function, to look
//! at and to compare.

#![cfg(unix)]

pub mod qemu;
mod recorded;
pub mod trace;
