//! The common parts of the scenarios: the shipped `.sys`, the host, a device and `eductl`.
//!
//! The scenarios themselves are in `scenarios/`, one file for each behavior. They come in two
//! kinds:
//!
//! - In this process: a [`Bench`] boots the driver on a model or on QEMU's device and gives a
//!   [`Lab`], whose calls are the driver's requests and whose records say what happened inside.
//! - As a person would: [`program`] runs `edu-lab run … -- eductl …` and looks at what they print
//!   and how they exit.
//!
//! A scenario that fails prints the command that runs just that scenario again ([`seeds`]). If a file is missing on this
//! machine, it fails with the command that makes the file ([`found`]); no scenario is skipped.
#![forbid(unsafe_code)]

pub mod bench;
pub mod doctored;
pub mod found;
pub mod lab;
pub mod program;
pub mod seeds;
pub mod tamper;
pub mod timeline;

pub use bench::Bench;
pub use lab::Lab;
pub use seeds::for_each_seed;
