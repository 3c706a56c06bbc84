//! A gallery as text: a table in Markdown, and what was found of each driver.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{row::Row, steps::STEPS};

/// The whole text.
pub(super) fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("| driver | KMDF | functions | INF |");
    for step in STEPS {
        let _ = write!(text, " {} |", step.title);
    }
    text.push_str(" schedules | failing calls |\n|");
    text.push_str(&" --- |".repeat(4 + STEPS.len() + 2));
    text.push('\n');
    for row in rows {
        let _ = writeln!(text, "{}", line(row));
    }
    for row in rows {
        details(&mut text, row);
    }
    text
}

/// A row.
fn line(row: &Row) -> String {
    let mut cells = vec![row.name.clone()];
    match &row.image {
        Ok((version, played, all)) => {
            cells.extend([version.clone(), format!("{played} of {all}")]);
        }
        Err(_) => cells.extend(["refused".to_owned(), "–".to_owned()]),
    }
    cells.push(match &row.installed {
        Ok(None) => "–".to_owned(),
        Ok(Some(0)) => "ok".to_owned(),
        Ok(Some(1)) => "1 note".to_owned(),
        Ok(Some(notes)) => format!("{notes} notes"),
        Err(_) => "refused".to_owned(),
    });
    for step in &row.steps {
        cells.push(step.as_deref().map_or_else(|| "–".to_owned(), found));
    }
    for runs in [&row.schedules, &row.failing] {
        cells.push(runs.as_ref().map_or_else(
            || "–".to_owned(),
            |(runs, numbers)| format!("{runs}: {}", found(numbers)),
        ));
    }
    format!("| {} |", cells.join(" | "))
}

/// The numbers of findings.
fn found(numbers: &[usize]) -> String {
    if numbers.is_empty() {
        return "ok".to_owned();
    }
    let numbers: Vec<_> = numbers.iter().map(usize::to_string).collect();
    format!("found {}", numbers.join(", "))
}

/// What the table has no room for.
fn details(text: &mut String, row: &Row) {
    let refused = row.image.as_ref().err().or(row.installed.as_ref().err());
    if refused.is_none()
        && row.notes.is_empty()
        && row.findings.is_empty()
        && row.missing.is_empty()
    {
        return;
    }
    let _ = writeln!(text, "\n### {}\n", row.name);
    if let Some(refused) = refused {
        let _ = writeln!(text, "Refused: {refused}");
    }
    if !row.missing.is_empty() {
        let _ = writeln!(text, "Not played: {}", row.missing.join(", "));
    }
    for note in &row.notes {
        let _ = writeln!(text, "- The INF is no Windows Driver's: {note}");
    }
    for (number, finding) in (1..).zip(&row.findings) {
        let _ = writeln!(text, "{number}. {}\n", heading(&finding.text));
        let _ = writeln!(text, "   ```\n   {}\n   ```", finding.replay);
    }
}

/// A report without what led to it: its first line, and where it was.
fn heading(report: &str) -> String {
    const FRAMES: usize = 3;
    let first = report.lines().next().unwrap_or_default();
    let stack = report
        .lines()
        .skip_while(|line| !line.contains("driver call stack:"))
        .skip(1)
        .take_while(|line| line.starts_with("    "))
        .take(FRAMES);
    let stack: Vec<_> = stack.map(str::trim).collect();
    if stack.is_empty() {
        return first.to_owned();
    }
    format!("{first}; in {}", stack.join(", called by "))
}

/// The same for programs.
pub(super) fn json(rows: &[Row], exit: u8) -> Value {
    let runs = |runs: &Option<(u64, Vec<usize>)>| {
        runs.as_ref()
            .map(|(runs, numbers)| json!({ "runs": runs, "findings": numbers }))
    };
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let steps: serde_json::Map<_, _> = STEPS
                .iter()
                .zip(&row.steps)
                .map(|(step, numbers)| (step.title.to_owned(), json!(numbers)))
                .collect();
            let findings: Vec<_> = row
                .findings
                .iter()
                .map(|found| {
                    json!({
                        "wrong": found.text,
                        "replay": found.replay,
                        "exit": found.exit as u8,
                    })
                })
                .collect();
            let image = row.image.as_ref().ok();
            json!({
                "driver": row.name,
                "kmdf": image.map(|(version, ..)| version),
                "played": image.map(|(_, played, _)| played),
                "needed": image.map(|(.., all)| all),
                "missing": row.missing,
                "refused": row.image.as_ref().err().or(row.installed.as_ref().err()),
                "notes": row.notes,
                "steps": steps,
                "schedules": runs(&row.schedules),
                "failing": runs(&row.failing),
                "findings": findings,
            })
        })
        .collect();
    json!({ "drivers": rows, "exit": exit })
}

#[cfg(test)]
mod tests {
    use super::heading;

    #[test]
    fn a_finding_is_what_happened_and_where() {
        let report = "Rule: text\n  rule: what must be\n  driver call stack:\n    a+1\n    b+2\n  last events:\n    c";
        assert_eq!(heading(report), "Rule: text; in a+1, called by b+2");
        assert_eq!(heading("no report"), "no report");
    }
}
