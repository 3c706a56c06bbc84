//! Measurements of three drivers in the same run.
//!
//! [`drivers`] has the measured drivers: the Rust driver; in C, the twin of its callbacks (`twin/`), and the small driver
//! of `tests/teeth/` without a defect. [`exact`] counts the cost of a request, and [`callbacks`] the work of an interrupt;
//! these numbers are the same in every run. [`time`] and [`qemu`] measure times; these depend on the machine and the
//! moment, and no test asserts them.
#![forbid(unsafe_code)]

pub mod callbacks;
pub mod drivers;
pub mod exact;
pub mod qemu;
pub mod report;
pub mod time;
