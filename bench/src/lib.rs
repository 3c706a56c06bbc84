//! Measurements, each with what it is to be compared with, from the same run.
//!
//! [`drivers`] are the two that are measured: the Rust driver, and the small driver in C of
//! `teeth/` without a defect. [`exact`] counts what a request costs; these numbers are the same in
//! every run. [`time`] measures; its numbers are of one machine at one moment, and nothing asserts
//! them.
#![forbid(unsafe_code)]

pub mod drivers;
pub mod exact;
pub mod time;
