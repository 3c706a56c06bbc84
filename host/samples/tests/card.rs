//! The card's driver on its model: configuration space, MSI-X and I/O ports.

use std::sync::Arc;

use kmdf_host::{
    Interrupts, Machine, Operation, Outcome, Session, Stop, WmiRequest,
    device::PciFunction,
    explore::{Runs, Scenario, Stage, Target, Wrong, explore},
    ntstatus::{
        STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_HANDLE,
        STATUS_SUCCESS, STATUS_WMI_GUID_NOT_FOUND, STATUS_WMI_INSTANCE_NOT_FOUND,
        STATUS_WMI_READ_ONLY,
    },
};
use kmdf_samples::{CardDevice, READ_WRITE, control_code, driver, guid};

const INTERFACE: [u8; 16] = guid(
    0x0d0c_6d2b,
    0x8f7e,
    0x4b59,
    [0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2, 0xa5],
);
/// IOCTL_CARD_CHECK, IOCTL_CARD_RING, IOCTL_CARD_PREPROCESSED, IOCTL_CARD_SIGNAL
const CHECK: u32 = control_code(0x800, 0, 0);
const RING: u32 = control_code(0x801, 0, 0);
const PREPROCESSED: u32 = control_code(0x802, 0, 0);
const SIGNAL: u32 = control_code(0x803, 0, 0);

fn session(interrupts: Interrupts) -> Session {
    let machine = Machine {
        functions: vec![Box::new(CardDevice::default())],
        ..Machine::default()
    };
    Session::boot(&driver("card"), machine, interrupts).unwrap_or_else(|error| panic!("{error}"))
}

fn request(session: &Session, code: u32, input: &[u8]) -> Result<Outcome, Stop> {
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    let operation = Operation::Control {
        code,
        input: input.to_vec(),
        output_length: 4,
    };
    let outcome = session.request(&file, operation);
    session.host().close(&file);
    outcome
}

fn number(outcome: Outcome) -> u32 {
    assert_eq!(outcome.status, STATUS_SUCCESS);
    u32::from_le_bytes(outcome.output.try_into().expect("an ULONG"))
}

