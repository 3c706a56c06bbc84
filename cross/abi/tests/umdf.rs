//! What the tables and the headers say about UMDF 2.

use std::{collections::BTreeSet, env, fs, process::Command};

use kmdf_abi::{c, umdf};

fn header(minor: u32, name: &str) -> String {
    let headers = c::umdf_headers(minor).unwrap();
    let found = headers
        .into_iter()
        .find(|header| header.path.ends_with(name));
    found.unwrap_or_else(|| panic!("no {name}")).contents
}

#[test]
fn umdf_2_15_has_257_functions_and_2_33_has_274_each_table_a_prefix_of_the_next() {
    assert_eq!(umdf::function_count(15), Some(257));
    assert_eq!(umdf::function_count(33), Some(274));
    for (index, function) in umdf::functions().iter().enumerate() {
        assert_eq!(function.index, index, "{}", function.name);
    }
    for minor in umdf::minor_versions() {
        let (inside, later) = umdf::functions().split_at(umdf::function_count(minor).unwrap());
        assert!(inside.iter().all(|function| function.since <= minor));
        assert!(later.iter().all(|function| function.since > minor));
    }
    let names: BTreeSet<_> = umdf::functions().iter().map(|one| one.name).collect();
    assert_eq!(names.len(), umdf::functions().len());
}

#[test]
fn the_table_has_another_order_than_kmdfs_and_the_same_prototypes() {
    let create = umdf::function("WdfInterruptCreate").unwrap();
    let kmdf = kmdf_abi::function("WdfInterruptCreate").unwrap();
    assert_eq!(create.index, 72);
    assert_ne!(create.index, kmdf.index);
    assert_eq!(create.signature, kmdf.signature);
}

#[test]
fn registers_are_reached_by_functions_that_kmdf_does_not_have() {
    for (name, index) in [
        ("WdfDeviceMapIoSpace", 45),
        ("WdfDeviceUnmapIoSpace", 46),
        ("WdfDeviceGetHardwareRegisterMappedAddress", 47),
        ("WdfDeviceReadFromHardware", 48),
        ("WdfDeviceWriteToHardware", 49),
    ] {
        let function = umdf::function(name).unwrap();
        assert_eq!(function.index, index, "{name}");
        assert!(function.signature.is_some(), "{name}");
        assert!(kmdf_abi::function(name).is_none(), "{name}");
    }
}

#[test]
fn what_user_mode_does_not_have_is_absent() {
    for name in [
        "WdfDpcCreate",
        "WdfCommonBufferCreate",
        "WdfDmaEnablerCreate",
    ] {
        assert!(umdf::function(name).is_none(), "{name}");
    }
    let wdf = header(15, "wdf.h");
    let windows = header(15, "windows.h");
    for name in [
        "WDF_DPC_CONFIG",
        "WDF_DMA_ENABLER_CONFIG",
        "WDF_COMPANION_EVENT_CALLBACKS",
    ] {
        assert!(!wdf.contains(name), "{name}");
    }
    for name in [
        "KeGetCurrentIrql",
        "_DRIVER_OBJECT {",
        "_IRP",
        "DISPATCH_LEVEL",
        "_KDPC",
    ] {
        assert!(!windows.contains(name), "{name}");
    }
}

#[test]
fn the_headers_declare_what_the_stub_library_defines() {
    let old = header(15, "wdf.h");
    assert!(old.contains("#define WdfFunctions WdfFunctions_02015"));
    assert!(old.contains("WdfFunctionTableNumEntries = 257,"));
    assert!(old.contains("__declspec(dllexport) NTSTATUS FxDriverEntryUm("));
    assert!(!old.contains("WdfDriverMiniportUnloadOverride"));
    let new = header(33, "wdf.h");
    assert!(new.contains("WdfFunctionTableNumEntries = 274,"));
    assert!(new.contains("UMDF_MINIMUM_VERSION_REQUIRED"));
    assert!(header(15, "windows.h").contains("void OutputDebugStringA(LPCSTR lpOutputString);"));
}

#[test]
fn a_version_without_facts_is_refused_by_name() {
    let error = c::umdf_headers(14).unwrap_err().to_string();
    assert!(error.starts_with("UMDF 2.14 is not one of the versions whose facts are held: 2.15, "));
}

#[test]
fn a_structure_has_the_size_of_the_version_asked_for() {
    assert_eq!(umdf::structure_size("WDF_INTERRUPT_CONFIG", 15), Some(104));
    assert_eq!(umdf::structure_size("WDF_DEVICE_STATE", 15), Some(28));
    assert_eq!(umdf::structure_size("WDF_DEVICE_STATE", 31), Some(32));
    assert_eq!(umdf::structure_size("WDF_DPC_CONFIG", 15), None);
}

/// Compiles static assertions on every size, offset, enumerator and table index.
#[test]
#[ignore = "needs clang: CLANG=/path/to/clang cargo test -p kmdf-abi -- --ignored"]
fn clang_lays_out_every_structure_of_user_mode_as_the_facts_say() {
    let clang = env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    for minor in umdf::minor_versions() {
        let root = tempfile::tempdir().unwrap();
        for header in c::umdf_headers(minor).unwrap() {
            let path = root.path().join(header.path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, header.contents).unwrap();
        }
        let source = root.path().join("layout.c");
        fs::write(&source, c::umdf_layout_checks(minor).unwrap()).unwrap();
        for architecture in ["x86_64", "aarch64"] {
            let kit = root.path().join("Include").join(c::KIT_VERSION);
            let framework = root.path().join(format!("Include/wdf/umdf/2.{minor}"));
            let include = ["km/crt", "um", "shared"].map(|part| kit.join(part));
            let output = Command::new(&clang)
                .args(["-fsyntax-only", "-nostdinc", "-fno-builtin", "-Werror"])
                .args(["-fms-compatibility", "-fms-extensions"])
                .arg(format!("--target={architecture}-pc-windows-msvc"))
                .arg(format!("-DUMDF_VERSION_MINOR={minor}"))
                .args(
                    include
                        .iter()
                        .chain([&framework])
                        .map(|path| format!("-I{}", path.display())),
                )
                .arg(&source)
                .output()
                .unwrap_or_else(|error| panic!("{}: {error}; set CLANG", clang.display()));
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "2.{minor} for {architecture}:\n{said}"
            );
        }
    }
}
