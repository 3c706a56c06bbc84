//! QEMU's devices, and traces of the traffic between a device and the machine.
//!
//! [`qemu`] has QEMU's devices as PCI functions. [`trace`] records the accesses and interrupts of any function, for people
//! and for comparison.

#![cfg(unix)]

pub mod qemu;
mod recorded;
pub mod trace;
