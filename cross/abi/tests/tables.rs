//! What the tables say about versions, functions, callbacks and codes.

use std::collections::BTreeSet;

use kmdf_abi::ntstatus::{self, NtStatus};
use kmdf_abi::{Irql, TypeKind, bugcheck};

#[test]
fn every_function_stands_at_its_index() {
    for (index, function) in kmdf_abi::functions().iter().enumerate() {
        assert_eq!(function.index, index, "{}", function.name);
    }
}

#[test]
fn each_function_table_is_a_prefix_of_the_next() {
    for minor in kmdf_abi::minor_versions() {
        let count = kmdf_abi::function_count(minor).unwrap();
        let (inside, later) = kmdf_abi::functions().split_at(count);
        assert!(
            inside.iter().all(|function| function.since <= minor),
            "1.{minor}"
        );
        assert!(
            later.iter().all(|function| function.since > minor),
            "1.{minor}"
        );
    }
}

#[test]
fn kmdf_1_15_has_444_functions_and_1_33_has_458() {
    assert_eq!(kmdf_abi::function_count(15), Some(444));
    assert_eq!(kmdf_abi::function_count(33), Some(458));
    assert_eq!(kmdf_abi::function_count(34), None);
}

#[test]
fn function_names_are_unique() {
    let names: BTreeSet<_> = kmdf_abi::functions().iter().map(|one| one.name).collect();
    assert_eq!(names.len(), kmdf_abi::functions().len());
}

#[test]
fn every_signature_starts_with_the_driver_globals() {
    for function in kmdf_abi::functions() {
        if let Some(signature) = function.signature {
            assert_eq!(
                signature.params[0].ty.c, "PWDF_DRIVER_GLOBALS",
                "{}",
                function.name
            );
        }
    }
}

#[test]
fn interrupt_functions_are_described_as_documented() {
    let create = kmdf_abi::function("WdfInterruptCreate").unwrap();
    let signature = create.signature.unwrap();
    assert_eq!(signature.returns.kind, TypeKind::NtStatus);
    let names: Vec<_> = signature.params.iter().map(|param| param.name).collect();
    assert_eq!(
        names,
        [
            "DriverGlobals",
            "Device",
            "Configuration",
            "Attributes",
            "Interrupt"
        ]
    );
    assert_eq!(signature.params[1].ty.kind, TypeKind::Handle);
    assert_eq!(signature.params[4].ty.kind, TypeKind::Pointer);

    let queue = kmdf_abi::function("WdfInterruptQueueDpcForIsr").unwrap();
    assert_eq!(queue.signature.unwrap().returns.kind, TypeKind::Boolean);
    assert_eq!(
        kmdf_abi::function("WdfInterruptAcquireLock")
            .unwrap()
            .irql_max,
        Some(Irql::DIRQL)
    );
    let enable = kmdf_abi::function("WdfInterruptEnable").unwrap();
    assert_eq!(enable.irql_max, Some(Irql::PASSIVE_LEVEL));
}

#[test]
fn the_isr_takes_its_interrupt_and_message_and_says_whether_it_was_its_own() {
    let isr = kmdf_abi::callbacks()
        .iter()
        .find(|callback| callback.pointer == "PFN_WDF_INTERRUPT_ISR")
        .unwrap();
    assert_eq!(isr.name, "EVT_WDF_INTERRUPT_ISR");
    assert_eq!(isr.signature.returns.kind, TypeKind::Boolean);
    let kinds: Vec<_> = isr
        .signature
        .params
        .iter()
        .map(|param| param.ty.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            TypeKind::Handle,
            TypeKind::Integer {
                size: 4,
                signed: false
            }
        ]
    );
    let dpc = kmdf_abi::callbacks()
        .iter()
        .find(|one| one.name == "EVT_WDF_INTERRUPT_DPC")
        .unwrap();
    assert_eq!(dpc.irql, Some("= DISPATCH_LEVEL"));
}

#[test]
fn structures_have_the_size_of_the_version_asked_for() {
    let size = kmdf_abi::structure_size;
    assert_eq!(size("WDF_INTERRUPT_CONFIG", 15), Some(104));
    assert_eq!(size("WDF_DEVICE_STATE", 27), Some(28));
    assert_eq!(size("WDF_DEVICE_STATE", 31), Some(32));
    assert_eq!(size("WDF_POWER_FRAMEWORK_SETTINGS", 15), Some(72));
    assert_eq!(size("WDF_POWER_FRAMEWORK_SETTINGS", 33), Some(88));
    assert_eq!(size("WDF_TASK_SEND_OPTIONS", 15), None, "it came with 1.23");
    assert_eq!(
        size("WDF_INTERRUPT_CONFIG", 16),
        None,
        "there was no KMDF 1.16"
    );
    assert_eq!(size("WDF_NO_SUCH_CONFIG", 15), None);
}

