//! Virtual time: what the host's clock shows. Nothing here reads the machine's clock.

use std::{
    fmt,
    ops::{Add, Sub},
    time::Duration,
};

/// A moment of a run, in nanoseconds since the virtual machine was switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualTime(u64);

impl VirtualTime {
    /// When the virtual machine was switched on.
    pub const START: Self = Self(0);

    /// The moment that many nanoseconds after the start.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Units of 100 ns since the start, which Windows counts in.
    #[must_use]
    pub const fn as_ticks(self) -> u64 {
        self.0 / 100
    }
}

impl Add<Duration> for VirtualTime {
    type Output = Self;

    /// Saturates at the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub for VirtualTime {
    type Output = Duration;

    /// Saturates at zero.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for VirtualTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.6} ms",
            Duration::from_nanos(self.0).as_secs_f64() * 1e3
        )
    }
}
