//! The table of docs/driver.md names what is there: every source, every scenario, every row of the design.

use std::{collections::BTreeSet, fs};

use edu_tests::found;

const PAGE: &str = "docs/driver.md";
const HEADING: &str = "## Each behavior, its source and its scenario";
const SCENARIOS: &str = "tests/scenarios";

/// A row of the table.
struct Row {
    /// Which row of the design; empty for what is beside it.
    name: String,
    /// Paths from the root of the repository.
    sources: Vec<String>,
    /// Names of scenarios.
    scenarios: Vec<String>,
}

/// What stands between backquotes.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

fn table() -> Vec<Row> {
    let page = fs::read_to_string(found::root().join(PAGE)).expect("the page is there");
    let (_, section) = page.split_once(HEADING).expect("the page has the table");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, behavior, sources, scenarios, _] = cells[..] else {
            panic!("a row of {PAGE} has four columns: {line}");
        };
        assert!(!behavior.is_empty() && !scenarios.is_empty(), "{line}");
        Row {
            name: name.to_owned(),
            sources: quoted(sources),
            scenarios: quoted(scenarios),
        }
    })
    .collect()
}

#[test]
fn every_source_that_the_table_names_is_there() {
    for row in table() {
        assert!(!row.sources.is_empty(), "{}: no source", row.name);
        for source in row.sources {
            let path = found::root().join(&source);
            assert!(path.exists(), "{}: {source} is not there", row.name);
        }
    }
}

#[test]
fn the_table_names_every_scenario_and_no_other() {
    let named: BTreeSet<String> = table().into_iter().flat_map(|row| row.scenarios).collect();
    let files = fs::read_dir(found::root().join(SCENARIOS)).expect("there are scenarios");
    let there: BTreeSet<String> = files
        .map(|file| file.expect("the directory can be read").path())
        .map(|path| {
            path.file_stem()
                .expect("a file has a name")
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "main")
        .collect();
    let missing: Vec<_> = there.difference(&named).collect();
    assert!(missing.is_empty(), "add {missing:?} to the table of {PAGE}");
    let unknown: Vec<_> = named.difference(&there).collect();
    assert!(unknown.is_empty(), "{SCENARIOS} does not have {unknown:?}");
}

#[test]
fn no_row_of_the_design_is_missing() {
    let there: BTreeSet<String> = table().into_iter().map(|row| row.name).collect();
    let rows = (1..=11).map(|number| format!("I{number}"));
    let others = ["R1", "R2", "R3", "P1", "D1", "O1", "O2", "K1", "K2", "K3"];
    for row in rows.chain(others.map(str::to_owned)) {
        assert!(there.contains(&row), "{PAGE} has no row {row}");
    }
}
