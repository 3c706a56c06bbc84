//! What is at an address, for people.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One function at an address. Several where functions were inlined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function's name, readable.
    pub function: String,
    /// The address's distance from the function's first byte. Of the outermost function only: an
    /// inlined one has no address of its own.
    pub offset: Option<u32>,
    /// Source file.
    pub file: Option<String>,
    /// Line in it.
    pub line: Option<u32>,
}

impl Frame {
    /// Whether the function was inlined into the next frame's.
    #[must_use]
    pub const fn is_inlined(&self) -> bool {
        self.offset.is_none()
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        match self.offset {
            Some(0) => {}
            Some(offset) => write!(f, "+{offset:#x}")?,
            None => f.write_str(" (inlined)")?,
        }
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " at {file}:{line}"),
            (Some(file), None) => write!(f, " in {file}"),
            _ => Ok(()),
        }
    }
}
