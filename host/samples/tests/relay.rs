//! The relay driver: what its devices send to themselves and to each other, what they take a part in of what PnP
//! assigns, and the states that their machines pass.

use std::{cell::RefCell, pin::Pin, rc::Rc};

use kmdf_host::{
    Event, File, Grant, Host, Machine, NtStatus, Operation, Outcome, Record, Stop,
    device::PciFunction,
    image::{Image, Symbols},
    ntstatus::{
        STATUS_DEVICE_BUSY, STATUS_INVALID_DEVICE_STATE, STATUS_IO_TIMEOUT,
        STATUS_OBJECT_NAME_NOT_FOUND, STATUS_SUCCESS,
    },
};
use kmdf_samples::{CardDevice, READ_WRITE, control_code, guid, newest_driver};

const INTERFACE: [u8; 16] = guid(
    0x6a0f_3c1e,
    0x52d4,
    0x4c0b,
    [0x8f, 0x0e, 0x3d, 0x7b, 0x1c, 0x9a, 0x4e, 0x21],
);
/// The control codes of relay.h.
const REVERSE: u32 = control_code(0x800, 0, 0);
const SELF: u32 = control_code(0x801, 0, 0);
const NAME: u32 = control_code(0x802, 0, 0);
const OPEN: u32 = control_code(0x803, 0, 0);
const OPEN_TOLD: u32 = control_code(0x804, 0, 0);
const SEND: u32 = control_code(0x805, 0, 0);
const SEND_INTERNAL: u32 = control_code(0x806, 0, 0);
const SEND_OTHERS: u32 = control_code(0x807, 0, 0);
const CLOSE: u32 = control_code(0x808, 0, 0);
const STATE: u32 = control_code(0x809, 0, 0);
const ASSIGNED: u32 = control_code(0x80A, 0, 0);
const LOCATION: u32 = control_code(0x80B, 0, 0);
const SEND_WAIT: u32 = control_code(0x80D, 0, 0);
const RELATE: u32 = control_code(0x80E, 0, 0);
const BREAK: u32 = control_code(0x80F, 0, 0);
/// `WdfIoTargetStarted`, `WdfIoTargetClosedForQueryRemove`, `WdfIoTargetClosed`
const STARTED: u32 = 1;
const CLOSED_FOR_QUERY_REMOVE: u32 = 3;
const CLOSED: u32 = 4;
/// `RELAY_PRIVATE`
const PRIVATE: u32 = 0x5E1F;
/// How many messages the card can send.
const ALL: Grant = Grant::Messages(5);

fn went<R>(step: Result<R, Stop>) -> R {
    step.unwrap_or_else(|stop| panic!("the run stopped: {stop}"))
}

