//! The rules that InfVerif checks for the INF of a Windows Driver (`infverif /w`), by its own numbers
//! where Microsoft's documentation gives one; and what goes wrong with a KMDF driver's INF without
//! InfVerif's saying so.

mod classes;
mod files;
mod models;
mod references;
mod registry;
mod rule;
mod service;
#[cfg(test)]
mod tests;
mod version;

use std::fmt;

pub use self::rule::{Rule, Severity};
use super::{Inf, Line};

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
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{} {}: {}", self.rule.severity(), self.rule, self.text)
    }
}

/// Holds the INF of a KMDF or UMDF driver against the rules; what it breaks, by line.
#[must_use]
pub fn verify(inf: &Inf) -> Vec<Finding> {
    let mut checker = Checker {
        inf,
        findings: Vec::new(),
    };
    checker.version();
    checker.class();
    checker.models();
    checker.references();
    checker.registry();
    checker.files();
    checker.services();
    checker.findings.sort();
    checker.findings.dedup();
    checker.findings
}

struct Checker<'a> {
    inf: &'a Inf,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn find(&mut self, rule: Rule, line: Option<u32>, text: impl Into<String>) {
        self.findings.push(Finding {
            line,
            rule,
            text: text.into(),
        });
    }

    /// The install sections that models name, with the decoration they exist with, and the line that
    /// names each.
    fn install_sections(&self) -> Vec<(String, &'a Line)> {
        let inf = self.inf;
        let mut sections = Vec::new();
        for model in self.all_models() {
            let base = model.text(0);
            for name in inf.section_names() {
                let is_one = name
                    .get(..base.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(base))
                    && matches!(
                        name.get(base.len()..)
                            .unwrap_or_default()
                            .to_lowercase()
                            .as_str(),
                        "" | ".nt" | ".ntamd64" | ".ntarm64" | ".ntx86" | ".ntarm"
                    );
                if is_one {
                    sections.push((name.to_owned(), model));
                }
            }
        }
        sections
    }

    /// The lines of every models section that a manufacturer names.
    fn all_models(&self) -> Vec<&'a Line> {
        let inf = self.inf;
        let manufacturers = inf.section("Manufacturer").unwrap_or_default();
        let undecorated = manufacturers
            .iter()
            .flat_map(|line| inf.section(line.text(0)).unwrap_or_default());
        inf.models().chain(undecorated).collect()
    }
}
