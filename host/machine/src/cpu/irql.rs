//! IRQL as the host keeps it for each virtual processor.

use std::fmt;

/// An interrupt request level of x64 Windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Irql(u8);

impl Irql {
    /// Threads.
    pub const PASSIVE: Self = Self(0);
    /// Asynchronous procedure calls.
    pub const APC: Self = Self(1);
    /// DPCs, spin locks.
    pub const DISPATCH: Self = Self(2);
    /// The lowest level of a device interrupt.
    pub const LOWEST_DEVICE: Self = Self(3);
    /// The highest level of a device interrupt.
    pub const HIGHEST_DEVICE: Self = Self(11);
    /// The highest level: everything is masked.
    pub const HIGH: Self = Self(15);

    /// The level with that number, if x64 has it.
    #[must_use]
    pub const fn new(level: u8) -> Option<Self> {
        if level <= Self::HIGH.0 {
            Some(Self(level))
        } else {
            None
        }
    }

    /// The level's number: the value of `cr8`.
    #[must_use]
    pub const fn level(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Irql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::PASSIVE => f.write_str("PASSIVE_LEVEL"),
            Self::APC => f.write_str("APC_LEVEL"),
            Self::DISPATCH => f.write_str("DISPATCH_LEVEL"),
            Self::HIGH => f.write_str("HIGH_LEVEL"),
            Self(level) => write!(f, "DIRQL {level}"),
        }
    }
}
