//! What `edu_spec::ioctl` promises about wrong codes, lengths, values and access rights.

use edu_spec::{
    ioctl,
    registers::Causes,
    wire::{Event, EventCursor, Information, Statistics, Word},
};
use edu_tests::{Bench, bench::Kind, program::Run};
use kmdf_host::ntstatus::{
    NtStatus, STATUS_ACCESS_DENIED, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_BUFFER_SIZE,
    STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_SUCCESS,
};

/// Each code with the lengths of its input and output.
const CODES: [(u32, usize, usize); 6] = [
    (ioctl::INFORMATION, 0, size_of::<Information>()),
    (ioctl::LIVENESS, size_of::<Word>(), size_of::<Word>()),
    (ioctl::FACTORIAL, size_of::<Word>(), size_of::<Word>()),
    (ioctl::RAISE, size_of::<Word>(), 0),
    (ioctl::STATISTICS, 0, size_of::<Statistics>()),
    (
        ioctl::WAIT_EVENT,
        size_of::<EventCursor>(),
        size_of::<Event>(),
    ),
];

/// What a request with the right lengths, of bytes 2 all of them, ends with.
fn well_formed(code: u32) -> NtStatus {
    match code {
        // No event has such a number yet.
        ioctl::WAIT_EVENT => STATUS_INVALID_PARAMETER,
        _ => STATUS_SUCCESS,
    }
}

/// What a request with these lengths ends with.
fn expected(code: u32, (input, output): (usize, usize), wanted: (usize, usize)) -> NtStatus {
    if input < wanted.0 || output < wanted.1 {
        STATUS_BUFFER_TOO_SMALL
    } else if input > wanted.0 || output > wanted.1 {
        STATUS_INVALID_BUFFER_SIZE
    } else {
        well_formed(code)
    }
}

#[test]
fn a_buffer_of_any_other_length_is_too_small_or_of_invalid_size() {
    let lab = Bench::of(Kind::Model).boot();
    let file = lab.open();
    let mut tried = 0;
    for (code, input, output) in CODES {
        let around = |wanted: usize| -> Vec<usize> {
            let mut lengths = vec![0, 1, 3, 4, 5, 8, 4096, wanted, wanted + 1, 2 * wanted];
            lengths.extend(wanted.checked_sub(1));
            lengths
        };
        for input_length in around(input) {
            for output_length in around(output) {
                let lengths = (input_length, output_length);
                // A raise of cause 0x01010101 would be an engine's; 0x02020202 is none of theirs.
                let outcome = lab.control(&file, code, &vec![2; input_length], output_length);
                let wanted = expected(code, lengths, (input, output));
                assert_eq!(outcome.status, wanted, "{code:#x} with {lengths:?}");
                let bytes = if wanted.is_success() { output } else { 0 };
                assert_eq!(
                    outcome.information, bytes as u64,
                    "{code:#x} with {lengths:?}"
                );
                assert_eq!(outcome.output.len(), bytes, "{code:#x} with {lengths:?}");
                tried += 1;
            }
        }
    }
    assert_eq!(lab.shut_down().summary.counts.completions, tried);
}

#[test]
fn an_unknown_code_is_an_invalid_device_request_whatever_its_buffers() {
    let lab = Bench::of(Kind::Model).boot();
    let file = lab.open();
    // Neighbours of the codes, other methods, other device types, other access bits.
    let mut codes = vec![0, 1, u32::MAX, 0x0022_0000, 0x0022_E004, 0x0022_2000];
    for (code, ..) in CODES {
        codes.extend([code ^ 1, code ^ 2, code ^ 3, code ^ 0x40, code ^ 0x1_0000]);
        codes.extend([code ^ 0x4000, code ^ 0x8000]);
    }
    codes.retain(|code| CODES.iter().all(|(known, ..)| known != code));
    for code in codes {
        for (input, output) in [(0, 0), (4, 4), (64, 64)] {
            // METHOD_NEITHER (3) gives the driver the app's own pointers, METHOD_IN_DIRECT (1) and
            // METHOD_OUT_DIRECT (2) a list of pages: the code is refused before either is used.
            let outcome = lab.control(&file, code, &vec![0; input], output);
            assert_eq!(
                outcome.status, STATUS_INVALID_DEVICE_REQUEST,
                "{code:#x} with ({input}, {output})"
            );
        }
    }
    assert_eq!(lab.factorial(&file, 5), Ok(120), "it works on");
    lab.shut_down();
}

