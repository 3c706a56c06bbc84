//! The image check: what Windows' loader, its verifiers and we ourselves want of a driver file.
//!
//! One function a rule, all of them run on every image, so that one check shows all problems.

mod checksum;
#[cfg(test)]
mod fixture;
mod resource;
mod rules;
mod symbols;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod user_mode_tests;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use object::{
    LittleEndian as LE, pe,
    read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64},
};

use crate::{
    arch::Arch,
    error::{Error, Result},
    files,
    model::Model,
};

/// How large the shipped driver may be, in bytes: what it is now.
pub const SIZE_BUDGET_BYTES: usize = 40 * 1024;

/// What is expected of an image.
#[derive(Debug, Clone)]
pub struct Expectations {
    /// The architecture; `None` accepts any that a driver can have.
    pub arch: Option<Arch>,
    /// The oldest build of Windows that an INF installs it on; `None` for any.
    pub oldest_build: Option<u32>,
    /// The largest size of the file in bytes; `None` for no limit.
    pub size_budget_bytes: Option<usize>,
    /// The symbols; `None` leaves the entry point's name unchecked.
    pub symbols: Option<PathBuf>,
    /// The driver model, which a file says by its extension.
    pub model: Model,
}

impl Default for Expectations {
    fn default() -> Self {
        Self {
            arch: None,
            oldest_build: None,
            size_budget_bytes: None,
            symbols: None,
            model: Model::Kmdf,
        }
    }
}

impl Expectations {
    /// No more than what a file's name says: a UMDF driver is a DLL.
    #[must_use]
    pub fn of(image: &Path) -> Self {
        let is_dll = image
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("dll"));
        Self {
            model: if is_dll { Model::Umdf } else { Model::Kmdf },
            ..Self::default()
        }
    }
}

/// A rule that the image breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule's name.
    pub rule: &'static str,
    /// What is wrong, and what to do about it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// What the check found.
#[derive(Debug)]
pub struct Report {
    /// The file's size in bytes.
    pub size_bytes: usize,
    /// The modules and names that the image imports.
    pub imports: Vec<(String, Vec<String>)>,
    /// The oldest version of Windows 10 that has every import, and the import that needs it.
    pub oldest_windows: Option<(u16, &'static str)>,
    /// What the version resource calls the file's version, if there is one.
    pub file_version: Option<String>,
    /// Every rule broken.
    pub problems: Vec<Problem>,
}

/// An image under examination, and what was found so far.
struct Examination<'a> {
    data: &'a [u8],
    file: PeFile64<'a>,
    expectations: &'a Expectations,
    report: Report,
}

impl Examination<'_> {
    fn optional(&self) -> &pe::ImageOptionalHeader64 {
        self.file.nt_headers().optional_header()
    }

    fn problem(&mut self, rule: &'static str, what: impl Into<String>) {
        self.report.problems.push(Problem {
            rule,
            what: what.into(),
        });
    }
}

/// Checks the file at `path`.
///
/// # Errors
///
/// If the file cannot be read, is not a 64-bit PE image, or breaks a rule; the message then has
/// every rule broken.
pub fn check(path: &Path, expectations: &Expectations) -> Result<Report> {
    let data = files::read(path)?;
    let report = examine(&data, expectations).map_err(|what| {
        Error::image(
            format!("{} is not a driver image: {what}", path.display()),
            "give the path of a 64-bit .sys file, or of the .dll of a UMDF driver",
        )
    })?;
    if report.problems.is_empty() {
        return Ok(report);
    }
    let list = report.problems.iter().fold(String::new(), |list, problem| {
        list + "\n  - " + &problem.to_string()
    });
    Err(Error::image(
        format!(
            "{} breaks {} rule(s):{list}",
            path.display(),
            report.problems.len()
        ),
        "see docs/cross.md for what each rule is about",
    ))
}

/// Checks an image in memory. An error means that it cannot be read as one at all.
fn examine(data: &[u8], expectations: &Expectations) -> Result<Report, String> {
    let file = PeFile64::parse(data).map_err(|error| error.to_string())?;
    let report = Report {
        size_bytes: data.len(),
        imports: Vec::new(),
        oldest_windows: None,
        file_version: None,
        problems: Vec::new(),
    };
    let mut examination = Examination {
        data,
        file,
        expectations,
        report,
    };
    for rule in rules::ALL {
        rule(&mut examination);
    }
    Ok(examination.report)
}

/// The headers' 16-bit machine number.
fn machine(file: &PeFile64<'_>) -> u16 {
    file.nt_headers().file_header().machine.get(LE)
}

/// Whether the optional header's `DllCharacteristics` has this flag.
fn has_characteristic(file: &PeFile64<'_>, flag: u16) -> bool {
    file.nt_headers().optional_header().dll_characteristics() & flag != 0
}