/// Makes checks of the driver's, each on a card of its own, and lists those that do not hold.
fn hold(names: &[&str]) {
    let wrong: Vec<_> = names
        .iter()
        .filter_map(|name| {
            let session = session(Interrupts::default());
            let line = match request(&session, CHECK, name.as_bytes()) {
                Ok(outcome) => number(outcome),
                Err(stop) => return Some(format!("{name}: {stop}")),
            };
            let end = session.shut_down();
            if line != 0 {
                return Some(format!("{name}: line {line}"));
            }
            end.err().map(|stop| format!("{name}: {stop}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn configuration_space_is_reached_by_the_interfaces_of_the_bus_driver() {
    hold(&[
        "configuration_space_is_read",
        "capabilities_are_found",
        "configuration_space_is_written",
        "the_io_target_leads_to_the_same_bus",
        "an_interface_that_nobody_has_is_not_supported",
        "an_interface_of_the_drivers_own_is_found",
        "an_interface_that_cannot_be_offered_is_refused",
    ]);
}

#[test]
fn irps_are_made_sent_and_read() {
    hold(&[
        "configuration_space_is_read_by_an_irp",
        "configuration_space_is_written_by_an_irp",
        "an_irp_of_the_io_managers_is_waited_for",
        "what_the_bus_does_not_know_comes_back_as_it_was",
        "a_request_has_an_irp",
        "a_request_is_made_of_an_irp",
    ]);
}

#[test]
fn irps_are_seen_before_the_framework_sees_them() {
    let session = session(Interrupts::default());
    for before in [0, 1] {
        let seen = request(&session, PREPROCESSED, &[]).unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(number(seen), before);
        let passed = request(&session, RING, &[]).unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(number(passed), 5);
    }
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
}

#[test]
fn the_kernel_has_bitmaps_routines_by_name_and_callbacks_for_bug_checks() {
    hold(&[
        "a_bitmap_has_its_bits",
        "a_routine_that_is_not_imported_is_found",
        "a_text_of_bytes_is_made_wide",
        "texts_are_compared",
        "a_look_aside_list_has_entries",
        "entries_of_an_interlocked_list_come_last_in_first_out",
        "a_callback_for_bug_checks_comes_and_goes",
    ]);
}

#[test]
fn what_headers_define_inline_is_as_documented() {
    hold(&[
        "strings_are_cut_where_their_room_ends",
        "sums_that_do_not_fit_fail",
    ]);
}

#[test]
fn threads_wait_for_events_semaphores_mutexes_and_each_other() {
    hold(&[
        "a_thread_runs_and_is_waited_for",
        "a_thread_ends_where_it_says",
        "several_objects_are_waited_for",
        "a_semaphore_counts",
        "a_mutex_has_one_owner",
        "an_event_has_a_handle",
    ]);
}

#[test]
fn an_event_of_an_app_is_signaled_by_its_handle() {
    let session = session(Interrupts::default());
    let host = session.host();
    let signal = |handle: u64| {
        let outcome = request(&session, SIGNAL, &handle.to_le_bytes());
        outcome.unwrap_or_else(|stop| panic!("{stop}")).status
    };
    let [once, stays] = [false, true].map(|manual_reset| host.create_app_event(manual_reset));
    assert!(!host.take_app_event(once));
    for event in [once, stays] {
        assert_eq!(signal(event), STATUS_SUCCESS);
        assert!(host.take_app_event(event));
    }
    assert!(!host.take_app_event(once));
    assert!(host.take_app_event(stays));
    host.close_app_handle(once);
    assert_eq!(signal(once), STATUS_INVALID_HANDLE);
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
}

#[test]
fn an_mdl_describes_pages_or_device_memory() {
    hold(&[
        "pages_are_described_mapped_and_given_back",
        "device_memory_is_described_and_mapped",
    ]);
}

/// The GUID of one of the card's WMI providers.
fn wmi_guid(number: u8) -> [u8; 16] {
    let tail = [0x8d, 0x52, 0x0f, 0x3c, 0x6f, 0x4b, 0x6e, number];
    guid(0xc5ba_0d2e, 0x6f0c, 0x4a9b, tail)
}

#[test]
fn wmi_reads_and_writes_blocks_and_executes_methods() {
    let session = session(Interrupts::default());
    let host = session.host();
    let check = |name: &str| {
        let outcome = request(&session, CHECK, name.as_bytes());
        number(outcome.unwrap_or_else(|stop| panic!("{stop}")))
    };
    let ask = |provider: u8, index: usize, request: WmiRequest| {
        host.ask_wmi(0, wmi_guid(provider), index, request)
            .unwrap_or_else(|stop| panic!("{stop}"))
    };
    let query = |bytes| WmiRequest::Query { bytes };
    assert_eq!(check("wmi_is_offered_blocks_methods_and_events"), 0);
    let (status, block) = ask(1, 0, query(8));
    assert_eq!(status, STATUS_SUCCESS);
    assert_eq!(block, [7, 0, 0, 0, 49, 0, 0, 0]);
    assert_eq!(ask(1, 0, query(7)).0, STATUS_BUFFER_TOO_SMALL);
    assert_eq!(ask(1, 1, query(8)).0, STATUS_WMI_INSTANCE_NOT_FOUND);
    assert_eq!(ask(4, 0, query(8)).0, STATUS_WMI_GUID_NOT_FOUND);
    let set = |data: &[u8]| WmiRequest::Set {
        data: data.to_vec(),
    };
    assert_eq!(ask(1, 0, set(&[1; 8])).0, STATUS_WMI_READ_ONLY);
    assert_eq!(ask(2, 0, set(&[5, 0, 0, 0])).0, STATUS_SUCCESS);
    assert_eq!(ask(2, 0, query(4)), (STATUS_SUCCESS, vec![5, 0, 0, 0]));
    assert_eq!(ask(2, 0, query(0)).0, STATUS_BUFFER_TOO_SMALL);
    let execute = WmiRequest::Execute {
        method: 1,
        input: vec![21, 0, 0, 0],
        bytes: 4,
    };
    assert_eq!(ask(2, 0, execute), (STATUS_SUCCESS, vec![42, 0, 0, 0]));
    assert_eq!(ask(3, 0, query(4)).0, STATUS_INVALID_DEVICE_REQUEST);
    let enabled = host.enable_wmi(0, wmi_guid(2), false, true);
    assert_eq!(
        enabled.unwrap_or_else(|stop| panic!("{stop}")),
        STATUS_SUCCESS
    );
    assert_eq!(check("somebody_wants_the_block"), 0);
    session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
}

#[test]
fn a_wmi_block_that_is_longer_than_its_buffer_is_reported() {
    let session = session(Interrupts::default());
    let outcome = request(&session, CHECK, b"a_block_is_longer_than_its_buffer");
    assert_eq!(number(outcome.unwrap_or_else(|stop| panic!("{stop}"))), 0);
    let asked = session
        .host()
        .ask_wmi(0, wmi_guid(2), 0, WmiRequest::Query { bytes: 4 });
    let report = asked.expect_err("reported").to_string();
    assert!(report.starts_with("WmiResult"), "{report}");
}

#[test]
fn a_driver_in_cpp_brings_its_own_memory() {
    hold(&["objects_are_made_and_deleted"]);
}

#[test]
fn exceptions_are_handled_as_the_compiler_says() {
    hold(&[
        "an_exception_is_caught",
        "a_filter_is_asked_before_a_frame_is_left",
        "registers_are_as_they_were",
        "an_access_to_what_an_app_does_not_have_is_caught",
        "a_filter_puts_an_access_right",
        "what_an_app_names_is_probed",
        "pages_are_probed_and_locked",
    ]);
}

/// Exceptions that are handled, in schedules that decide at every instruction.
struct Handled;

impl Scenario for Handled {
    fn name(&self) -> &'static str {
        "handled"
    }

    fn about(&self) -> &'static str {
        "exceptions, their filters and their termination handlers"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        vec![Box::new(CardDevice::default())]
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let file = stage.open(INTERFACE, 0, READ_WRITE)?;
        let check = Operation::Control {
            code: CHECK,
            input: b"a_filter_is_asked_before_a_frame_is_left".to_vec(),
            output_length: 4,
        };
        let outcome = stage.wait(&stage.submit(&file, check))?;
        assert_eq!(number(outcome), 0);
        stage.host().close(&file);
        Ok(())
    }
}

#[test]
fn exceptions_are_handled_in_every_schedule() {
    let target = Target::read(driver("card"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        seeds: 0..20,
        instructions: true,
        twice: true,
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Handled)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
    assert!(explored.schedules >= 20);
}

#[test]
fn messages_are_those_of_the_table() {
    hold(&[
        "each_message_has_an_interrupt_of_its_own",
        "a_masked_message_is_pending_until_it_is_unmasked",
        "an_entry_can_send_another_message",
        "a_disabled_interrupt_is_masked",
    ]);
}

#[test]
fn ports_are_accessed_by_in_and_out() {
    hold(&[
        "ports_have_three_widths",
        "a_narrow_read_leaves_the_rest_of_the_register",
        "a_buffer_is_filled_from_a_port",
        "a_buffer_is_written_to_a_port",
    ]);
}

#[test]
fn all_messages_are_granted_or_one_or_none() {
    for (interrupts, granted) in [
        (Interrupts::AsInstalled, 5),
        (Interrupts::OneMessage, 1),
        (Interrupts::Line, 0),
    ] {
        let session = session(interrupts);
        let rung = request(&session, RING, &[]).unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(number(rung), granted, "{interrupts:?}");
        session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
    }
}

#[test]
fn messages_come_after_a_rebalance_and_after_sleep() {
    let session = session(Interrupts::default());
    let host = session.host();
    for _ in 0..2 {
        let rung = request(&session, RING, &[]).unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(number(rung), 5);
        host.sleep(0).unwrap_or_else(|stop| panic!("{stop}"));
        host.resume(0).unwrap_or_else(|stop| panic!("{stop}"));
        let rung = request(&session, RING, &[]).unwrap_or_else(|stop| panic!("{stop}"));
        assert_eq!(number(rung), 5);
        host.stop_device(0).unwrap_or_else(|stop| panic!("{stop}"));
        host.start_device(0, session.installed()[0].grant)
            .unwrap_or_else(|stop| panic!("{stop}"));
    }
}

/// What a check of the driver's is reported as, at its request or when the driver is unloaded.
fn report(name: &str) -> String {
    let session = session(Interrupts::default());
    let stop = match request(&session, CHECK, name.as_bytes()) {
        Err(stop) => stop,
        Ok(_) => session.shut_down().expect_err("something is wrong"),
    };
    stop.to_string()
}

#[test]
fn a_port_that_was_not_given_to_a_device_is_not_accessed() {
    let report = report("a_port_of_nobody_is_accessed");
    assert!(report.contains("PrivilegedInstruction"), "{report}");
    assert!(report.contains("port 0xd000"), "{report}");
}

#[test]
fn an_interface_of_the_bus_driver_is_given_back_once_and_not_used_afterwards() {
    for name in [
        "an_interface_is_used_after_it_was_given_back",
        "an_interface_is_kept",
    ] {
        let report = report(name);
        assert!(report.contains("BusInterface"), "{report}");
        assert!(report.contains(name), "{report}");
    }
}

#[test]
fn what_breaks_the_io_manager_or_the_kernel_is_reported() {
    for (name, rule) in [
        ("an_irp_is_sent_without_a_completion_routine", "Irp"),
        ("an_irp_is_not_freed", "PoolLeak"),
        ("a_bit_outside_of_its_bitmap_is_set", "BadArgument"),
        ("a_callback_for_bug_checks_stays", "PendingAtUnload"),
        ("more_objects_are_waited_for_than_may_be", "WaitObjects"),
        (
            "a_semaphore_is_released_beyond_its_limit",
            "UnhandledException",
        ),
        (
            "a_mutex_is_released_by_who_does_not_own_it",
            "UnhandledException",
        ),
        ("an_exception_is_raised", "UnhandledException"),
        ("an_exception_leaves_a_callback", "UnhandledException"),
        ("nobody_wants_an_exception", "UnhandledException"),
        ("memory_that_was_freed_is_guarded", "AccessViolation"),
        ("pages_stay_locked", "MdlPages"),
        ("pages_are_unlocked_twice", "MdlPages"),
        ("a_handle_is_closed_twice", "KernelHandle"),
        ("a_reference_is_given_back_twice", "ObjectReference"),
        ("a_reference_is_kept", "ObjectReference"),
        ("a_thread_stays", "PendingAtUnload"),
        ("the_thread_of_another_is_ended", "SystemThread"),
        ("pages_are_kept", "PoolLeak"),
        ("a_provider_is_deleted", "BadDelete"),
    ] {
        let report = report(name);
        assert!(report.starts_with(rule), "{name}: {report}");
    }
}

#[test]
fn a_bug_check_calls_back_and_ends_the_run() {
    let report = report("the_driver_ends_the_system");
    assert!(report.starts_with("KeBugCheckEx"), "{report}");
    assert!(report.contains("code 0xe2"), "{report}");
    assert!(
        report.contains("the last words are 42, of 4 bytes, at IRQL 15"),
        "{report}"
    );
}
