//! One error type for the whole tool: what went wrong, what to do next, and the exit code.

use std::{fmt, io, path::Path, process::ExitCode};

/// What kind of failure it was. Decides the exit code and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A file could not be read or written, a command could not be started. Exit code 1.
    Io,
    /// The machine lacks something the build needs. Exit code 3.
    Missing,
    /// A step of the build ran and failed. Exit code 4.
    Build,
    /// The image is not one that Windows would load, or not the one we mean to ship. Exit code 5.
    Image,
    /// The INF breaks a rule. Exit code 6.
    Inf,
}

/// A failure, told to a person: what, where, and what to do next.
#[derive(Debug, thiserror::Error)]
pub struct Error {
    kind: Kind,
    what: String,
    next: String,
    #[source]
    source: Option<io::Error>,
}

/// The tool's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of the given kind. `what` names the thing and the place, `next` the way out.
    pub fn new(kind: Kind, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
            next: next.into(),
            source: None,
        }
    }

    /// The machine lacks something.
    pub fn missing(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Kind::Missing, what, next)
    }

    /// A step of the build failed.
    pub fn build(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Kind::Build, what, next)
    }

    /// The image is not acceptable.
    pub fn image(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Kind::Image, what, next)
    }

    /// A file operation failed. `doing` completes "cannot …".
    #[must_use]
    pub fn io(doing: &str, path: &Path, source: io::Error) -> Self {
        Self {
            kind: Kind::Io,
            what: format!("cannot {doing} {}: {source}", path.display()),
            next: "check that the path exists, that you may write there and that the disk has room"
                .into(),
            source: Some(source),
        }
    }

    /// What went wrong and where, without what to do next.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The kind of failure.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The exit code for this failure, as `--help` lists them.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Io => 1,
            Kind::Missing => 3,
            Kind::Build => 4,
            Kind::Image => 5,
            Kind::Inf => 6,
        }
        .into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  next: {}", self.what, self.next)
    }
}
