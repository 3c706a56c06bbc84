//! Serving apps: programs on this machine that open the driver's device interfaces.

mod server;

pub use server::Server;
