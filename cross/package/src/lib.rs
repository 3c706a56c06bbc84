//! Makes a test-signed driver package without Windows, as signtool, stampinf and inf2cat do.
//!
//! - [`Identity`] is the test certificate and its key.
//! - [`image`] hashes and signs a PE image, as Authenticode says.
//! - [`catalog`] lists the hashes of the package's files.
//! - [`Package`] is all of it, as a directory and a zip.
#![forbid(unsafe_code)]

pub mod catalog;
mod error;
mod identity;
pub mod image;
pub mod package;
mod signed;
mod spc;

pub use error::Error;
pub use identity::Identity;
pub use package::Package;
