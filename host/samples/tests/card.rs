//! The card's driver on its model: configuration space, MSI-X and I/O ports.

use kmdf_host::{Interrupts, Machine, Operation, Outcome, Session, Stop, ntstatus::STATUS_SUCCESS};
use kmdf_samples::{CardDevice, READ_WRITE, control_code, driver, guid};

const INTERFACE: [u8; 16] = guid(
    0x0d0c_6d2b,
    0x8f7e,
    0x4b59,
    [0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2, 0xa5],
);
/// IOCTL_CARD_CHECK, IOCTL_CARD_RING, IOCTL_CARD_PREPROCESSED
const CHECK: u32 = control_code(0x800, 0, 0);
const RING: u32 = control_code(0x801, 0, 0);
const PREPROCESSED: u32 = control_code(0x802, 0, 0);

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
        "texts_are_compared",
        "a_look_aside_list_has_entries",
        "entries_of_an_interlocked_list_come_last_in_first_out",
        "a_callback_for_bug_checks_comes_and_goes",
    ]);
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
