//! The decisions of the `edu` driver, without Windows and without hardware.
//!
//! - [`ioctl`]: which control requests are well formed, and what is wrong with the others.
//! - [`log`]: what the ISR records and the DPC takes; [`ring`] keeps the snapshots.
//! - [`events`]: the events for which apps wait, and which of them an app has not seen.
//! - [`watchdog`]: when the time of an engine's job is over.
//! - [`engine`]: for which request an engine of the device works, and who completes that request; [`factorial`] and
//!   [`transfer`] are the work of the two engines.
//!
//! They are a crate of their own so that plain `cargo test` runs them on any machine, with thousands of random schedules a
//! second. The driver adds what only the kernel has: registers, locks, requests. Nothing here allocates, panics or
//! depends on time.
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
