//! The rules of a Windows Driver, as InfVerif checks them: what an INF may say if its driver is to
//! be isolated from the rest of the system and signed by Microsoft.

use std::{collections::BTreeSet, fmt};

use super::{
    inf::{Field, Inf, Line},
    plan::DRIVER_STORE,
    platform::Target,
};

/// The build from which a device's driver may run from the driver store.
const DRIVER_STORE_BUILD: u32 = 16299;

/// A rule for the INF of a Windows Driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// `[Version]` has Signature, Class, ClassGuid, Provider and DriverVer, well-formed.
    Version,
    /// `[Version]` names the catalogue that carries the signature.
    CatalogFile,
    /// PnpLockdown = 1: nobody else changes the driver's files.
    PnpLockdown,
    /// Every registry value is relative to the device's or the service's own key.
    RelativeRegistry,
    /// Every file stays in the driver store, and the service runs from there.
    DriverStore,
    /// The models say for which architecture they are, and for builds that can run a driver from
    /// the driver store.
    Architecture,
    /// No section that runs code or depends on the system it is installed on.
    Section,
    /// No directive that runs code, deletes, or depends on the system it is installed on.
    Directive,
    /// Every section that is named exists.
    Reference,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A breach of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The line, counted from 1, where one is to blame.
    pub line: Option<u32>,
    /// The rule.
    pub rule: Rule,
    /// What is wrong and what to write instead.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}: {}", self.rule, self.text),
            None => write!(f, "{}: {}", self.rule, self.text),
        }
    }
}

/// Holds an INF against the rules of a Windows Driver; what it breaks, by line.
#[must_use]
pub fn verify(inf: &Inf) -> Vec<Finding> {
    let mut checker = Checker {
        inf,
        findings: Vec::new(),
    };
    checker.version();
    checker.manufacturers();
    checker.sections();
    checker.directories();
    checker.findings.sort();
    checker.findings.dedup();
    checker.findings
}

