//! `[Version]`.

use super::{Checker, Rule};

impl Checker<'_> {
    pub(super) fn version(&mut self) {
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
        let other = |text: &str| !text.eq_ignore_ascii_case("Microsoft");
        self.entry(
            Rule::ProviderMicrosoft,
            "Provider",
            other,
            "who wrote the INF, not Microsoft",
        );
        let catalog = |text: &str| text.to_lowercase().ends_with(".cat");
        self.entry(
            Rule::CatalogFile,
            "CatalogFile",
            catalog,
            "the package's .cat file: without it nothing can be signed",
        );
        let one = |text: &str| text == "1";
        self.entry(Rule::PnpLockdown, "PnpLockdown", one, "1");
        match inf.entry("Version", "DriverVer") {
            Some(line) if is_date(line.text(0)) && is_version(line.text(1)) => {}
            line => self.find(
                Rule::DriverVersion,
                line.map(|line| line.number).or(section),
                "DriverVer has to be mm/dd/yyyy,w.x.y.z with numbers up to 65535",
            ),
        }
    }

    /// Checks one entry of `[Version]`.
    fn entry(&mut self, rule: Rule, key: &str, is_right: impl Fn(&str) -> bool, wanted: &str) {
        let entry = self.inf.entry("Version", key);
        if is_right(entry.map_or("", |line| line.text(0))) {
            return;
        }
        let line = entry.map(|line| line.number);
        let line = line.or_else(|| self.inf.line_of("Version"));
        self.find(rule, line, format!("{key} in [Version] has to be {wanted}"));
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
