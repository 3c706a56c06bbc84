//! The framework, and the managers that call a driver with it: KMDF's objects and functions, PnP and
//! power, files and requests. [`Host`] is a machine with all of that.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the host runs on x86-64 only, and registers hold narrower values of either sign"
)]

mod check;
mod host;
mod io;
mod irp;
mod kmdf;
mod loader;
pub mod needs;
mod pnp;

pub use host::Host;
pub use io::{File, Irp, Major, Operation, Outcome};
pub use kmdf::wmi::WmiRequest;
pub use pnp::{Disturbance, Grant};
