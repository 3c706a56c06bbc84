//! Why an INF does not install a device.

use std::fmt;

use kmdf_inf::{Finding, Platform};
use thiserror::Error;

/// Why an INF does not install a device.
#[derive(Debug, Error)]
pub struct InstallError {
    /// The INF, as it was named.
    pub file: String,
    /// The line, counted from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub problem: InstallProblem,
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// What is wrong with an INF, or why it is not this device's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstallProblem {
    /// No `[Version]` with the signature of Windows NT.
    #[error("[Version] has no Signature = \"$WINDOWS NT$\": not an INF of Windows")]
    Signature,
    /// A section that another line names is missing.
    #[error("section [{0}] is named here and does not exist")]
    MissingSection(String),
    /// An entry that a section must have is missing.
    #[error("section [{section}] has no {entry}")]
    MissingEntry {
        /// The section.
        section: String,
        /// What it has to say.
        entry: &'static str,
    },
    /// No models for this architecture and version of Windows.
    #[error(
        "no models for {platform}: [Manufacturer] offers {}; add NT{} to it and to the models' \
         section", list(.offered), .platform.architecture
    )]
    NoModels {
        /// What is installed on.
        platform: Platform,
        /// The decorations there are.
        offered: Vec<String>,
    },
    /// No model has one of the device's identifiers.
    #[error(
        "no model matches the device: it is {}; the INF is for {}", list(.device), list(.inf)
    )]
    NoMatch {
        /// The device's identifiers.
        device: Vec<String>,
        /// The identifiers in the INF.
        inf: Vec<String>,
    },
    /// Not exactly one service is the device's function driver.
    #[error(
        "[{section}] must have exactly one AddService with flag 2 (the device's function driver), \
         it has {count}"
    )]
    FunctionDriver {
        /// The services' section.
        section: String,
        /// How many there are.
        count: usize,
    },
    /// An entry's value is not what it can be.
    #[error("{entry} is {value:?}, it has to be {wanted}")]
    Value {
        /// The entry.
        entry: String,
        /// What it is.
        value: String,
        /// What it can be.
        wanted: &'static str,
    },
    /// The service's image is not among the files that are copied.
    #[error(
        "ServiceBinary is {image} in directory {directory}, and no CopyFiles puts it there \
         (copied: {})", list(.copied)
    )]
    ImageNotCopied {
        /// The image.
        image: String,
        /// The directory id of ServiceBinary.
        directory: u32,
        /// What is copied, with its directory id.
        copied: Vec<String>,
    },
    /// A file that is copied is not in `[SourceDisksFiles]`.
    #[error("{0} is copied, but [SourceDisksFiles] does not list it")]
    NoSource(String),
    /// It would install, and yet no such package gets a signature, or a device that works.
    #[error("it breaks rules for an INF: {}", list(&.0.iter().map(Finding::to_string).collect::<Vec<_>>()))]
    Rules(Vec<Finding>),
}

/// A list in words.
fn list(items: &[String]) -> String {
    if items.is_empty() {
        "nothing".to_owned()
    } else {
        items.join(", ")
    }
}

/// What a step gives, or what is wrong and in which line.
pub(super) type Step<T> = Result<T, (Option<u32>, InstallProblem)>;

pub(super) fn missing(section: &str) -> InstallProblem {
    InstallProblem::MissingSection(section.to_owned())
}

pub(crate) fn wrong(entry: &str, value: &str, wanted: &'static str) -> InstallProblem {
    InstallProblem::Value {
        entry: entry.to_owned(),
        value: value.to_owned(),
        wanted,
    }
}