struct Checker<'a> {
    inf: &'a Inf,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn find(&mut self, rule: Rule, line: Option<u32>, text: impl Into<String>) {
        self.findings.push(Finding {
            line,
            rule,
            text: text.into(),
        });
    }

    fn version(&mut self) {
        let inf = self.inf;
        let section = inf.line_of("Version");
        let signature = |text: &str| text.eq_ignore_ascii_case("$WINDOWS NT$");
        self.entry(Rule::Version, "Signature", signature, "\"$WINDOWS NT$\"");
        let text = |text: &str| !text.is_empty();
        self.entry(Rule::Version, "Class", text, "a device setup class");
        self.entry(
            Rule::Version,
            "ClassGuid",
            is_guid,
            "the class's GUID, in braces",
        );
        self.entry(Rule::Version, "Provider", text, "who makes the package");
        let catalog = |text: &str| text.to_lowercase().ends_with(".cat");
        self.entry(
            Rule::CatalogFile,
            "CatalogFile",
            catalog,
            "the package's .cat file",
        );
        self.entry(Rule::PnpLockdown, "PnpLockdown", |text| text == "1", "1");
        match inf.entry("Version", "DriverVer") {
            Some(line) if is_date(line.text(0)) && is_version(line.text(1)) => {}
            line => self.find(
                Rule::Version,
                line.map(|line| line.number).or(section),
                "DriverVer has to be mm/dd/yyyy,w.x.y.z with numbers up to 65535",
            ),
        }
    }

    /// Checks one entry of `[Version]`.
    fn entry(&mut self, rule: Rule, key: &str, is_right: impl Fn(&str) -> bool, wanted: &str) {
        let entry = self.inf.entry("Version", key);
        if entry.is_some_and(|line| is_right(line.text(0))) {
            return;
        }
        let line = entry.map(|line| line.number);
        let line = line.or_else(|| self.inf.line_of("Version"));
        self.find(rule, line, format!("{key} in [Version] has to be {wanted}"));
    }

    fn manufacturers(&mut self) {
        let inf = self.inf;
        for line in inf.section("Manufacturer").unwrap_or_default() {
            let targets = line.fields.get(1..).unwrap_or_default();
            if line.key.is_none() || targets.is_empty() {
                let text = "the models have no architecture; add NTamd64.10.0...16299";
                self.find(Rule::Architecture, Some(line.number), text);
            }
            for target in targets {
                self.target(line, &target.text);
            }
        }
    }

    fn target(&mut self, line: &Line, text: &str) {
        let number = Some(line.number);
        let Some(target) = Target::parse(text) else {
            let text = format!("{text:?} is no TargetOSVersion, as NTamd64.10.0...16299 is");
            self.find(Rule::Architecture, number, text);
            return;
        };
        if target.architecture.is_empty() {
            self.find(
                Rule::Architecture,
                number,
                format!("{text} has no architecture"),
            );
        }
        if target.product.is_some() || target.suite.is_some() {
            let text = format!("{text} depends on a product type or suite");
            self.find(Rule::Architecture, number, text);
        }
        let version = (target.major.unwrap_or(0), target.minor.unwrap_or(0));
        let build = target.build.unwrap_or(0);
        if version < (10, 0) || (version == (10, 0) && build < DRIVER_STORE_BUILD) {
            let text = format!(
                "{text} covers Windows before build {DRIVER_STORE_BUILD}, which does not run a \
                 driver from the driver store; write 10.0...{DRIVER_STORE_BUILD}"
            );
            self.find(Rule::Architecture, number, text);
        }
        let models = format!("{}.{text}", line.text(0));
        self.reference(line, &models);
    }

    fn reference(&mut self, line: &Line, section: &str) {
        if self.inf.section(section).is_none() {
            let text = format!("section [{section}] is named here and does not exist");
            self.find(Rule::Reference, Some(line.number), text);
        }
    }

    fn sections(&mut self) {
        /// Sections by how their names end.
        const FORBIDDEN_SECTIONS: [&str; 4] = [
            ".coinstallers",
            ".factdef",
            ".logconfigoverride",
            "classinstall32.services",
        ];
        const FORBIDDEN_DIRECTIVES: [&str; 13] = [
            "BitReg",
            "DelFiles",
            "DelProperty",
            "DelReg",
            "DelService",
            "Ini2Reg",
            "LogConfig",
            "ProfileItems",
            "RegisterDlls",
            "RenFiles",
            "UnregisterDlls",
            "UpdateIniFields",
            "UpdateInis",
        ];
        let inf = self.inf;
        let mut registry = BTreeSet::new();
        for name in inf.section_names() {
            let line = inf.line_of(name);
            let lower = name.to_lowercase();
            if FORBIDDEN_SECTIONS.iter().any(|end| lower.ends_with(end)) {
                let text = format!("[{name}] is not for a Windows Driver: no co-installers");
                self.find(Rule::Section, line, text);
            }
            if lower == "defaultinstall" {
                let text = "[DefaultInstall] has no architecture";
                self.find(Rule::Section, line, text);
            }
            for line in inf.section(name).unwrap_or_default() {
                if let Some(directive) = FORBIDDEN_DIRECTIVES.iter().find(|d| line.is(d)) {
                    let text = format!("{directive} is not for a Windows Driver");
                    self.find(Rule::Directive, Some(line.number), text);
                }
                if line.is("AddReg") {
                    for field in &line.fields {
                        self.reference(line, &field.text);
                        registry.insert(field.text.to_uppercase());
                    }
                }
                if line.is("AddService") && !line.text(2).is_empty() {
                    self.reference(line, line.text(2));
                }
            }
        }
        for section in registry {
            for line in inf.section(&section).unwrap_or_default() {
                if !line.text(0).eq_ignore_ascii_case("HKR") {
                    let text = format!("{} is not the driver's own; write HKR", line.text(0));
                    self.find(Rule::RelativeRegistry, Some(line.number), text);
                }
            }
        }
    }

    fn directories(&mut self) {
        let inf = self.inf;
        for line in inf.section("DestinationDirs").unwrap_or_default() {
            let directory = line.fields.first().and_then(Field::number);
            if directory != Some(DRIVER_STORE) || !line.text(1).is_empty() {
                let text = format!(
                    "{} is not the driver store; write 13",
                    line.fields
                        .iter()
                        .map(|field| field.text.as_str())
                        .collect::<Vec<_>>()
                        .join(",")
                );
                self.find(Rule::DriverStore, Some(line.number), text);
            }
        }
        for name in inf.section_names() {
            for line in inf.entries(name, "ServiceBinary") {
                let directory = line.fields.first().and_then(|field| field.directory);
                if directory != Some(DRIVER_STORE) {
                    let text = "ServiceBinary does not run from the driver store; write %13%\\name";
                    self.find(Rule::DriverStore, Some(line.number), text);
                }
            }
        }
    }
}

fn is_guid(text: &str) -> bool {
    let inner = text
        .strip_prefix('{')
        .and_then(|text| text.strip_suffix('}'));
    inner.is_some_and(|inner| {
        let groups: Vec<&str> = inner.split('-').collect();
        let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
        lengths == [8, 4, 4, 4, 12]
            && groups
                .iter()
                .all(|group| group.chars().all(|digit| digit.is_ascii_hexdigit()))
    })
}

fn is_date(text: &str) -> bool {
    let parts: Vec<Option<u32>> = text
        .split(['/', '-'])
        .map(|part| part.parse().ok())
        .collect();
    matches!(
        parts.as_slice(),
        [Some(1..=12), Some(1..=31), Some(1980..=9999)]
    )
}

fn is_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| part.parse::<u16>().is_ok())
}
