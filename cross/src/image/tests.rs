//! Each rule refuses an image doctored to break it, by its name.

use object::pe;

use super::{Expectations, Problem, Report, check, checksum, examine, fixture::Fixture};
use crate::{arch::Arch, error::Kind};

fn report(fixture: &Fixture) -> Report {
    examine(&fixture.image(), &Expectations::default()).unwrap()
}

/// The one problem of a doctored image.
fn problem(fixture: &Fixture) -> Problem {
    let mut problems = report(fixture).problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn a_right_image_breaks_no_rule_and_its_imports_are_listed() {
    let report = report(&Fixture::default());
    assert_eq!(report.problems, []);
    assert_eq!(
        report.imports[0],
        ("ntoskrnl.exe".into(), vec!["DbgPrint".into()])
    );
    assert_eq!(report.imports[1].1, ["WdfVersionBind", "WdfVersionUnbind"]);
    assert_eq!(report.oldest_windows, None);
}

#[test]
fn a_file_that_is_no_pe_image_is_refused_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edu_kmdf.sys");
    std::fs::write(&path, "#!/bin/sh\n").unwrap();
    let error = check(&path, &Expectations::default()).unwrap_err();
    assert_eq!(error.kind(), Kind::Image);
    assert!(
        error
            .to_string()
            .contains("edu_kmdf.sys is not a driver image"),
        "{error}"
    );
}

#[test]
fn an_image_cut_short_anywhere_is_refused_without_a_panic() {
    let image = Fixture {
        version: Some(0xFEEF_04BD),
        ..Fixture::default()
    }
    .image();
    for length in (0..image.len()).step_by(7) {
        if let Ok(report) = examine(&image[..length], &Expectations::default()) {
            assert!(
                !report.problems.is_empty(),
                "{length} of {} bytes passed",
                image.len()
            );
        }
    }
}

#[test]
fn an_image_with_any_byte_changed_is_refused_by_its_checksum_at_least() {
    let image = Fixture {
        version: Some(0xFEEF_04BD),
        ..Fixture::default()
    }
    .image();
    let field = checksum::field_offset(&image).unwrap();
    for at in (0..image.len())
        .step_by(5)
        .filter(|at| !(field..field + 4).contains(at))
    {
        let mut doctored = image.clone();
        doctored[at] ^= 0x5a;
        if let Ok(report) = examine(&doctored, &Expectations::default()) {
            assert!(!report.problems.is_empty(), "byte {at:#x}");
        }
    }
}

#[test]
fn an_image_for_another_processor_is_refused() {
    assert_eq!(
        problem(&Fixture {
            machine: 0x14c,
            ..Fixture::default()
        })
        .rule,
        "architecture"
    );
    let arm = Fixture {
        machine: pe::IMAGE_FILE_MACHINE_ARM64,
        ..Fixture::default()
    };
    assert_eq!(report(&arm).problems, []);
    let expectations = Expectations {
        arch: Some(Arch::X86_64),
        ..Expectations::default()
    };
    let problems = examine(&arm.image(), &expectations).unwrap().problems;
    assert!(
        problems[0].what.contains("is for aarch64, expected x86_64"),
        "{problems:?}"
    );
}

#[test]
fn a_console_program_is_refused() {
    let fixture = Fixture {
        subsystem: pe::IMAGE_SUBSYSTEM_WINDOWS_CUI,
        ..Fixture::default()
    };
    assert_eq!(problem(&fixture).rule, "native-subsystem");
}

#[test]
fn an_entry_point_outside_the_code_is_refused() {
    for entry in [0, 0x2000, 0x9000] {
        assert_eq!(
            problem(&Fixture {
                entry,
                ..Fixture::default()
            })
            .rule,
            "entry-point"
        );
    }
}

#[test]
fn missing_symbols_are_refused_when_they_are_expected() {
    let expectations = Expectations {
        symbols: Some("/nowhere/edu_kmdf.pdb".into()),
        ..Expectations::default()
    };
    let problems = examine(&Fixture::default().image(), &expectations)
        .unwrap()
        .problems;
    assert_eq!(problems[0].rule, "entry-point");
    assert!(
        problems[0].what.contains("/nowhere/edu_kmdf.pdb"),
        "{problems:?}"
    );
}

#[test]
fn a_wrong_checksum_is_refused_with_the_right_one() {
    let mut image = Fixture::default().image();
    let right = checksum::of(&image).unwrap();
    let field = checksum::field_offset(&image).unwrap();
    image[field..field + 4].fill(0);
    let problems = examine(&image, &Expectations::default()).unwrap().problems;
    assert_eq!(problems[0].rule, "checksum");
    assert!(
        problems[0].what.contains(&format!("{right:#010x}")),
        "{problems:?}"
    );
}

#[test]
fn an_undocumented_routine_is_refused_by_name() {
    let imports = vec![("ntoskrnl.exe", vec!["DbgPrint", "KiSystemStartup"])];
    let problem = problem(&Fixture {
        imports,
        ..Fixture::default()
    });
    assert_eq!(problem.rule, "documented-imports");
    assert!(
        problem
            .what
            .contains("ntoskrnl.exe has no documented export KiSystemStartup")
    );
}

