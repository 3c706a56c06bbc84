//! Opens the device interfaces of a driver that kmdf-host runs. It is what handles and overlapped I/O are for an
//! app on Windows.
//!
//! ```no_run
//! use kmdf_host_client::{Connection, protocol::{Access, InterfaceId, Share}, socket_path};
//!
//! # const INTERFACE: InterfaceId = InterfaceId([0; 16]);
//! # fn main() -> Result<(), kmdf_host_client::Error> {
//! let host = Connection::open(&socket_path())?;
//! let handle = host.open_interface(INTERFACE, 0, Access::GENERIC_READ, Share::READ)?;
//! let first = handle.submit_control(0x22_2000, &[], 64)?;
//! let second = handle.submit_control(0x22_2004, &[1, 2, 3, 4], 0)?;
//! second.cancel()?;
//! println!("{:?} {:?}", first.wait()?, second.wait()?);
//! # Ok(())
//! # }
//! ```
//!
//! - [`protocol`]: the messages, and the rules for both sides.
//! - [`framing`]: messages to bytes and back, for blocking and non-blocking streams.
//! - [`script`]: what an app does, as text.
//! - the client itself: [`Connection`], [`Handle`], [`Pending`].
//!
//! The host's own server is written against [`protocol`] and [`framing`].

#![cfg(unix)]
#![forbid(unsafe_code)]

mod client;
mod error;
pub mod framing;
pub mod protocol;
pub mod script;
mod socket;

pub use client::{Completion, Connection, Handle, Pending, Wait};
pub use error::Error;
pub use socket::{SOCKET_VARIABLE, socket_path};
