//! The two driver models that are built here, and what each calls its things.

use std::fmt;

/// A driver model: where the driver runs, and which framework it is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// In the kernel: KMDF 1.x.
    Kmdf,
    /// In a host process: UMDF 2.x.
    Umdf,
}

impl Model {
    /// The model of this name in a manifest's `driver-type`.
    #[must_use]
    pub fn named(driver_type: &str) -> Option<Self> {
        [Self::Kmdf, Self::Umdf]
            .into_iter()
            .find(|model| model.to_string() == driver_type)
    }

    /// The framework's major version, the only one there is.
    #[must_use]
    pub fn major(self) -> u8 {
        match self {
            Self::Kmdf => 1,
            Self::Umdf => 2,
        }
    }

    /// The key of the minor version in a manifest.
    #[must_use]
    pub fn minor_key(self) -> &'static str {
        match self {
            Self::Kmdf => "target-kmdf-version-minor",
            Self::Umdf => "target-umdf-version-minor",
        }
    }

    /// The framework's directory in the kit.
    pub(crate) fn framework(self) -> &'static str {
        match self {
            Self::Kmdf => "kmdf",
            Self::Umdf => "umdf",
        }
    }

    /// The system's directory in the kit.
    pub(crate) fn system(self) -> &'static str {
        match self {
            Self::Kmdf => "km",
            Self::Umdf => "um",
        }
    }

    /// The library that binds the driver to the framework.
    pub(crate) fn entry_library(self) -> &'static str {
        match self {
            Self::Kmdf => "WdfDriverEntry.lib",
            Self::Umdf => "WdfDriverStubUm.lib",
        }
    }

    /// The package that takes the place of that library.
    pub(crate) fn entry_package(self) -> &'static str {
        match self {
            Self::Kmdf => "wdf-driver-entry",
            Self::Umdf => "wdf-driver-stub-um",
        }
    }

    /// The symbol at which the loader enters the image.
    pub(crate) fn entry_point(self) -> &'static str {
        match self {
            Self::Kmdf => "FxDriverEntry",
            Self::Umdf => "_DllMainCRTStartup",
        }
    }

    /// The extension of the driver's file.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Kmdf => "sys",
            Self::Umdf => "dll",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kmdf => "KMDF",
            Self::Umdf => "UMDF",
        })
    }
}
