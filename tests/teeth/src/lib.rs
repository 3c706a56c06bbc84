//! Broken drivers that the host must catch: one for each of its rules, at least.
//!
//! `driver/` is a small, correct KMDF driver in C with defects to choose from by the registry value
//! `Bug`: one image, and one small deviation at a time. [`bugs`] says what each of them must be
//! reported as, [`hunt`] runs one and says what the host found, [`table`] is docs/teeth.md.
#![forbid(unsafe_code)]

pub mod bugs;
pub mod found;
pub mod hunt;
pub mod scenarios;
pub mod table;
