//! eductl: the command line client of the edu driver.
//!
//! - [`cli`]: the command line.
//! - [`commands`]: one module for each command.
//! - [`edu`]: the driver's requests, typed.
//! - [`device`]: the device interface below them: overlapped I/O on Windows, kmdf-host's socket
//!   on other systems. It is the only module that differs between systems.
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
