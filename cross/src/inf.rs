//! The INF check: what Windows, or the signing of the package, would refuse.

use std::path::Path;

use kmdf_inf::{Inf, InfProblem, Severity, Stamp, verify};

use crate::{
    arch::Arch,
    error::{Error, Kind, Result},
};

/// The number of InfVerif for a string that `[Strings]` does not have.
const UNKNOWN_STRING: &str = "1235";

const NEXT: &str = "docs/windows.md lists the rules and their numbers";

/// What stampinf would put into an INX.
fn stamp(arch: Arch) -> Stamp {
    Stamp {
        architecture: arch.inf_name().to_owned(),
        kmdf_version: "1.15".to_owned(),
        date: "01/01/2026".to_owned(),
        version: "1.0.0.0".to_owned(),
    }
}

fn refused(what: String) -> Error {
    Error::new(Kind::Inf, what, NEXT)
}

fn read(path: &Path, arch: Arch) -> Result<Inf> {
    Inf::read(path, &stamp(arch)).map_err(|error| match &error.problem {
        InfProblem::UnknownString(_) => refused(format!("{error} ({UNKNOWN_STRING})")),
        InfProblem::Unreadable(_) => Error::new(Kind::Io, error.to_string(), "name an INF or INX"),
        _ => refused(error.to_string()),
    })
}

/// Reads an INF, or an INX as stampinf would stamp it, and prints what breaks a rule.
///
/// # Errors
/// The file cannot be read, or breaks a rule.
pub fn check(path: &Path, arch: Arch) -> Result<()> {
    let findings = verify(&read(path, arch)?);
    for finding in &findings {
        println!("{}: {finding}", path.display());
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.rule.severity() == Severity::Error)
        .count();
    if errors > 0 {
        return Err(refused(format!("{} breaks {errors} rules", path.display())));
    }
    println!("{} is fine", path.display());
    Ok(())
}

/// The oldest build of Windows that an INF, or an INX, installs on.
///
/// # Errors
/// The file cannot be read, or has no model for any Windows.
pub fn oldest_build(path: &Path, arch: Arch) -> Result<u32> {
    read(path, arch)?
        .targets()
        .map(|target| target.build.unwrap_or_default())
        .min()
        .ok_or_else(|| refused(format!("{} has no TargetOSVersion", path.display())))
}
