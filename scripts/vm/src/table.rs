//! The results, as a table: each check a row, each stage a column.

use std::fmt::Write as _;

use crate::progress::Finished;

/// How many checks passed, and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
}

/// Counts the checks.
#[must_use]
pub fn count(stages: &[Finished]) -> Counts {
    let checks = stages.iter().flat_map(|stage| &stage.checks);
    checks.fold(Counts::default(), |mut counts, check| {
        let counter = if check.wrong.is_some() {
            &mut counts.failed
        } else {
            &mut counts.passed
        };
        *counter += 1;
        counts
    })
}

/// The table in Markdown, and below it what failed and what else was seen.
#[must_use]
pub fn markdown(stages: &[Finished]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for check in stages.iter().flat_map(|stage| &stage.checks) {
        if !names.contains(&check.name.as_str()) {
            names.push(&check.name);
        }
    }
    let mut text = String::from("| check |");
    for stage in stages {
        let _ = write!(text, " {} |", stage.stage);
    }
    text += "\n| --- |";
    text += &" --- |".repeat(stages.len());
    for name in names {
        let _ = write!(text, "\n| {name} |");
        for stage in stages {
            let _ = write!(text, " {} |", cell(stage, name));
        }
    }
    text.push('\n');
    for (title, of) in [("Failed", true), ("Seen", false)] {
        let lines = said(stages, of);
        if !lines.is_empty() {
            let _ = write!(text, "\n{title}:\n\n{}\n", lines.join("\n"));
        }
    }
    text
}

/// The checks of this name in a stage: how many passed where there are several, how long they took.
fn cell(stage: &Finished, name: &str) -> String {
    let checks: Vec<_> = stage
        .checks
        .iter()
        .filter(|check| check.name == name)
        .collect();
    let failed = checks.iter().filter(|check| check.wrong.is_some()).count();
    let seconds: f64 = checks.iter().map(|check| check.seconds).sum();
    match (checks.len(), failed) {
        (0, _) => String::new(),
        (1, 0) => format!("ok {seconds:.1} s"),
        (1, _) => "FAILED".into(),
        (all, 0) => format!("{all} ok {seconds:.1} s"),
        (all, failed) => format!("{failed} of {all} FAILED"),
    }
}

fn said(stages: &[Finished], wrong: bool) -> Vec<String> {
    let checks = stages
        .iter()
        .flat_map(|stage| stage.checks.iter().map(move |check| (stage, check)));
    let mut told: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for (stage, check) in checks {
        let said = match (&check.wrong, wrong) {
            (Some(why), true) => why.as_str(),
            (None, false) => check.seen.as_str(),
            _ => "",
        };
        // What is seen again in a later stage is no news.
        if !said.is_empty() && (wrong || !told.contains(&said)) {
            told.push(said);
            let said = said.replace('|', "\\|");
            lines.push(format!("- {}, {}: {said}", stage.stage, check.name));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Check;

    #[test]
    fn a_table_has_each_check_once_and_says_what_failed() {
        let check = |name: &str, wrong: Option<&str>| Check {
            name: name.into(),
            wrong: wrong.map(Into::into),
            seen: String::new(),
            seconds: 0.5,
        };
        let stage = |name: &str, checks: Vec<Check>| Finished {
            stage: name.into(),
            inputs: String::new(),
            checks,
            windows: String::new(),
        };
        let stages = [
            stage("normal", vec![check("a", None), check("b", Some("x|y"))]),
            stage("passive", vec![check("a", None), check("a", None)]),
        ];
        assert_eq!(
            count(&stages),
            Counts {
                passed: 3,
                failed: 1
            }
        );
        assert_eq!(
            markdown(&stages),
            "| check | normal | passive |\n| --- | --- | --- |\n| a | ok 0.5 s | 2 ok 1.0 s |\n\
             | b | FAILED |  |\n\nFailed:\n\n- normal, b: x\\|y\n"
        );
    }
}
