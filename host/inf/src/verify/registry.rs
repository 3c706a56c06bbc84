//! Registry values.

use std::collections::BTreeSet;

use super::{Checker, Rule};
use crate::{Field, Line};

/// Flag: the strings are appended to those that are there.
const APPEND: u32 = 8;

impl Checker<'_> {
    pub(super) fn registry(&mut self) {
        let inf = self.inf;
        let services: BTreeSet<String> = inf
            .section_names()
            .flat_map(|name| inf.entries(name, "AddService"))
            .map(|line| line.text(2).to_uppercase())
            .collect();
        let mut sections = BTreeSet::new();
        for name in inf.section_names() {
            let is_service = services.contains(&name.to_uppercase());
            for line in inf.entries(name, "AddReg") {
                for field in &line.fields {
                    sections.insert((field.text.to_uppercase(), is_service));
                }
            }
        }
        for (section, is_service) in sections {
            for line in inf.section(&section).unwrap_or_default() {
                self.value(line, is_service);
            }
        }
    }

    fn value(&mut self, line: &Line, is_service: bool) {
        let number = Some(line.number);
        let (root, key, name) = (line.text(0), line.text(1), line.text(2));
        if root.eq_ignore_ascii_case("HKLM")
            && key
                .to_lowercase()
                .starts_with("system\\currentcontrolset\\services")
        {
            let text = format!("{key} is changed by its path; write HKR");
            self.find(Rule::ServicesKey, number, text);
        }
        if !root.eq_ignore_ascii_case("HKR") {
            let rule = if name.is_empty() {
                Rule::RegistryKey
            } else {
                Rule::RegistryValue
            };
            self.find(
                rule,
                number,
                format!("{root} is not the driver's own; write HKR"),
            );
        } else if is_service && !is_below_parameters(key) {
            let text = format!("{name} is a value of the service's key; write HKR,Parameters");
            self.find(Rule::ServiceParameters, number, text);
        }
        if name.eq_ignore_ascii_case("CoInstallers32") {
            self.find(
                Rule::CoInstaller,
                number,
                "a co-installer runs code at installation",
            );
        }
        let flags = line.fields.get(3).and_then(Field::number).unwrap_or(0);
        if flags & APPEND != 0 {
            let text = format!("{name} is appended to; what it was is not the driver's");
            self.find(Rule::AppendedStrings, number, text);
        }
    }
}

fn is_below_parameters(key: &str) -> bool {
    let first = key.split('\\').next().unwrap_or_default();
    first.eq_ignore_ascii_case("Parameters")
}
