//! kmdf-host with the edu devices plugged in: the one place that knows both.
//!
//! - [`EduModel`] is the model as a PCI function of the host.
//! - [`raise_cause`] has it interrupt without an app.
//! - [`EduDevices`] offers it to the command line.
//! - [`counters`] says whether the driver has counted what was seen from outside.
//! - [`parse_fault`] reads what a command line says about a broken device.
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