#[test]
fn a_user_mode_module_is_refused_with_what_is_taken_from_it() {
    let imports = vec![
        ("WDFLDR.SYS", vec!["WdfVersionBind"]),
        ("KERNEL32.dll", vec!["Sleep"]),
    ];
    let problem = problem(&Fixture {
        imports,
        ..Fixture::default()
    });
    assert_eq!(problem.rule, "documented-imports");
    assert!(problem.what.contains("KERNEL32.dll") && problem.what.contains("Sleep"));
}

#[test]
fn an_image_that_imports_nothing_is_refused() {
    let problem = problem(&Fixture {
        imports: Vec::new(),
        ..Fixture::default()
    });
    assert_eq!(problem.rule, "documented-imports");
}

#[test]
fn the_newest_import_decides_the_oldest_windows() {
    let imports = vec![(
        "NTOSKRNL.EXE",
        vec!["ExAllocatePool2", "IoOpenDriverRegistryKey"],
    )];
    let report = report(&Fixture {
        imports,
        ..Fixture::default()
    });
    assert_eq!(report.problems, []);
    assert_eq!(report.oldest_windows, Some((2004, "ExAllocatePool2")));
}

#[test]
fn an_image_that_is_installed_where_it_does_not_load_is_refused() {
    let fixture = Fixture {
        imports: vec![("ntoskrnl.exe", vec!["DbgPrint", "ExAllocatePool2"])],
        ..Fixture::default()
    };
    let problems = |oldest_build| {
        let expectations = Expectations {
            oldest_build: Some(oldest_build),
            ..Expectations::default()
        };
        examine(&fixture.image(), &expectations).unwrap().problems
    };
    assert_eq!(problems(19041), []);
    let [problem] = &problems(18363)[..] else {
        panic!("there is one problem");
    };
    assert_eq!(problem.rule, "loads-where-it-is-installed");
    assert!(problem.what.contains("ExAllocatePool2"), "{problem}");
    assert!(problem.what.contains("10.0...19041"), "{problem}");
}

#[test]
fn a_section_both_writable_and_executable_is_refused() {
    let fixture = Fixture::default();
    let code_characteristics = fixture.code_characteristics | pe::IMAGE_SCN_MEM_WRITE;
    let problem = problem(&Fixture {
        code_characteristics,
        ..fixture
    });
    assert_eq!(problem.rule, "write-xor-execute");
    assert!(problem.what.contains(".text"));
}

#[test]
fn an_image_that_cannot_be_relocated_is_refused() {
    let without = Fixture {
        relocations: false,
        ..Fixture::default()
    };
    assert_eq!(problem(&without).rule, "relocatable");
    let fixture = Fixture::default();
    let characteristics = fixture.characteristics | pe::IMAGE_FILE_RELOCS_STRIPPED;
    assert_eq!(
        problem(&Fixture {
            characteristics,
            ..fixture
        })
        .rule,
        "relocatable"
    );
}

#[test]
fn an_image_without_a_protection_is_refused_with_the_linkers_option() {
    for (flag, option) in [
        (pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE, "/DYNAMICBASE"),
        (pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT, "/NXCOMPAT"),
        (
            pe::IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY,
            "/INTEGRITYCHECK",
        ),
    ] {
        let fixture = Fixture::default();
        let dll_characteristics = fixture.dll_characteristics & !flag;
        let problem = problem(&Fixture {
            dll_characteristics,
            ..fixture
        });
        assert_eq!(problem.rule, "hardened");
        assert!(problem.what.contains(option));
    }
}

#[test]
fn thread_local_storage_is_refused() {
    let fixture = Fixture {
        thread_local_storage: true,
        ..Fixture::default()
    };
    assert_eq!(problem(&fixture).rule, "no-thread-local-storage");
}

#[test]
fn an_image_over_the_size_budget_is_refused_with_both_sizes() {
    let fixture = Fixture {
        padding: 0x8000,
        ..Fixture::default()
    };
    let image = fixture.image();
    let expectations = Expectations {
        size_budget_bytes: Some(0x8000),
        ..Expectations::default()
    };
    let problems = examine(&image, &expectations).unwrap().problems;
    assert_eq!(problems[0].rule, "size-budget");
    assert!(
        problems[0].what.contains(&format!("{} bytes", image.len())),
        "{problems:?}"
    );
    let enough = Expectations {
        size_budget_bytes: Some(image.len()),
        ..Expectations::default()
    };
    assert_eq!(examine(&image, &enough).unwrap().problems, []);
}

#[test]
fn the_version_resource_is_read_and_one_without_fixed_information_refused() {
    let right = Fixture {
        version: Some(0xFEEF_04BD),
        ..Fixture::default()
    };
    assert_eq!(report(&right).file_version.as_deref(), Some("1.2.3.4"));
    let wrong = Fixture {
        version: Some(0xDEAD_BEEF),
        ..Fixture::default()
    };
    assert_eq!(problem(&wrong).rule, "version-resource");
}

#[test]
fn every_broken_rule_is_in_one_message() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edu_kmdf.sys");
    let fixture = Fixture {
        subsystem: 3,
        relocations: false,
        ..Fixture::default()
    };
    std::fs::write(&path, fixture.image()).unwrap();
    let error = check(&path, &Expectations::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("breaks 2 rule(s)"), "{error}");
    assert!(
        error.contains("native-subsystem") && error.contains("relocatable"),
        "{error}"
    );
}
