//! The machine that a driver runs on: processors, flows, schedules, traps, memory, PCI slots,
//! interrupts and time. It knows no object of Windows: a driver calls services, which the layers above
//! implement ([`Layer`]).
//!
//! One thread runs the machine and the driver. Where the machine could continue in more than one way, its
//! [`Strategy`] decides.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the host runs on x86-64 only, and registers hold narrower values of either sign"
)]

mod above;
mod alarm;
mod check;
mod config;
pub mod cpu;
mod crossing;
mod event;
pub mod exception;
mod interrupts;
mod layer;
mod load;
mod machine;
mod memory;
mod messages;
mod physical;
mod ports;
mod races;
mod run;
mod sched;
pub mod service;
mod slot;
mod watch;

pub use above::Above;
pub use alarm::Alarm;
pub use check::{Checks, Cost, LockId, Report};
pub use cpu::Irql;
pub use event::{Counts, Event, Observer, Record};
pub use interrupts::{InterruptHandler, VectorKind};
pub use kmdf_bus::time::VirtualTime;
pub use layer::Layer;
pub use load::import_name;
pub use machine::{Machine, Parts, Stop};
pub use memory::{Allocation, DeviceMapping, Memory, Purpose};
pub use physical::{AppMemory, BUS_WINDOW, PAGE, Physical};
pub use races::{Access, Edge};
pub use run::Turn;
pub use sched::{
    Activation, Choice, Dpc, Flow, FlowState, HeldLock, InOrder, Pass, Pause, Point, Priorities,
    Processor, Schedule, ScheduleError, Strategy, Walk, strategy,
};
pub use slot::Slot;
pub use watch::Watcher;
