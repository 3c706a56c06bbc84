//! The C headers hold what bindgen must find, and a compiler agrees with the facts about them.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use kmdf_abi::c;

fn header(minor: u32, name: &str) -> String {
    let headers = c::headers(minor).unwrap();
    let found = headers
        .into_iter()
        .find(|header| header.path.ends_with(name));
    found.unwrap_or_else(|| panic!("no {name}")).contents
}

#[test]
fn headers_are_where_wdk_build_looks() {
    let paths: Vec<_> = c::headers(15)
        .unwrap()
        .into_iter()
        .map(|header| header.path)
        .collect();
    for path in [
        "Include/10.0.22621.0/km/crt/stddef.h",
        "Include/10.0.22621.0/km/ntifs.h",
        "Include/10.0.22621.0/km/ntddk.h",
        "Include/10.0.22621.0/km/ntstrsafe.h",
        "Include/10.0.22621.0/km/ufx/1.1/ufxbase.h",
        "Include/10.0.22621.0/shared/ntstatus.h",
        "Include/wdf/kmdf/1.15/wdf.h",
    ] {
        assert!(paths.iter().any(|one| one == path), "{path} is missing");
    }
}

#[test]
fn a_version_without_facts_is_refused_by_name() {
    let error = c::headers(14).unwrap_err();
    assert_eq!(error.minor, 14);
    assert!(error.to_string().contains("KMDF 1.14"));
    assert!(error.to_string().contains("1.15"));
}

#[test]
fn handles_are_types_of_their_own() {
    let wdf = header(15, "wdf.h");
    assert!(wdf.contains("typedef struct WDFDEVICE__ *WDFDEVICE;"));
    assert!(wdf.contains("typedef struct WDFINTERRUPT__ *WDFINTERRUPT;"));
}

#[test]
fn the_table_is_the_one_of_the_version() {
    let old = header(15, "wdf.h");
    assert!(old.contains("WdfFunctionTableNumEntries = 444,"));
    assert!(old.contains("#define WdfFunctions WdfFunctions_01015"));
    assert!(!old.contains("WdfFunctionCount"));
    let new = header(33, "wdf.h");
    assert!(new.contains("WdfFunctionTableNumEntries = 458,"));
    assert!(new.contains("#define WdfFunctions WdfFunctions_01033"));
    assert!(new.contains("extern ULONG WdfFunctionCount;"));
}

#[test]
fn what_a_later_version_added_is_absent() {
    let old = header(15, "wdf.h");
    assert!(!old.contains("AssignedToGuest"));
    assert!(!old.contains("_WDF_TASK_SEND_OPTIONS"));
    assert!(!old.contains("PFN_WDFDEVICERETRIEVECOMPANIONTARGET"));
    assert!(header(33, "wdf.h").contains("AssignedToGuest"));
}

#[test]
fn wdk_sys_finds_what_its_own_code_names() {
    let nt = header(15, "ntifs.h");
    assert!(nt.contains("KIRQL KeGetCurrentIrql(void);"));
    assert!(
        nt.contains("PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);")
    );
    assert!(nt.contains("ULONG DbgPrint(PCSTR Format, ...);"));
    assert!(nt.contains("#define APC_LEVEL 1\n"));
    assert!(nt.contains("SCATTER_GATHER_ELEMENT Elements[];"));
}

/// Compiles static assertions on every size, offset, enumerator and table index.
#[test]
#[ignore = "needs clang: CLANG=/path/to/clang cargo test -p kmdf-abi -- --ignored"]
fn clang_lays_out_every_structure_as_the_facts_say() {
    let clang = env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    for minor in kmdf_abi::minor_versions() {
        let root = tempfile::tempdir().unwrap();
        for header in c::headers(minor).unwrap() {
            let path = root.path().join(header.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, header.contents).unwrap();
        }
        let source = root.path().join("layout.c");
        fs::write(&source, c::layout_checks(minor).unwrap()).unwrap();
        for architecture in ["x86_64", "aarch64"] {
            let kit = root.path().join("Include").join(c::KIT_VERSION);
            let include = |path: &Path| format!("-I{}", path.display());
            let output = Command::new(&clang)
                .args(["-fsyntax-only", "-nostdinc", "-fno-builtin", "-Werror"])
                .args(["-fms-compatibility", "-fms-extensions"])
                .arg(format!("--target={architecture}-pc-windows-msvc"))
                .arg(format!("-DKMDF_VERSION_MINOR={minor}"))
                .args(["km/crt", "km", "shared"].map(|part| include(&kit.join(part))))
                .arg(include(
                    &root.path().join(format!("Include/wdf/kmdf/1.{minor}")),
                ))
                .arg(&source)
                .output()
                .unwrap_or_else(|error| panic!("{}: {error}; set CLANG", clang.display()));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "1.{minor} for {architecture}:\n{said}"
            );
        }
    }
}

/// Compiles every inline function and `…_INIT` helper of the headers for drivers in C.
#[test]
#[ignore = "needs clang: CLANG=/path/to/clang cargo test -p kmdf-abi -- --ignored"]
fn clang_compiles_the_headers_for_drivers_in_c() {
    let clang = env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    for minor in kmdf_abi::minor_versions() {
        let root = tempfile::tempdir().unwrap();
        let all = [
            c::headers(minor).unwrap(),
            c::driver_headers(minor).unwrap(),
        ];
        for header in all.concat() {
            let path = root.path().join(header.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, header.contents).unwrap();
        }
        let source = root.path().join("driver.c");
        fs::write(&source, "#include <ntddk.h>\n#include <wdf.h>\n").unwrap();
        let kit = root.path().join("Include").join(c::KIT_VERSION);
        let include = |path: &Path| format!("-I{}", path.display());
        let output = Command::new(&clang)
            .args(["-fsyntax-only", "-nostdinc", "-Werror", "-Wall"])
            .args(["-fms-compatibility", "-fms-extensions"])
            .arg("--target=x86_64-pc-windows-msvc")
            .arg(format!("-DKMDF_VERSION_MINOR={minor}"))
            .arg(include(&root.path().join(c::DRIVER_INCLUDE)))
            .args(["km/crt", "shared"].map(|part| include(&kit.join(part))))
            .arg(&source)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}; set CLANG", clang.display()));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "1.{minor}:\n{said}");
    }
}
