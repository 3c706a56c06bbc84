//! eductl: what a person or a script does with a device that the edu driver drives.
//!
//! - [`cli`]: the command line.
//! - [`commands`]: one module for each command.
//! - [`edu`]: the driver's requests, typed.
//! - [`device`]: the device interface below them: overlapped I/O on Windows, kmdf-host's socket
//!   elsewhere. The only module that differs between systems.
//! - [`report`]: what a command found, for people and as JSON; [`exit`]: its exit code.

pub mod cli;
pub mod commands;
pub mod device;
pub mod edu;
pub mod exit;
pub mod number;
pub mod report;
