//! Measurements, each with what it is to be compared with, from the same run.
//!
//! [`drivers`] are those that are measured: the Rust driver; in C, the twin of its callbacks (`twin/`),
//! and the small driver of `tests/teeth/` without a defect. [`exact`] counts what a request costs, and
//! [`callbacks`] what an interrupt does; these numbers are the same in every run. [`time`] and [`qemu`]
//! measure; their numbers are of one machine at one moment, and nothing asserts them.
#![forbid(unsafe_code)]

pub mod callbacks;
pub mod drivers;
pub mod exact;
pub mod qemu;
pub mod report;
pub mod time;
