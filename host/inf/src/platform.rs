//! Which Windows is installed on, and for which one a part of an INF is.

use std::fmt;

use super::Field;

/// The Windows that is installed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// `amd64`, `arm64`, `x86`, `arm`.
    pub architecture: String,
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build number.
    pub build: u32,
    /// Product type: 1 a workstation, 2 a domain controller, 3 a server.
    pub product: u32,
}

impl Default for Platform {
    /// Windows 11, version 23H2, on x64.
    fn default() -> Self {
        Self {
            architecture: "amd64".to_owned(),
            major: 10,
            minor: 0,
            build: 22631,
            product: 1,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} Windows {}.{}.{}",
            self.architecture, self.major, self.minor, self.build
        )
    }
}

/// A TargetOSVersion: `NTamd64.10.0...16299`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `amd64`, `arm64`, `x86`, `arm`; empty where there is none.
    pub architecture: String,
    /// Major version.
    pub major: Option<u32>,
    /// Minor version.
    pub minor: Option<u32>,
    /// Product type.
    pub product: Option<u32>,
    /// Suite mask.
    pub suite: Option<u32>,
    /// Build number.
    pub build: Option<u32>,
}

impl Target {
    /// Reads a TargetOSVersion.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let first = parts.next()?;
        let (nt, architecture) = first.split_at_checked(2)?;
        if !nt.eq_ignore_ascii_case("NT") {
            return None;
        }
        let mut number = || {
            let part = parts.next().unwrap_or_default().trim();
            if part.is_empty() {
                return Some(None);
            }
            let field = Field {
                text: part.to_owned(),
                directory: None,
            };
            field.number().map(Some)
        };
        let target = Self {
            architecture: architecture.to_owned(),
            major: number()?,
            minor: number()?,
            product: number()?,
            suite: number()?,
            build: number()?,
        };
        parts.next().is_none().then_some(target)
    }

    /// How closely it fits a platform, if it does: bigger is closer.
    #[must_use]
    pub fn fits(&self, platform: &Platform) -> Option<(u32, u32, u32, bool, bool)> {
        // Without an architecture it is x86's.
        let architecture = if self.architecture.is_empty() {
            "x86"
        } else {
            &self.architecture
        };
        if !architecture.eq_ignore_ascii_case(&platform.architecture) {
            return None;
        }
        let version = (self.major.unwrap_or(0), self.minor.unwrap_or(0));
        let running = (platform.major, platform.minor);
        let build = self.build.unwrap_or(0);
        // The build counts within its own version only.
        if version > running || (version == running && build > platform.build) {
            return None;
        }
        if self
            .product
            .is_some_and(|product| product != platform.product)
            || self.suite.is_some()
        {
            return None;
        }
        Some((
            version.0,
            version.1,
            build,
            self.product.is_some(),
            !self.architecture.is_empty(),
        ))
    }
}
