//! The rules and their numbers.

use std::fmt;

/// How much a breach weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The INF is refused.
    Error,
    /// The INF installs, though perhaps not as was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident;)*) => {
        /// A rule for the INF of a driver. It is shown by InfVerif's number where Microsoft documents
        /// one, else by a word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[$doc])* $name,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// InfVerif's number, or a word.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How much a breach weighs.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

rules! {
    /// An INF may say only what the oldest Windows that it installs on understands.
    TooNewSyntax = "1199", Error;
    /// Every section that is named exists.
    SectionNotFound = "1203", Error;
    /// Provider is who wrote the INF, and that is not Microsoft.
    ProviderMicrosoft = "1204", Error;
    /// Two directives do not share a section.
    SharedSection = "1205", Warning;
    /// An INF is for devices or for `DefaultInstall`, not for both.
    DefaultInstall = "1212", Error;
    /// DriverVer is mm/dd/yyyy,w.x.y.z with numbers up to 65535.
    DriverVersion = "1217", Error;
    /// Nobody writes into the services' key by its path.
    ServicesKey = "1221", Error;
    /// Every file that is copied is in `[SourceDisksFiles]`.
    SourceFile = "1230", Error;
    /// `[Version]` names the catalog that carries the signature.
    CatalogFile = "1233", Error;
    /// Class is not one that Microsoft keeps for itself.
    ReservedClass = "1284", Error;
    /// No `[ClassInstall32]` for a class of Microsoft's.
    ClassInstall = "1285", Error;
    /// Every install section has a `.Services`.
    NoService = "1296", Error;
    /// There is a device that the INF installs.
    NoDevice = "1297", Error;
    /// No section that runs code or depends on the system it is installed on.
    LegacySection = "1300", Error;
    /// No directive that changes what is not the driver package's.
    LegacyOperation = "1302", Error;
    /// No co-installers in the registry.
    CoInstaller = "1303", Error;
    /// Nothing is appended to a REG_MULTI_SZ that was there.
    AppendedStrings = "1305", Warning;
    /// Needs of another INF's section goes with an Include of that INF.
    NeedsWithoutInclude = "1313", Error;
    /// A registry key is relative to the device's or the service's own.
    RegistryKey = "1320", Error;
    /// A registry value is relative to the device's or the service's own key.
    RegistryValue = "1321", Error;
    /// Every file stays in the driver store.
    DriverStore = "1322", Error;
    /// A service's values are below its `Parameters`.
    ServiceParameters = "1323", Error;
    /// PnpLockdown = 1: nobody else changes the driver's files.
    PnpLockdown = "1324", Error;
    /// Every section is used.
    UnusedSection = "2083", Warning;
    /// A service's binary is one of the files that are copied.
    ServiceBinary = "2084", Error;
    /// A directive that Windows has forgotten.
    IgnoredDirective = "2222", Warning;
    /// `[Version]` has Signature, Class, ClassGuid and Provider, well-formed.
    Version = "version", Error;
    /// ClassGuid is that of Class.
    ClassGuid = "class-guid", Error;
    /// A class whose devices need more than the INF gives them.
    ClassNeeds = "class-needs", Error;
    /// The models say for which architecture they are, and for no product.
    Models = "models", Error;
    /// A driver's device starts it.
    StartType = "start-type", Error;
    /// The install section of a KMDF driver has a `.Wdf`.
    Wdf = "wdf", Error;
}

impl Rule {
    /// Whether an INF that breaks it installs nevertheless: it is then no Windows Driver, that is, it
    /// changes what is not its package's or depends on the system that it is installed on.
    #[must_use]
    pub const fn is_of_isolation(self) -> bool {
        matches!(
            self,
            Self::TooNewSyntax
                | Self::ServicesKey
                | Self::LegacySection
                | Self::LegacyOperation
                | Self::CoInstaller
                | Self::NeedsWithoutInclude
                | Self::RegistryKey
                | Self::RegistryValue
                | Self::DriverStore
                | Self::ServiceParameters
                | Self::PnpLockdown
        )
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