#[test]
fn the_structure_table_exists_since_1_25() {
    assert_eq!(kmdf_abi::structure_count(23), None);
    assert_eq!(kmdf_abi::structure_count(25), Some(80));
    assert_eq!(kmdf_abi::structure_count(33), Some(81));
    let interrupt = |name: &str| {
        kmdf_abi::structures()
            .iter()
            .find(|one| one.name == name)
            .and_then(|one| one.index)
    };
    assert_eq!(interrupt("WDF_INTERRUPT_CONFIG"), Some(29));
}

#[test]
fn init_helpers_carry_the_defaults_that_zeroing_would_lose() {
    let sets = |name: &str| {
        kmdf_abi::init_helpers()
            .iter()
            .find(|one| one.name == name)
            .unwrap()
            .sets
    };
    let queue = sets("WDF_IO_QUEUE_CONFIG_INIT");
    assert!(queue.contains(&"PowerManaged = WdfUseDefault"));
    assert!(queue.contains(
        &"Settings.Parallel.NumberOfPresentedRequests = (ULONG)-1 \
          if DispatchType == WdfIoQueueDispatchParallel"
    ));
    assert!(sets("WDF_INTERRUPT_CONFIG_INIT").contains(&"ShareVector = WdfUseDefault"));
    assert!(sets("WDF_TIMER_CONFIG_INIT").contains(&"AutomaticSerialization = TRUE"));
    let attributes = sets("WDF_OBJECT_ATTRIBUTES_INIT");
    assert!(attributes.contains(&"ExecutionLevel = WdfExecutionLevelInheritFromParent"));
    assert!(
        attributes.contains(&"SynchronizationScope = WdfSynchronizationScopeInheritFromParent")
    );
}

#[test]
fn the_kernels_functions_name_the_image_that_has_them() {
    let image = |name: &str| kmdf_abi::nt_function(name).map(|one| one.dll);
    assert_eq!(image("ExAllocatePool2"), Some("ntoskrnl.exe"));
    assert_eq!(image("KeStallExecutionProcessor"), Some("hal.dll"));
    assert_eq!(image("KeNoSuchFunction"), None);
    assert!(
        kmdf_abi::nt_function("DbgPrintEx")
            .unwrap()
            .signature
            .variadic
    );
    assert!(kmdf_abi::loader_exports().contains(&"WdfVersionBind"));
}

#[test]
fn a_status_is_printed_by_its_name() {
    assert_eq!(ntstatus::STATUS_SUCCESS.to_string(), "STATUS_SUCCESS");
    assert_eq!(ntstatus::STATUS_INVALID_DEVICE_STATE.bits(), 0xC000_0184);
    assert_eq!(
        NtStatus::from_bits(0xC000_0184).to_string(),
        "STATUS_INVALID_DEVICE_STATE"
    );
    assert_eq!(NtStatus::from_bits(0xC012_3456).to_string(), "0xC0123456");
    let debug = format!("{:?}", ntstatus::STATUS_CANCELLED);
    assert_eq!(debug, "STATUS_CANCELLED (0xC0000120)");
}

#[test]
fn a_status_is_found_by_its_name() {
    assert_eq!(NtStatus::from_name("STATUS_TIMEOUT"), Some(NtStatus(0x102)));
    assert_eq!(NtStatus::from_name("STATUS_NO_SUCH_NAME"), None);
    for &(name, status) in ntstatus::all() {
        assert_eq!(NtStatus::from_name(name), Some(status));
        let printed = status.name().unwrap();
        assert_eq!(NtStatus::from_name(printed), Some(status), "{name}");
    }
}

#[test]
fn success_is_what_nt_success_says() {
    assert!(ntstatus::STATUS_PENDING.is_success());
    assert!(!ntstatus::STATUS_BUFFER_OVERFLOW.is_success());
    assert!(ntstatus::STATUS_BUFFER_OVERFLOW.is_warning());
    assert!(ntstatus::STATUS_INFO_LENGTH_MISMATCH.is_error());
}

#[test]
fn a_bug_check_is_printed_as_the_blue_screen_does() {
    assert_eq!(bugcheck::WDF_VIOLATION.to_string(), "WDF_VIOLATION (0x10D)");
    assert_eq!(bugcheck::DPC_WATCHDOG_VIOLATION.0, 0x133);
    assert_eq!(bugcheck::BugCheck(0xDEAD).to_string(), "bug check 0xDEAD");
    assert!(
        bugcheck::all()
            .iter()
            .all(|&(_, code)| code.name().is_some())
    );
}
