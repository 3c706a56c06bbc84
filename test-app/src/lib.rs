//! eductl: what a person or a script does with a device that the edu driver drives.
//!
//! - [`cli`]: the command line.
//! - [`commands`]: one module for each command.
//! - [`edu`]: the driver's requests, typed.
//! - [`device`]: the device interface below them: overlapped I/O on Windows, kmdf-host's socket
//!   elsewhere. The only module that differs between systems.
//! - [`hexdump`] and [`number`]: bytes and numbers as people read and write them.
//! - [`mod@interrupted`] listens to Ctrl-C.
//! - [`report`]: what a command found, for people and as JSON; [`exit`]: its exit code.

pub mod cli;
pub mod commands;
pub mod device;
pub mod edu;
pub mod exit;
pub mod hexdump;
pub mod interrupted;
pub mod number;
pub mod report;
