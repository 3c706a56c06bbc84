//! Serving apps: programs on this machine that open the driver's device interfaces.

mod client;
mod server;

pub use server::Server;
