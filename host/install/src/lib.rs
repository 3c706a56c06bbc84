//! Installs a driver from its INF, as pnputil and SetupAPI do: what it writes to the registry, which file becomes
//! the service's image, whether the device may use messages.
//!
//! [`Inf`] is the file; [`Installation::plan`] evaluates it for one device; [`verify()`] checks it by InfVerif's rules
//! for a Windows Driver.

#![cfg(unix)]

mod add_reg;
mod ids;
mod plan;
mod registry;
mod security;
#[cfg(test)]
mod tests;

pub use ids::DeviceIds;
pub use kmdf_inf::{
    Field, Finding, Inf, InfError, InfProblem, Line, Platform, Rule, Severity, Stamp, verify,
};
pub use plan::{AffinityPolicy, InstallError, InstallProblem, Installation, MsiGrant, Service};
pub use registry::{RegistryKey, RegistryValue};
pub use security::{Security, User};
