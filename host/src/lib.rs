//! Runs an x64 KMDF driver in user mode on Linux and checks the KMDF contract at every step.
//!
//! [`Host`] is one virtual machine with one driver: the shipped `.sys`, unmodified. Its processor
//! is this machine's own; the host plays everything around the driver: the framework and the kernel that
//! it calls, the PnP and I/O managers that call it, and the bus of its device. `ARCHITECTURE.md` at the root of the
//! repository explains how the parts fit together.
//!
//! This crate has the command line and the pictures, and re-exports what tests of a driver need from the crates
//! below.

#![cfg(unix)]

pub mod cli;
pub mod picture;

/// What a PCI function is to the host, and functions that there are.
pub mod device {
    pub use kmdf_bus::*;
    pub use kmdf_devices::{qemu, trace};
}

pub use kmdf_abi::ntstatus::{self, NtStatus};
pub use kmdf_bus::time;
pub use kmdf_explore as explore;
pub use kmdf_framework::{File, Grant, Host, Irp, Major, Operation, Outcome, WmiRequest, needs};
pub use kmdf_image as image;
pub use kmdf_install as install;
pub use kmdf_instructions as access;
pub use kmdf_machine::{
    AppMemory, Checks, Choice, Counts, Event, InOrder, Irql, Observer, Parts as Machine, Pass,
    Point, Record, Report, Schedule, Stop, Strategy, Turn, Walk, strategy,
};
pub use kmdf_rules::{Family, Origin, Rule, rules};
pub use kmdf_session::{
    BootError, Driver, Installed, Interrupts, Package, Server, Session, Summary,
};
