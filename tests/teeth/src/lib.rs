//! Broken drivers that the host must catch: at least one for each of its rules.
//!
//! `driver/` is a small, correct KMDF driver in C. The registry value `Bug` turns on one defect at a time in the same
//! image. [`bugs`] says how the host must report each of them, [`hunt`] runs one and returns the report, [`table`] makes
//! docs/teeth.md.
#![forbid(unsafe_code)]

pub mod bugs;
pub mod compare;
pub mod found;
pub mod hunt;
pub mod scenarios;
pub mod table;
