//! Runs an x64 KMDF driver in user mode on Linux and checks the KMDF contract at every step.
//!
//! [`Host`] is one virtual machine with one driver: the shipped `.sys`, unmodified. Its processor
//! is this machine's own; what is played is everything around the driver: the framework and the
//! kernel it calls, the PnP and I/O managers that call it, and the bus its device sits on. How the
//! parts fit together is in `ARCHITECTURE.md` at the root of the repository.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the host runs on x86-64 only, and registers hold narrower values of either sign"
)]

pub mod app;
mod check;
pub mod cli;
mod cpu;
mod crossing;
/// What a PCI function is to the host, and functions that there are.
pub mod device {
    pub use kmdf_bus::*;
    pub use kmdf_devices::{qemu, trace};
}
mod event;
pub mod explore;
mod host;
mod io;
mod kernel;
mod kmdf;
mod loader;
mod machine;
mod memory;
pub mod needs;
mod physical;
pub mod picture;
mod pnp;
mod run;
mod sched;
mod service;
mod session;

pub use check::{Checks, Report};
pub use cpu::Irql;
pub use event::{Counts, Event, Observer, Record};
pub use host::{Host, Machine, Stop};
pub use io::{File, Irp, Major, Operation, Outcome};
pub use kmdf_abi::ntstatus::{self, NtStatus};
pub use kmdf_bus::time;
pub use kmdf_image as image;
pub use kmdf_install as install;
pub use kmdf_instructions as access;
pub use kmdf_rules::{Family, Origin, Rule, rules};
pub use physical::AppMemory;
pub use pnp::Grant;
pub use run::Turn;
pub use sched::{Choice, InOrder, Pass, Point, Seeded, Strategy, strategy};
pub use session::{BootError, Driver, Installed, Interrupts, Package, Session, Summary};
