//! Runs an x64 KMDF driver in user mode on Linux and checks the KMDF contract at every step.

pub mod device;
pub mod time;
