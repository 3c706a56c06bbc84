//! Reads an INF into sections, lines and fields, with strings and continuations resolved, and checks it by
//! InfVerif's rules, with InfVerif's numbers.
#![forbid(unsafe_code)]

mod line;
mod platform;
mod problem;
mod scan;
mod stamp;
mod strings;
mod text;
mod verify;

use std::{collections::BTreeMap, fs, path::Path};

use self::text::{decode, parse_text};
pub use self::{
    line::{Field, Line},
    platform::{Platform, Target},
    problem::{InfError, InfProblem},
    stamp::Stamp,
    verify::{Finding, Rule, Severity, verify},
};

/// The directory id of the driver package's own place in the driver store.
pub const DRIVER_STORE: u32 = 13;

/// The longest field, before and after its strings are put in: what SetupAPI allows.
const LONGEST_FIELD: usize = 4095;

/// A section. Those of the same name are one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    line: u32,
    lines: Vec<Line>,
}

/// An INF file.
#[derive(Clone, Debug)]
pub struct Inf {
    file: String,
    /// In the order of the file.
    sections: Vec<Section>,
    /// Names in upper case.
    index: BTreeMap<String, usize>,
}

impl Inf {
    /// Reads the INF at `path`. An `.inx` is stamped first.
    ///
    /// # Errors
    /// The file cannot be read, or its text is malformed.
    pub fn read(path: &Path, stamp: &Stamp) -> Result<Self, InfError> {
        let file = path.display().to_string();
        let is_inx = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("inx"));
        match fs::read(path) {
            Ok(bytes) => Self::parse(&file, &bytes, is_inx.then_some(stamp)),
            Err(error) => Err(InfError {
                file,
                line: None,
                problem: InfProblem::Unreadable(error),
            }),
        }
    }

    /// Reads an INF from the bytes of a file, stamped if a stamp is given; `file` names it in
    /// errors.
    ///
    /// # Errors
    /// The text is malformed.
    pub fn parse(file: &str, bytes: &[u8], stamp: Option<&Stamp>) -> Result<Self, InfError> {
        let parsed = decode(bytes)
            .map_err(|problem| (None, problem))
            .and_then(|text| {
                let text = stamp.map_or(text.clone(), |stamp| stamp.apply(&text));
                parse_text(&text).map_err(|(line, problem)| (Some(line), problem))
            });
        match parsed {
            Ok(sections) => {
                let index = sections
                    .iter()
                    .enumerate()
                    .map(|(at, section)| (section.name.to_uppercase(), at))
                    .collect();
                Ok(Self {
                    file: file.to_owned(),
                    sections,
                    index,
                })
            }
            Err((line, problem)) => Err(InfError {
                file: file.to_owned(),
                line,
                problem,
            }),
        }
    }

    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The entries of a section, if there is such a section.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[Line]> {
        let at = self.index.get(&name.to_uppercase())?;
        self.sections
            .get(*at)
            .map(|section| section.lines.as_slice())
    }

    /// The line that begins a section.
    #[must_use]
    pub fn line_of(&self, section: &str) -> Option<u32> {
        let at = self.index.get(&section.to_uppercase())?;
        self.sections.get(*at).map(|section| section.line)
    }

    /// The names of the sections, in the order of the file.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// The TargetOSVersions that manufacturers have models for.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        self.decorations()
            .filter_map(|(_, target)| Target::parse(target))
    }

    /// The lines of every models section that a manufacturer names with a TargetOSVersion.
    pub fn models(&self) -> impl Iterator<Item = &Line> {
        self.decorations().flat_map(|(models, target)| {
            self.section(&format!("{models}.{target}"))
                .unwrap_or_default()
        })
    }

    /// The models' section of each manufacturer, with each decoration that it names.
    fn decorations(&self) -> impl Iterator<Item = (&str, &str)> {
        let manufacturers = self.section("Manufacturer").unwrap_or_default().iter();
        manufacturers.flat_map(|line| {
            let targets = line.fields.iter().skip(1);
            targets.map(|target| (line.text(0), target.text.as_str()))
        })
    }

    /// The first entry of a section with that key.
    #[must_use]
    pub fn entry(&self, section: &str, key: &str) -> Option<&Line> {
        self.section(section)?.iter().find(|line| line.is(key))
    }

    /// All entries of a section with that key.
    pub fn entries<'a>(
        &'a self,
        section: &str,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Line> + use<'a> {
        let lines = self.section(section).unwrap_or_default();
        lines.iter().filter(move |line| line.is(key))
    }
}
