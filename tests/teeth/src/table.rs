//! docs/teeth.md: each rule, a driver that breaks it, and how the host's report begins.

use std::fmt::Write as _;

use kmdf_host::rules;

use crate::{
    bugs::{BUGS, Bug, Hunt, Verdict, WITHOUT},
    hunt::{Catch, HuntError, Hunter, report},
};

const HEAD: &str = "\
# Teeth: broken drivers that the host catches

`KMDF_TEETH_UPDATE=1 cargo test -p kmdf-teeth` generates this page. Without the variable the test fails if the page
differs from what the host reports. `tests/teeth/driver/` is a small, correct KMDF driver in C for edu. The registry
value `Bug` turns on one defect. Without a defect the driver passes every scenario and exploration; each defect is one
small deviation in a function of its own. To try one:

```sh
sh scripts/build-teeth.sh
cargo run -p kmdf-teeth -- completes_twice
```

Numbers of more than four digits, such as handles, are written `…` here.

";

/// The whole page.
///
/// # Errors
/// A driver could not be run.
pub fn page() -> Result<String, HuntError> {
    let mut page = HEAD.to_owned();
    page.push_str(
        "## Rules\n\n\
         | rule | the broken driver | the defect | the report begins |\n\
         | --- | --- | --- | --- |\n",
    );
    let mut rules: Vec<_> = rules().collect();
    rules.sort_by_key(|rule| rule.family);
    for rule in rules {
        let breaks =
            |bug: &&Bug| bug.verdict == Verdict::Rule(rule.name) && bug.hunt == Hunt::Plain;
        for bug in BUGS.iter().filter(breaks) {
            row(&mut page, rule.name, bug)?;
        }
        if let Some((_, reason)) = WITHOUT.iter().find(|(name, _)| *name == rule.name) {
            let _ = writeln!(page, "| {} | none | {reason} | |", rule.name);
        }
    }
    page.push_str(
        "\n## Found by exploration only\n\n\
         The run in the simplest order of events does not find these. `kmdf-teeth NAME` prints the \
         command that replays a run that does.\n\n\
         | the broken driver | the defect | found by | found as |\n\
         | --- | --- | --- | --- |\n",
    );
    for bug in BUGS.iter().filter(|bug| bug.hunt != Hunt::Plain) {
        let found = match bug.verdict {
            Verdict::Rule(rule) => rule,
            Verdict::Lost => "a lost request",
            Verdict::Other => "",
        };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {found} |",
            bug.name, bug.about, bug.hunt
        );
    }
    Ok(page)
}

fn row(page: &mut String, found: &str, bug: &Bug) -> Result<(), HuntError> {
    let said = Hunter::of(bug)?
        .hunt(bug.hunt)
        .map_or_else(String::new, |catch| beginning(bug, &catch));
    let _ = writeln!(
        page,
        "| {found} | `{}` in {}.c | {} | {said} |",
        bug.name,
        bug.file(),
        bug.about
    );
    Ok(())
}

/// The first line of a report, and the source line of the defect in it.
fn beginning(bug: &Bug, catch: &Catch) -> String {
    let text = catch.wrong.to_string();
    let first = text.lines().next().unwrap_or_default().trim_end();
    let place = report(&catch.wrong)
        .and_then(|report| {
            report
                .stack
                .iter()
                .find(|frame| frame.starts_with(bug.name))
        })
        .and_then(|frame| frame.rsplit('/').next())
        .map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}{place}", without_numbers(first)).replace('|', "\\|")
}

/// The text without what differs between runs and compilers: numbers of more than four digits.
fn without_numbers(text: &str) -> String {
    let mut said = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        said.push_str(before);
        let (prefix, digits) = match number.strip_prefix("0x") {
            Some(digits) => ("0x", digits),
            None => ("", number),
        };
        let is_digit = |c: char| c.is_ascii_digit() || !prefix.is_empty() && c.is_ascii_hexdigit();
        let end = digits.find(|c| !is_digit(c)).unwrap_or(digits.len());
        said.push_str(prefix);
        said.push_str(if end > 4 { "…" } else { &digits[..end] });
        rest = &digits[end..];
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::without_numbers;

    #[test]
    fn addresses_and_large_numbers_are_left_out_and_small_ones_stay() {
        assert_eq!(
            without_numbers("0x7f00deadbeef is at bar0+0x24, 71335 of 64"),
            "0x… is at bar0+0x24, … of 64"
        );
    }
}
