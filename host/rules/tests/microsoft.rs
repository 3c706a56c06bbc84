//! docs/rules.md says of each of Microsoft's rules for KMDF drivers what became of it, and names no rule of this
//! host that there is not.
#![cfg(unix)]

use std::{collections::BTreeSet, fs, path::Path};

/// How many rules Microsoft's documentation has.
const THERE_ARE: usize = 123;
/// How many of them are checked at least.
const CHECKED: usize = 101;

fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The part of the page that begins with such a sentence, and ends where the next one begins.
fn part<'a>(page: &'a str, sentence: &str) -> &'a str {
    let (_, rest) = page
        .split_once(sentence)
        .unwrap_or_else(|| panic!("no {sentence}"));
    rest.split_once(":\n").map_or(rest, |(part, _)| part)
}

/// The cells of the rows of the table in a part, without those of its head.
fn rows(part: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = part.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').collect())
}

#[test]
fn each_of_microsofts_rules_is_classified_once() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    let page = fs::read_to_string(path).expect("the page is there");
    let (_, page) = page
        .split_once("## Microsoft's rules")
        .expect("the section");
    let page = page
        .split_once("\n## ")
        .map_or(page, |(section, _)| section);
    let known: BTreeSet<String> = kmdf_rules::rules()
        .map(|rule| rule.name.to_lowercase())
        .collect();

    let by_name = names(part(page, "by their names:\n"));
    for name in &by_name {
        assert!(
            known.contains(&name.to_lowercase()),
            "no rule is called {name}"
        );
    }
    let mut all = by_name.clone();
    for row in rows(part(page, "as part of another rule:\n")) {
        all.extend(names(row[0]));
        for name in names(row[1]) {
            assert!(
                known.contains(&name.to_lowercase()),
                "no rule is called {name}"
            );
        }
    }
    let checked = all.len();
    for sentence in [
        "about is not played:\n",
        "not checked yet:\n",
        "impossible in a run:\n",
    ] {
        for row in rows(part(page, sentence)) {
            all.extend(names(row[0]));
        }
    }
    let different: BTreeSet<_> = all.iter().collect();
    assert_eq!(different.len(), all.len(), "a rule is classified twice");
    assert_eq!(all.len(), THERE_ARE);
    assert!(checked >= CHECKED, "{checked}");
    for (count, sentence) in [
        (by_name.len(), "are checked by"),
        (checked, "of them are checked"),
    ] {
        assert!(
            page.contains(&format!("{count} {sentence}")),
            "{count} {sentence}"
        );
    }
}
