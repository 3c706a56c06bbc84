//! Installing a driver from its INF, as pnputil and SetupAPI do it: what ends up in the registry,
//! which file becomes the service's image, whether the device may use messages.
//!
//! [`Inf`] is the file; [`Installation::plan`] follows it for one device; [`verify()`] holds it
//! against the rules of a Windows Driver that InfVerif checks.

mod add_reg;
mod ids;
mod inf;
mod plan;
mod platform;
mod registry;
#[cfg(test)]
mod tests;
mod verify;

pub use ids::DeviceIds;
pub use inf::{Field, Inf, InfError, InfProblem, Line, Stamp};
pub use plan::{AffinityPolicy, InstallError, InstallProblem, Installation, MsiGrant, Service};
pub use platform::Platform;
pub use registry::{RegistryKey, RegistryValue};
pub use verify::{Finding, Rule, verify};
