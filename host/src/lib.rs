//! Runs an x64 KMDF driver in user mode on Linux and checks the KMDF contract at every step.

pub mod access;
pub mod device;
pub mod image;
pub mod time;
