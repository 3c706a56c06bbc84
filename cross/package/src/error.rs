//! What goes wrong.

use std::{io, path::PathBuf};

use kmdf_inf::InfError;

/// Why a package is not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{file}: {error}", file = .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The image is no PE image that can be signed.
    #[error("the image cannot be signed: {0}")]
    Image(&'static str),
    /// The INF cannot be read.
    #[error(transparent)]
    Inf(#[from] InfError),
    /// The INF breaks rules.
    #[error("{file} breaks a rule: {finding}", file = .file.display())]
    Rule {
        /// The INX.
        file: PathBuf,
        /// The first.
        finding: String,
    },
    /// A certificate or a signature could not be made.
    #[error("the signature could not be made: {0}")]
    Signature(String),
}

impl Error {
    /// A file operation failed.
    pub(crate) fn io(file: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let file = file.into();
        |error| Self::Io { file, error }
    }
}

/// Errors of the crates that know certificates and DER: none that the user can do anything about.
macro_rules! signature {
    ($($error:ty),*) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Signature(error.to_string())
            }
        }
    )*};
}

signature!(
    der::Error,
    rsa::Error,
    rsa::pkcs8::Error,
    rsa::signature::Error,
    spki::Error,
    x509_cert::builder::Error
);
