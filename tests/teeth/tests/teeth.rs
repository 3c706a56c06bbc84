//! The host catches every broken driver, by name; the driver without a defect passes.
//!
//! Needs the driver: `sh scripts/build-teeth.sh`.

use std::{collections::BTreeSet, env, fs};

use kmdf_host::{
    explore::{Cause, Runs, Way},
    rules,
};
use kmdf_teeth::{
    bugs::{BUGS, Bug, Hunt, Verdict, WITHOUT, in_driver},
    found,
    hunt::{Hunter, report, verdict},
    scenarios, table,
};

#[test]
fn the_driver_without_a_defect_passes_every_scenario_and_exploration() {
    for scenario in scenarios::all() {
        let hunter = Hunter::new(0, scenario.name()).unwrap();
        let stepped = Runs {
            seeds: 0..4,
            causes: vec![Cause::Raise, Cause::Cancel, Cause::Sleep, Cause::Remove],
            races: true,
            disturb: true,
            threads: 2,
            ..Runs::default()
        };
        let runs = Runs {
            seeds: 0..20,
            causes: vec![
                Cause::Device,
                Cause::Raise,
                Cause::Cancel,
                Cause::SurpriseRemove,
            ],
            every_boundary: true,
            threads: 2,
            fail_calls: true,
            ..Runs::default()
        };
        let explored = [hunter.explore(&runs), hunter.explore(&stepped)];
        if let Some(finding) = explored.iter().find_map(|all| all.findings.first()) {
            panic!(
                "{}: {}\nreplay: {}",
                scenario.name(),
                finding.wrong,
                hunter.replay_command(finding.way)
            );
        }
        assert!(explored[0].boundary_runs > 100, "{explored:?}");
    }
}

/// What is wrong with how a defect is found, if anything is.
fn misses(bug: &Bug) -> Option<String> {
    let hunter = Hunter::of(bug).unwrap();
    if bug.hunt != Hunt::Plain
        && let Err(wrong) = hunter.run(Way::default())
    {
        return Some(format!("the plain run finds it, too: {wrong}"));
    }
    let Some(catch) = hunter.hunt(bug.hunt) else {
        return Some("it is not found".to_owned());
    };
    let replay = hunter.replay_command(catch.way);
    let found = verdict(&catch.wrong);
    if !bug.is_found_as(found) {
        return Some(format!(
            "it is found as {found:?}, not {:?}: {}\nreplay: {replay}",
            bug.verdict, catch.wrong
        ));
    }
    let again = hunter.run(catch.way).err();
    if again.as_ref().map(verdict) != Some(found) {
        return Some(format!("its replay finds {again:?}: {replay}"));
    }
    if let (Some(report), true) = (report(&catch.wrong), bug.on_stack) {
        // The text of a race has the stack of the first access.
        let mut frames = report
            .stack
            .iter()
            .map(String::as_str)
            .chain(report.text.lines());
        let frame = frames.find(|frame| frame.contains(bug.name));
        let line = format!("{}.c:", bug.file());
        if frame.is_none_or(|frame| !frame.contains(&line)) {
            return Some(format!(
                "{} of {line} is not on the stack: {report}",
                bug.name
            ));
        }
    }
    None
}

#[test]
fn every_defect_is_reported_as_what_it_is_and_where_it_is() {
    let missed: Vec<_> = BUGS
        .iter()
        .filter_map(|bug| Some(format!("{}: {}", bug.name, misses(bug)?)))
        .collect();
    assert!(
        missed.is_empty(),
        "{} of {}:\n{}",
        missed.len(),
        BUGS.len(),
        missed.join("\n")
    );
}

#[test]
fn the_list_here_is_the_one_the_driver_was_compiled_from() {
    let here: BTreeSet<_> = BUGS.iter().map(|bug| bug.name).collect();
    let there: BTreeSet<_> = in_driver().iter().map(|&(name, _)| name).collect();
    assert_eq!(here, there);
    assert_eq!(here.len(), BUGS.len());
}

#[test]
fn every_rule_of_the_host_has_a_broken_driver_or_a_reason_to_have_none() {
    let mut toothless = Vec::new();
    for rule in rules() {
        let broken = BUGS
            .iter()
            .any(|bug| bug.verdict == Verdict::Rule(rule.name));
        let excused = WITHOUT.iter().any(|(name, _)| *name == rule.name);
        if broken == excused {
            toothless.push(rule.name);
        }
    }
    assert!(
        toothless.is_empty(),
        "no defect in tests/teeth/driver and no reason in WITHOUT of tests/teeth/src/bugs.rs, or both: \
         {toothless:?}"
    );
}

#[test]
fn exploration_finds_what_the_plain_run_does_not() {
    let races = BUGS.iter().filter(|bug| bug.hunt != Hunt::Plain).count();
    assert!(races >= 5, "{races}");
}

#[test]
fn the_table_in_the_docs_is_what_the_host_says() {
    let path = found::root().join("docs/teeth.md");
    let page = table::page().unwrap();
    if env::var_os("KMDF_TEETH_UPDATE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/teeth.md is not current; KMDF_TEETH_UPDATE=1 cargo test -p kmdf-teeth writes it"
    );
}
