//! The processor architectures a driver is built for, and each tool's name for them.

use std::fmt;

/// An architecture that Windows drivers are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Arch {
    /// x64, also called amd64. What the host runs.
    #[value(name = "x86_64", alias = "x64", alias = "amd64")]
    X86_64,
    /// ARM64. Built and checked, not run.
    #[value(name = "aarch64", alias = "arm64")]
    Aarch64,
}

impl Arch {
    /// Rust's target.
    #[must_use]
    pub fn target(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64-pc-windows-msvc",
            Self::Aarch64 => "aarch64-pc-windows-msvc",
        }
    }

    /// The kit's name, as wdk-build spells it in the names of directories.
    #[must_use]
    pub fn wdk(self) -> &'static str {
        match self {
            Self::X86_64 => "x64",
            Self::Aarch64 => "ARM64",
        }
    }

    /// What stampinf calls it.
    #[must_use]
    pub fn inf_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// What the linker's `/machine:` takes.
    #[must_use]
    pub fn machine(self) -> &'static str {
        match self {
            Self::X86_64 => "x64",
            Self::Aarch64 => "arm64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        })
    }
}
