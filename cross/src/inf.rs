//! The INF check: what Windows, or the signing of the package, would refuse.

use std::path::Path;

use kmdf_inf::{Inf, InfProblem, Severity, Stamp, verify};

use crate::error::{Error, Kind, Result};

/// The number of InfVerif for a string that `[Strings]` does not have.
const UNKNOWN_STRING: &str = "1235";

/// Reads an INF, or an INX as stampinf would stamp it, and prints what breaks a rule.
///
/// # Errors
/// The file cannot be read, or breaks a rule.
pub fn check(path: &Path, stamp: &Stamp) -> Result<()> {
    const NEXT: &str = "docs/windows.md lists the rules and their numbers";
    let refused = |what: String| Error::new(Kind::Inf, what, NEXT);
    let inf = Inf::read(path, stamp).map_err(|error| match &error.problem {
        InfProblem::UnknownString(_) => refused(format!("{error} ({UNKNOWN_STRING})")),
        InfProblem::Unreadable(_) => Error::new(Kind::Io, error.to_string(), "name an INF or INX"),
        _ => refused(error.to_string()),
    })?;
    let findings = verify(&inf);
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
