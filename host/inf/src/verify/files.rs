//! Files that are copied.

use super::{Checker, Rule};
use crate::{DRIVER_STORE, Field, Line};

impl Checker<'_> {
    pub(super) fn files(&mut self) {
        let inf = self.inf;
        for line in inf.section("DestinationDirs").unwrap_or_default() {
            let directory = line.fields.first().and_then(Field::number);
            if directory != Some(DRIVER_STORE) || !line.text(1).is_empty() {
                let fields: Vec<&str> = line.fields.iter().map(|f| f.text.as_str()).collect();
                let text = format!("{} is not the driver store; write 13", fields.join(","));
                self.find(Rule::DriverStore, Some(line.number), text);
            }
        }
        for (file, line) in self.copied() {
            let is_listed = inf
                .section_names()
                .filter(|name| name.to_lowercase().starts_with("sourcedisksfiles"))
                .any(|name| inf.entry(name, &file).is_some());
            if !is_listed {
                let text = format!("{file} is copied, and [SourceDisksFiles] does not list it");
                self.find(Rule::SourceFile, Some(line), text);
            }
        }
    }

    /// The files that CopyFiles copies, and the line that says so.
    pub(super) fn copied(&self) -> Vec<(String, u32)> {
        let inf = self.inf;
        let lines = inf
            .section_names()
            .flat_map(|name| inf.entries(name, "CopyFiles"));
        lines
            .flat_map(|line| {
                line.fields
                    .iter()
                    .map(move |field| (line, field.text.as_str()))
            })
            .flat_map(|(line, name)| match name.strip_prefix('@') {
                Some(file) => vec![(file.to_owned(), line.number)],
                None => listed(inf.section(name).unwrap_or_default()),
            })
            .collect()
    }
}

fn listed(lines: &[Line]) -> Vec<(String, u32)> {
    lines
        .iter()
        .map(|line| (line.text(0).to_owned(), line.number))
        .collect()
}
