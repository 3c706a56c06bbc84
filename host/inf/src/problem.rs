//! Why an INF cannot be read.

use std::{fmt, io};

use thiserror::Error;

/// Why an INF cannot be read.
#[derive(Debug, Error)]
pub struct InfError {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub problem: InfProblem,
}

impl fmt::Display for InfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// What is wrong with an INF's text.
#[derive(Debug, Error)]
pub enum InfProblem {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// More than 4 MiB.
    #[error("{0} bytes are not an INF")]
    TooLarge(usize),
    /// Neither of the two encodings.
    #[error("neither UTF-8 nor UTF-16LE with a byte order mark; save it as one of the two")]
    Encoding,
    /// `[name` without the bracket that ends it.
    #[error("the section's name does not end with \"]\"")]
    UnclosedSection,
    /// Something follows the bracket that ends a section's name.
    #[error("{0:?} after the section's name")]
    AfterSection(String),
    /// An entry before the first section.
    #[error("an entry outside any section")]
    OutsideSection,
    /// A quoted string that does not end on its line.
    #[error("a quoted string does not end on its line")]
    UnclosedQuote,
    /// `%name%` without an entry in `[Strings]`.
    #[error("%{0}% is not in [Strings]; a percent sign itself is written %%")]
    UnknownString(String),
    /// A placeholder that stampinf would have replaced.
    #[error("{0} is for stampinf to replace: this is an .inx, not yet an .inf")]
    Placeholder(String),
    /// A field longer than SetupAPI allows.
    #[error("a field of {0} characters; SetupAPI allows 4095")]
    LongField(usize),
}

/// An error and its line.
pub(super) type Parsed<T> = Result<T, (u32, InfProblem)>;
