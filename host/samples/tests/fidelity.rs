//! docs/fidelity.md: every function that the host plays is in it, and every probe it names exists.

// The same list as the probes' own test reads.
#[path = "probe/list.rs"]
mod list;

use std::collections::BTreeSet;

use kmdf_host::needs::played_functions;

const TABLE: &str = include_str!("../../../docs/fidelity.md");

/// The cells of each row: functions, what was compared, source, probes.
fn rows() -> impl Iterator<Item = [&'static str; 4]> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `Wdf"));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let count = cells.len();
        let cells = cells.try_into();
        cells.unwrap_or_else(|_| panic!("a row has {count} cells, not 4: {line}"))
    })
}

/// What a cell has in backticks.
fn code(cell: &'static str) -> impl Iterator<Item = &'static str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn every_function_that_the_host_plays_is_compared() {
    let mut compared = BTreeSet::new();
    for name in rows().flat_map(|[functions, ..]| code(functions)) {
        assert!(compared.insert(name), "{name} is in two rows");
    }
    let played: BTreeSet<_> = played_functions().collect();
    let missing: Vec<_> = played.difference(&compared).collect();
    assert!(missing.is_empty(), "in no row: {missing:#?}");
    let unknown: Vec<_> = compared.difference(&played).collect();
    assert!(unknown.is_empty(), "the host does not play: {unknown:#?}");
}

#[test]
fn every_probe_that_a_row_names_exists() {
    let probes: BTreeSet<_> = list::groups().flat_map(list::probes).collect();
    for [functions, _, _, named] in rows() {
        for name in code(named) {
            assert!(
                probes.contains(name),
                "{functions}: there is no probe {name}"
            );
        }
    }
}

#[test]
fn every_row_says_what_was_compared_and_where() {
    for [functions, compared, source, _] in rows() {
        assert!(!compared.is_empty(), "{functions}: nothing was compared");
        assert!(
            source.contains(".cpp") || source.contains(".hpp") || source.contains(".h"),
            "{functions}: no source"
        );
    }
}
