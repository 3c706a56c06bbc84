//! Bug check codes and their names.

use std::fmt;

/// The first parameter of `KeBugCheckEx`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BugCheck(pub u32);

impl BugCheck {
    /// Its name in the headers, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let at = NAMES
            .binary_search_by_key(&self.0, |&(value, _)| value)
            .ok()?;
        NAMES.get(at).map(|&(_, name)| name)
    }
}

/// Every name and its code.
#[must_use]
pub fn all() -> &'static [(&'static str, BugCheck)] {
    ALL
}

impl fmt::Display for BugCheck {
    /// As the blue screen and the debugger have it: `WDF_VIOLATION (0x10D)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(formatter, "{name} ({:#X})", self.0),
            None => write!(formatter, "bug check {:#X}", self.0),
        }
    }
}

impl fmt::Debug for BugCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

include!(concat!(env!("OUT_DIR"), "/bugcheck.rs"));
