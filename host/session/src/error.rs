//! Why a session did not come up.

use kmdf_abi::ntstatus::NtStatus;
use kmdf_image::{ImageError, MapError, SymbolError};
use kmdf_install::{InfError, InstallError};
use kmdf_machine::Stop;
use thiserror::Error;

/// Why a session did not come up.
#[derive(Debug, Error)]
pub enum BootError {
    /// The image cannot be used.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The PDB cannot be used.
    #[error(transparent)]
    Symbols(#[from] SymbolError),
    /// The image cannot be mapped.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The driver cannot be installed for any of the devices.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The INF cannot be read.
    #[error(transparent)]
    Inf(#[from] InfError),
    /// The image is no KMDF driver.
    #[error("{file}: no KMDF driver: it does not bind to the framework (KmdfLibrary)")]
    NotKmdf {
        /// The image.
        file: String,
    },
    /// The machine has no device at all.
    #[error("the virtual machine has no PCI function to install the driver for")]
    NoDevice,
    /// This machine has no room.
    #[error("no virtual machine can be made here: {0}")]
    Machine(std::io::Error),
    /// The driver refused.
    #[error("{step} failed with {status}{because}")]
    Refused {
        /// In which of its routines.
        step: &'static str,
        /// With which status.
        status: NtStatus,
        /// Which callback returned it, and which call had failed before it; or nothing.
        because: String,
    },
    /// The run stopped.
    #[error(transparent)]
    Stopped(#[from] Stop),
}
