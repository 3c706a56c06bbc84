//! kmdf-host with the edu devices: the only package that knows both.
//!
//! - [`EduModel`] is the model as a PCI function of the host.
//! - [`raise_cause`] makes it interrupt without an app.
//! - [`EduDevices`] offers it to the command line.
//! - [`counters`] compares the driver's counters with what the host has seen.
//! - [`parse_fault`] reads the faults of a broken device from the command line.
//! - [`register_name`] names the registers in a trace.

#![cfg(unix)]
#![forbid(unsafe_code)]

pub mod counters;
mod devices;
mod fault;
mod hostile;
mod model;
mod names;
mod scenarios;

pub use devices::EduDevices;
pub use fault::{FaultError, parse_fault};
pub use model::{EduModel, raise_cause};
pub use names::register_name;