#[test]
fn causes_that_software_must_not_raise_are_an_invalid_parameter() {
    let lab = Bench::of(Kind::Model).boot();
    let file = lab.open();
    for causes in [
        0,
        Causes::FACTORIAL.bits(),
        Causes::DMA.bits(),
        0x8000_0000,
        u32::MAX,
        0x0000_0003,
        0x0000_0102,
        0x8000_0002,
    ] {
        assert_eq!(
            lab.raise(&file, causes),
            Err(STATUS_INVALID_PARAMETER),
            "{causes:#x}"
        );
    }
    assert_eq!(lab.statistics(&file).isr_calls, 0, "nothing was raised");
    for (raised, causes) in [0x2, 0x7FFF_FEFE, 0x4000_0000].into_iter().zip(1..) {
        assert_eq!(lab.raise(&file, raised), Ok(()), "{raised:#x}");
        lab.run_until(|| true);
        let statistics = lab.statistics(&file);
        assert_eq!(statistics.software_causes, causes, "{raised:#x}");
    }
    lab.shut_down();
}

#[test]
fn a_handle_without_the_access_that_a_code_asks_for_is_denied() {
    const READ: u32 = 1;
    const WRITE: u32 = 2;
    let needed = [
        (ioctl::INFORMATION, READ),
        (ioctl::LIVENESS, READ | WRITE),
        (ioctl::FACTORIAL, READ | WRITE),
        (ioctl::RAISE, WRITE),
        (ioctl::STATISTICS, READ),
        (ioctl::WAIT_EVENT, READ),
    ];
    let lab = Bench::of(Kind::Model).boot();
    for access in [0, READ, WRITE, READ | WRITE] {
        let file = lab.open_as(0, access).expect("it can be opened");
        for ((code, needed), (_, input, output)) in needed.into_iter().zip(CODES) {
            let outcome = lab.control(&file, code, &vec![2; input], output);
            let wanted = if access & needed == needed {
                well_formed(code)
            } else {
                STATUS_ACCESS_DENIED
            };
            assert_eq!(outcome.status, wanted, "{code:#x} with access {access}");
        }
    }
    lab.shut_down();
}

#[test]
fn eductl_shows_the_status_of_a_request_it_was_told_to_send() {
    let code = |code: u32| format!("{code:#x}");
    let cases = [
        (code(0x22_2000), "", "0", "STATUS_INVALID_DEVICE_REQUEST"),
        (
            code(ioctl::FACTORIAL),
            "0c0000",
            "4",
            "STATUS_BUFFER_TOO_SMALL",
        ),
        (
            code(ioctl::FACTORIAL),
            "0c000000",
            "3",
            "STATUS_BUFFER_TOO_SMALL",
        ),
        (
            code(ioctl::FACTORIAL),
            "0c00000000",
            "4",
            "STATUS_INVALID_BUFFER_SIZE",
        ),
        (
            code(ioctl::INFORMATION),
            "",
            "4096",
            "STATUS_INVALID_BUFFER_SIZE",
        ),
        (
            code(ioctl::RAISE),
            "01000000",
            "0",
            "STATUS_INVALID_PARAMETER",
        ),
    ];
    for (code, input, output, status) in cases {
        Run::on("model")
            .eductl(["control", &code, "--input", input, "--output", output])
            .end()
            .exits(1)
            .complains("the request failed")
            .complains(status)
            .says("nothing left behind");
    }
    // eductl's own exit code says that the driver failed the request.
    let ended = Run::on("model")
        .arguments(["--json"])
        .eductl(["control", &code(0x22_2000)])
        .end()
        .exits(1);
    assert_eq!(ended.json("program")["program"], 4, "{ended}");
    Run::on("model")
        .eductl([
            "control",
            &code(ioctl::FACTORIAL),
            "--input",
            "0c000000",
            "--output",
            "4",
        ])
        .end()
        .exits(0)
        .says("00fc8c1c");
}
