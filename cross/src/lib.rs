//! Builds the shipped driver without Windows, in the kernel a `.sys` and in user mode a `.dll`, and checks any before it
//! ships.
//!
//! How it works and why: `docs/cross.md` and `docs/adr/0002-cross-build.md`.

#![cfg(unix)]

pub mod arch;
pub mod c;
mod clang;
pub mod cli;
mod command;
pub mod driver;
pub mod edits;
pub mod error;
pub mod exports;
mod files;
pub mod image;
pub mod inf;
pub mod layout;
pub mod link;
pub mod model;
mod packages;
pub mod source;
pub mod toolchain;
mod wdk;
mod workspace;
