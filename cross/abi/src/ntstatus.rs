//! `NTSTATUS` and its names.

use std::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What most DDIs return. Any value can come from a driver, so it is a number with names.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct NtStatus(pub i32);

impl NtStatus {
    /// `NT_SUCCESS`: success and informational codes.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 >= 0
    }

    /// `NT_WARNING`: not a success, but not an error either, as `STATUS_BUFFER_OVERFLOW`.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        self.bits() >> 30 == 2
    }

    /// `NT_ERROR`.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.bits() >> 30 == 3
    }

    /// The code as it is usually written: `0xC0000001`.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0.cast_unsigned()
    }

    /// The code with these bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits.cast_signed())
    }

    /// Its name in the headers, `STATUS_…`, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let at = NAMES
            .binary_search_by_key(&self.bits(), |&(value, _)| value)
            .ok()?;
        NAMES.get(at).map(|&(_, name)| name)
    }

    /// The code of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        all()
            .iter()
            .find(|&&(one, _)| one == name)
            .map(|&(_, status)| status)
    }
}

/// Every name and its code, by code; a few codes have two names, the one to print comes first.
#[must_use]
pub fn all() -> &'static [(&'static str, NtStatus)] {
    ALL
}

impl fmt::Display for NtStatus {
    /// The name, or the code where it has none.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.pad(name),
            None => write!(formatter, "{:#010X}", self.bits()),
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(formatter, "{name} ({:#010X})", self.bits()),
            None => write!(formatter, "{:#010X}", self.bits()),
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/status.rs"));
