//! What the scenarios are made of: the shipped `.sys`, the host, a device and `eductl`.
//!
//! The scenarios themselves are in `scenarios/`, one file for each behaviour. They come in two
//! kinds:
//!
//! - In this process: a [`Bench`] boots the driver on a model or on QEMU's device and gives a
//!   [`Lab`], whose calls are the driver's requests and whose records say what happened inside.
//! - As a person would: [`program`] runs `edu-lab run … -- eductl …` and looks at what they print
//!   and how they exit.
//!
//! Whatever fails prints the command that runs just that again ([`seeds`]). What is missing on this
//! machine fails with the command that makes it ([`found`]); nothing is skipped.
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
