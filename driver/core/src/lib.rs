//! The decisions of the `edu` driver, without Windows and without hardware.
//!
//! - [`ioctl`]: which control requests are well formed, and what is wrong with the others.
//! - [`log`]: what the ISR records and what the DPC takes, and [`ring`], where snapshots wait.
//! - [`events`]: what apps wait for, and which of it they have not seen.
//! - [`watchdog`]: when an engine has had enough time.
//! - [`engine`]: whose work an engine of the device does, and who completes that request; [`factorial`]
//!   and [`transfer`], what the two engines do.
//!
//! They are a crate of their own so that plain `cargo test` runs them on any machine, thousands of
//! random schedules a second. The driver adds what only the kernel has: registers, locks, requests.
//! Nothing here allocates, panics or knows how long anything takes.
#![no_std]
#![forbid(unsafe_code)]

pub mod engine;
pub mod events;
pub mod factorial;
pub mod ioctl;
pub mod log;
pub mod ring;
pub mod transfer;
pub mod watchdog;
