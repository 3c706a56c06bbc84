//! The rules for a driver in user mode, each with an image doctored to break it.

use object::pe;

use super::{Expectations, Problem, examine, fixture::Fixture};
use crate::model::Model;

/// A DLL that breaks no rule.
fn dll() -> Fixture {
    Fixture {
        subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_GUI,
        imports: vec![("ntdll.dll", vec!["memcpy"])],
        exports: Some("FxDriverEntryUm"),
        ..Fixture::default()
    }
}

fn problems(fixture: &Fixture) -> Vec<Problem> {
    let expectations = Expectations {
        model: Model::Umdf,
        ..Expectations::default()
    };
    examine(&fixture.image(), &expectations).unwrap().problems
}

fn problem(fixture: &Fixture) -> Problem {
    let mut problems = problems(fixture);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn a_right_dll_breaks_no_rule_even_if_it_imports_nothing_or_has_thread_locals() {
    assert_eq!(problems(&dll()), []);
    assert_eq!(
        problems(&Fixture {
            imports: Vec::new(),
            thread_local_storage: true,
            ..dll()
        }),
        []
    );
}

#[test]
fn a_dll_that_does_not_export_its_entry_is_refused() {
    for exports in [None, Some("DriverEntry")] {
        let problem = problem(&Fixture { exports, ..dll() });
        assert_eq!(problem.rule, "exports-its-entry");
        assert!(problem.what.contains("FxDriverEntryUm"), "{problem}");
    }
}

#[test]
fn a_dll_for_the_kernels_subsystem_is_refused() {
    let fixture = Fixture {
        subsystem: pe::IMAGE_SUBSYSTEM_NATIVE,
        ..dll()
    };
    assert_eq!(problem(&fixture).rule, "windows-subsystem");
}

#[test]
fn the_kernels_modules_and_undocumented_routines_are_refused() {
    for (module, name) in [
        ("ntoskrnl.exe", "DbgPrint"),
        ("ntdll.dll", "NtCreateThreadEx"),
        ("KERNEL32.dll", "Sleep"),
    ] {
        let imports = vec![(module, vec![name])];
        let problem = problem(&Fixture { imports, ..dll() });
        assert_eq!(problem.rule, "documented-imports");
        assert!(problem.what.contains(module), "{problem}");
    }
}

#[test]
fn the_extension_says_which_rules_an_image_is_held_against() {
    let model = |name: &str| Expectations::of(name.as_ref()).model;
    assert_eq!(model("edu_kmdf.sys"), Model::Kmdf);
    assert_eq!(model("edu_minimal_umdf.DLL"), Model::Umdf);
}
