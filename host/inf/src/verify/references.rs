//! Sections, and the directives that name them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, Rule};
use crate::Line;

/// Sections by how their names end.
const LEGACY_SECTIONS: [&str; 4] = [
    ".coinstallers",
    ".factdef",
    ".logconfigoverride",
    "classinstall32.services",
];

/// Directives that change what is not the package's.
const LEGACY_OPERATIONS: [&str; 12] = [
    "BitReg",
    "DelFiles",
    "DelProperty",
    "DelReg",
    "DelService",
    "Ini2Reg",
    "ProfileItems",
    "RegisterDlls",
    "RenFiles",
    "UnregisterDlls",
    "UpdateIniFields",
    "UpdateInis",
];

/// Sections that Windows finds without anybody's naming them, or by another's name and a suffix.
const KNOWN: [&str; 7] = [
    "classinstall32",
    "controlflags",
    "defaultinstall",
    "destinationdirs",
    "manufacturer",
    "strings",
    "version",
];

impl Checker<'_> {
    pub(super) fn reference(&mut self, line: &Line, section: &str) {
        if self.inf.section(section).is_none() {
            let text = format!("section [{section}] is named here and does not exist");
            self.find(Rule::SectionNotFound, Some(line.number), text);
        }
    }

    pub(super) fn references(&mut self) {
        let inf = self.inf;
        // By whom a section was named first.
        let mut named: BTreeMap<String, &str> = BTreeMap::new();
        for name in inf.section_names() {
            let line = inf.line_of(name);
            let lower = name.to_lowercase();
            if LEGACY_SECTIONS.iter().any(|end| lower.ends_with(end)) {
                let text = format!("[{name}] is not for a Windows Driver: no co-installers");
                self.find(Rule::LegacySection, line, text);
            }
            for line in inf.section(name).unwrap_or_default() {
                if let Some(directive) = LEGACY_OPERATIONS.iter().find(|d| line.is(d)) {
                    let text = format!("{directive} is not for a Windows Driver");
                    self.find(Rule::LegacyOperation, Some(line.number), text);
                }
                if line.is("LogConfig") {
                    let text = "LogConfig is ignored: resources are not the INF's to give";
                    self.find(Rule::IgnoredDirective, Some(line.number), text);
                }
                if line.is("Needs") {
                    self.needs(name, line);
                }
                for (directive, section) in references(line) {
                    self.reference(line, section);
                    let first = *named.entry(section.to_uppercase()).or_insert(directive);
                    if first != directive {
                        let text = format!("[{section}] is named by {first} and by {directive}");
                        self.find(Rule::SharedSection, Some(line.number), text);
                    }
                }
            }
        }
        self.unused();
    }

    /// A section that is needed is this INF's, or that of an INF that the same section includes.
    fn needs(&mut self, section: &str, line: &Line) {
        let inf = self.inf;
        for needed in &line.fields {
            if inf.section(&needed.text).is_none() && inf.entry(section, "Include").is_none() {
                let text = format!(
                    "[{}] is another INF's, and no Include names that",
                    needed.text
                );
                self.find(Rule::NeedsWithoutInclude, Some(line.number), text);
            }
        }
    }

    /// Sections that nothing names.
    fn unused(&mut self) {
        let inf = self.inf;
        let named: BTreeSet<String> = inf
            .section_names()
            .filter(|name| !is_known(name, "strings"))
            .flat_map(|name| inf.section(name).unwrap_or_default())
            .flat_map(|line| &line.fields)
            .map(|field| field.text.to_uppercase())
            .collect();
        for name in inf.section_names() {
            let upper = name.to_uppercase();
            // A section belongs to the one whose name it begins with: `Install.NT.HW` to `Install`.
            let mut bases = upper
                .match_indices('.')
                .filter_map(|(at, _)| upper.get(..at));
            let is_named = named.contains(&upper) || bases.any(|base| named.contains(base));
            let is_source = ["sourcedisksnames", "sourcedisksfiles"]
                .into_iter()
                .any(|known| is_known(name, known));
            if !is_named && !is_source && !KNOWN.into_iter().any(|known| is_known(name, known)) {
                let text = format!("[{name}] is named by nothing; Windows does not read it");
                self.find(Rule::UnusedSection, inf.line_of(name), text);
            }
        }
    }
}

/// Whether a section is the known one, or that with a decoration.
fn is_known(name: &str, known: &str) -> bool {
    let lower = name.to_lowercase();
    lower
        .strip_prefix(known)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The sections that a line names, and the directive by which it does.
fn references(line: &Line) -> Vec<(&'static str, &str)> {
    const LISTS: [&str; 3] = ["AddReg", "CopyFiles", "AddProperty"];
    const INSTALLS: [(&str, usize); 4] = [
        ("AddService", 2),
        ("AddInterface", 2),
        ("KmdfService", 1),
        ("UmdfService", 1),
    ];
    let listed = LISTS
        .into_iter()
        .filter(|directive| line.is(directive))
        .flat_map(|directive| {
            let fields = line.fields.iter();
            fields.map(move |field| (directive, field.text.as_str()))
        });
    let installed = INSTALLS
        .into_iter()
        .filter(|(directive, _)| line.is(directive))
        .map(|(directive, field)| (directive, line.text(field)));
    listed
        .chain(installed)
        .filter(|(_, section)| !section.is_empty() && !section.starts_with('@'))
        .collect()
}