/// A machine with two cards, and what the driver has printed since it was looked at.
struct Bench {
    host: Pin<Box<Host>>,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Bench {
    fn new() -> Self {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let printed = Rc::clone(&lines);
        let functions: Vec<Box<dyn PciFunction>> = vec![
            Box::new(CardDevice::default()),
            Box::new(CardDevice::default()),
        ];
        let host = Host::new(Machine {
            functions,
            observer: Some(Box::new(move |record: &Record| {
                if let Event::DebugPrint { text } = &record.event {
                    printed.borrow_mut().push(text.clone());
                }
            })),
            ..Machine::default()
        });
        let host = host.expect("there is room for a machine");
        let image = Image::read(&newest_driver("relay").image).expect("the driver can be read");
        let symbols = Symbols::load(&image, None).expect("its symbols can be read");
        let loaded = host.load(image, symbols, "relay");
        let loaded = went(loaded.expect("it can be mapped"));
        assert_eq!(loaded, STATUS_SUCCESS);
        Self { host, lines }
    }

    /// One with both devices started.
    fn started() -> Self {
        let bench = Self::new();
        for slot in [0, 1] {
            assert_eq!(went(bench.host.add_device(slot)), STATUS_SUCCESS);
            assert_eq!(went(bench.host.start_device(slot, ALL)), STATUS_SUCCESS);
        }
        bench.lines.take();
        bench
    }

    /// What was printed by one machine, without its name.
    fn printed(&self, machine: &str) -> Vec<String> {
        let lines = self.lines.borrow();
        let lines = lines.iter().filter_map(|line| line.strip_prefix(machine));
        lines.map(|line| line.trim().to_owned()).collect()
    }

    /// The states that a machine has entered since this was asked for the last time.
    fn entered(&self, machine: &str) -> String {
        let states = self.printed(machine);
        let states = states
            .iter()
            .filter_map(|line| line.strip_prefix("enters "));
        states.collect::<Vec<_>>().join(" ")
    }

    fn file(&self, instance: u32) -> Rc<File> {
        let file = self.host.open(INTERFACE, instance, READ_WRITE);
        file.unwrap_or_else(|status| panic!("{status}"))
    }

    fn request(&self, file: &File, operation: Operation) -> Result<Outcome, Stop> {
        let irp = self.host.submit(file, operation);
        self.host.run_until(|_| irp.is_finished())?;
        Ok(irp.outcome().expect("it has ended"))
    }

    /// A control request: its status, and its output.
    fn control(&self, file: &File, code: u32, input: &[u8]) -> (NtStatus, Vec<u8>) {
        let operation = Operation::Control {
            code,
            input: input.to_vec(),
            output_length: 256,
        };
        let outcome = went(self.request(file, operation));
        (outcome.status, outcome.output)
    }

    fn number(&self, file: &File, code: u32) -> u32 {
        let (status, output) = self.control(file, code, &[]);
        assert_eq!(status, STATUS_SUCCESS);
        u32::from_le_bytes(output[..4].try_into().expect("an ULONG"))
    }

    /// Has the first device open the second.
    fn connect(&self, file: &File, code: u32) {
        let other = self.file(1);
        let (status, name) = self.control(&other, NAME, &[]);
        assert_eq!(status, STATUS_SUCCESS);
        self.close(&other);
        let (status, _) = self.control(file, code, &name);
        assert_eq!(status, STATUS_SUCCESS);
    }

    fn close(&self, file: &Rc<File>) {
        self.host.close(file);
        went(self.host.run_until(|_| file.is_closed()));
    }

    fn end(self) {
        went(self.host.end_apps());
        for slot in [0, 1] {
            went(self.host.remove_device(slot));
        }
        went(self.host.unload());
    }
}

#[test]
fn a_device_sends_to_itself() {
    let bench = Bench::started();
    let file = bench.file(0);
    for code in [REVERSE, SELF, LOCATION] {
        let reversed = bench.control(&file, code, b"abc");
        assert_eq!(reversed, (STATUS_SUCCESS, b"cba".to_vec()), "{code:#x}");
    }
    bench.end();
}

#[test]
fn a_device_sends_to_another_one_that_it_has_opened_by_its_interface() {
    let bench = Bench::started();
    let file = bench.file(0);
    bench.connect(&file, OPEN);
    assert_eq!(bench.number(&file, STATE), STARTED);
    for code in [SEND, SEND_INTERNAL] {
        let reversed = bench.control(&file, code, b"abc");
        assert_eq!(reversed, (STATUS_SUCCESS, b"cba".to_vec()), "{code:#x}");
    }
    assert_eq!(bench.number(&file, SEND_OTHERS), 42);
    // What has a limit comes back when whoever has it lets it.
    assert_eq!(bench.control(&file, SEND_WAIT, &[]).0, STATUS_IO_TIMEOUT);
    assert_eq!(bench.control(&file, CLOSE, &[]).0, STATUS_SUCCESS);
    assert_eq!(bench.number(&file, STATE), CLOSED);
    let (status, _) = bench.control(&file, SEND, b"abc");
    assert_eq!(status, STATUS_INVALID_DEVICE_STATE);
    bench.end();
}

#[test]
fn what_nobody_has_cannot_be_opened() {
    let bench = Bench::started();
    let file = bench.file(0);
    let name: Vec<u8> = r"\Device\Nothing"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let (status, _) = bench.control(&file, OPEN, &name);
    assert_eq!(status, STATUS_OBJECT_NAME_NOT_FOUND);
    bench.end();
}

#[test]
fn a_target_is_closed_while_its_device_may_be_removed() {
    for code in [OPEN, OPEN_TOLD] {
        let bench = Bench::started();
        let file = bench.file(0);
        bench.connect(&file, code);
        assert_eq!(went(bench.host.query_remove(1)), STATUS_SUCCESS);
        assert_eq!(bench.number(&file, STATE), CLOSED_FOR_QUERY_REMOVE);
        went(bench.host.cancel_remove(1));
        assert_eq!(bench.number(&file, STATE), STARTED);
        assert_eq!(bench.control(&file, SEND, b"abc").1, b"cba");
        assert_eq!(went(bench.host.query_remove(1)), STATUS_SUCCESS);
        went(bench.host.remove_device(1));
        assert_eq!(bench.number(&file, STATE), CLOSED);
        let told = bench.printed("target: ");
        let all = [
            "query remove",
            "remove canceled, 0",
            "query remove",
            "remove complete",
        ];
        assert_eq!(told, if code == OPEN_TOLD { &all[..] } else { &[] });
        bench.end();
    }
}

#[test]
fn a_target_is_closed_when_its_device_has_gone() {
    let bench = Bench::started();
    let file = bench.file(0);
    bench.connect(&file, OPEN);
    went(bench.host.surprise_remove(1));
    assert_eq!(bench.number(&file, STATE), CLOSED);
    bench.end();
}

#[test]
fn a_device_is_removed_with_another_one() {
    let bench = Bench::started();
    let file = bench.file(0);
    bench.connect(&file, OPEN);
    assert_eq!(bench.control(&file, RELATE, &[]).0, STATUS_SUCCESS);
    bench.close(&file);
    went(bench.host.remove_device(0));
    assert!(bench.host.open(INTERFACE, 0, READ_WRITE).is_err());
    bench.end();
}

#[test]
fn a_filter_of_resources_has_fewer_messages_assigned_and_adds_its_own() {
    for (grant, messages) in [(ALL, 2), (Grant::Messages(1), 1), (Grant::Line, 0)] {
        let bench = Bench::new();
        assert_eq!(went(bench.host.add_device(0)), STATUS_SUCCESS);
        assert_eq!(went(bench.host.start_device(0, grant)), STATUS_SUCCESS);
        let file = bench.file(0);
        let (_, assigned) = bench.control(&file, ASSIGNED, &[]);
        let (numbers, _) = assigned.as_chunks::<4>();
        let numbers: Vec<_> = numbers.iter().map(|&it| u32::from_le_bytes(it)).collect();
        assert_eq!(numbers, [messages, PRIVATE], "{grant:?}");
        went(bench.host.end_apps());
        went(bench.host.remove_device(0));
        went(bench.host.unload());
    }
}

#[test]
fn a_driver_chooses_the_queue_of_a_request() {
    let bench = Bench::started();
    let file = bench.file(0);
    let read = |length| {
        let outcome = went(bench.request(&file, Operation::Read { offset: 0, length }));
        (outcome.status, outcome.output)
    };
    assert_eq!(read(3), (STATUS_SUCCESS, b"ooo".to_vec()));
    assert_eq!(read(2), (STATUS_SUCCESS, b"ee".to_vec()));
    assert_eq!(read(4), (STATUS_SUCCESS, b"dddd".to_vec()));
    assert_eq!(read(7), (STATUS_DEVICE_BUSY, Vec::new()));
    bench.end();
}

#[test]
fn the_machines_pass_the_states_of_the_framework_s_tables() {
    let bench = Bench::new();
    let entered = |expected: [&str; 3]| {
        let machines = ["pnp ", "power ", "policy "];
        assert_eq!(machines.map(|machine| bench.entered(machine)), expected);
        bench.lines.take();
    };
    assert_eq!(went(bench.host.add_device(0)), STATUS_SUCCESS);
    assert_eq!(bench.printed("pnp "), ["enters 105", "has done 105"]);
    bench.lines.take();
    assert_eq!(went(bench.host.start_device(0, ALL)), STATUS_SUCCESS);
    assert_eq!(bench.printed("pnp ")[..2], ["leaves 105", "enters 106"]);
    entered([
        "106 108 109 119",
        "316 30f 310 311 367 312 313 307",
        "501 583 502 504 565",
    ]);
    went(bench.host.sleep(0));
    entered(["", "31a 359 31c 31f", "526 527 528 52c"]);
    assert_eq!(went(bench.host.resume(0)), STATUS_SUCCESS);
    entered(["", "301 333 35a 335 339 363 32b 307", "52d 52e 52f 504 565"]);
    assert_eq!(went(bench.host.rebalance(0, ALL)), STATUS_SUCCESS);
    entered([
        "111 10f 138 110 120 11e 11f 11d 118 119",
        "314 315 316 30f 310 311 367 312 313 307",
        "55b 55d 563 58f 502 504 565",
    ]);
    assert_eq!(went(bench.host.query_remove(0)), STATUS_SUCCESS);
    went(bench.host.cancel_remove(0));
    entered(["10d 10b 137 10c 112 119", "", ""]);
    went(bench.host.remove_device(0));
    entered(["11c 117 113 136 124 135", "314 315", "55b 55d 563 58d 58e"]);
    went(bench.host.unload());
}

#[test]
fn a_device_that_has_gone_passes_the_states_of_a_surprise_removal() {
    let bench = Bench::started();
    went(bench.host.surprise_remove(0));
    assert_eq!(
        bench.entered("pnp "),
        "127 129 12a 12b 139 12e 113 136 124 135"
    );
    assert_eq!(bench.entered("policy "), "55b 55d 563 58d 58e");
    went(bench.host.remove_device(1));
    went(bench.host.unload());
}

/// What a run in which the driver breaks a rule says.
fn broken(which: u32) -> String {
    let bench = Bench::started();
    let file = bench.file(0);
    let operation = Operation::Control {
        code: BREAK,
        input: which.to_le_bytes().to_vec(),
        output_length: 4,
    };
    match bench.request(&file, operation) {
        Err(Stop::BugCheck(report)) => report.rule.clone(),
        other => panic!("{which}: {other:?}"),
    }
}

#[test]
fn what_the_driver_does_wrong_is_found() {
    let rules = [
        "ResourceList",
        "InvalidHandle",
        "InvalidOperation",
        "Irp",
        "ApiMissing",
        "ClassExtension",
        "InvalidOperation",
    ];
    for (which, rule) in (0..).zip(rules) {
        assert_eq!(broken(which), rule, "{which}");
    }
}
