//! The echo driver: no hardware, a timer, a manual queue, requests in the app's own context.

use std::{rc::Rc, sync::Arc};

use kmdf_host::{
    File, Interrupts, Irp, Machine, Operation, Outcome, Session,
    device::{PciFunction, RootDevice},
    explore::{Runs, Scenario, Stage, Target, Wrong, explore},
    ntstatus::{
        NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_CANCELLED, STATUS_DEVICE_BUSY,
        STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS,
    },
};
use kmdf_samples::{READ_WRITE, control_code, driver, guid};

const INTERFACE: [u8; 16] = guid(
    0x6f1c_0b5e,
    0x5d0e,
    0x4f0c,
    [0x9a, 0x53, 0x1a, 0x8d, 0x6a, 0x7c, 0x41, 0xe0],
);
/// IOCTL_ECHO_WAITING, IOCTL_ECHO_REVERSE
const WAITING: u32 = control_code(0x800, 0, 1);
const REVERSE: u32 = control_code(0x801, 3, 0);

fn devices() -> Vec<Box<dyn PciFunction>> {
    vec![Box::new(RootDevice::new(r"ROOT\SAMPLE_ECHO"))]
}

fn session() -> (Session, Rc<File>) {
    let machine = Machine {
        functions: devices(),
        ..Machine::default()
    };
    let session = Session::boot(&driver("echo"), machine, Interrupts::default())
        .unwrap_or_else(|error| panic!("{error}"));
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    (session, file)
}

fn write(data: &[u8]) -> Operation {
    Operation::Write {
        offset: 0,
        data: data.to_vec(),
    }
}

const fn read(length: usize) -> Operation {
    Operation::Read { offset: 0, length }
}

fn control(code: u32, input: &[u8], output_length: usize) -> Operation {
    Operation::Control {
        code,
        input: input.to_vec(),
        output_length,
    }
}

fn request(session: &Session, file: &File, operation: Operation) -> Outcome {
    session
        .request(file, operation)
        .unwrap_or_else(|stop| panic!("{stop}"))
}

fn end(session: &Session, irp: &Irp) -> NtStatus {
    let ran = session.host().run_until(|_| irp.is_finished());
    ran.unwrap_or_else(|stop| panic!("{stop}"));
    irp.outcome().expect("it has ended").status
}

#[test]
fn what_is_written_comes_back_message_by_message_whoever_waits_first() {
    let (session, file) = session();
    let early = session.host().submit(&file, read(100));
    request(&session, &file, write(b"one"));
    assert_eq!(end(&session, &early), STATUS_SUCCESS);
    assert_eq!(early.outcome().expect("it has ended").output, b"one");
    request(&session, &file, write(b"two"));
    request(&session, &file, write(b"three"));
    assert_eq!(request(&session, &file, read(100)).output, b"two");
    assert_eq!(request(&session, &file, read(2)).output, b"th");
    let waiting = request(&session, &file, control(WAITING, &[], 4));
    assert_eq!(waiting.output, [0; 4]);
}

#[test]
fn a_read_without_a_message_can_be_canceled() {
    let (session, file) = session();
    let pending = session.host().submit(&file, read(10));
    session.host().cancel(&pending);
    assert_eq!(end(&session, &pending), STATUS_CANCELLED);
}

#[test]
fn what_does_not_fit_has_its_own_status() {
    let (session, file) = session();
    let long = request(&session, &file, write(&[0; 5000]));
    assert_eq!(long.status, STATUS_INVALID_BUFFER_SIZE);
    for _ in 0..8 {
        let one = request(&session, &file, write(b"x"));
        assert_eq!(one.status, STATUS_SUCCESS);
    }
    let one_more = request(&session, &file, write(b"x"));
    assert_eq!(one_more.status, STATUS_DEVICE_BUSY);
    // Sent down: the bus driver does not know it either.
    let unknown = control(control_code(0x999, 0, 0), &[], 0);
    let unknown = request(&session, &file, unknown);
    assert_eq!(unknown.status, STATUS_INVALID_DEVICE_REQUEST);
}

#[test]
fn the_apps_own_buffers_are_locked_in_its_context() {
    let (session, file) = session();
    let reversed = request(&session, &file, control(REVERSE, b"abc", 10));
    assert_eq!(reversed.status, STATUS_SUCCESS);
    assert_eq!(reversed.output, b"cba");
    let narrow = request(&session, &file, control(REVERSE, b"abc", 2));
    assert_eq!(narrow.status, STATUS_BUFFER_TOO_SMALL);
    let empty = request(&session, &file, control(REVERSE, &[], 10));
    assert_eq!(empty.status, STATUS_BUFFER_TOO_SMALL);
}

/// Messages and reads cross; one read is canceled, the device is removed.
struct Talk;

impl Scenario for Talk {
    fn name(&self) -> &'static str {
        "talk"
    }

    fn about(&self) -> &'static str {
        "messages and reads cross, a read is canceled, the device is removed"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        devices()
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let file = stage.open(INTERFACE, 0, READ_WRITE)?;
        let irps = [
            stage.submit(&file, read(10)),
            stage.submit(&file, write(b"one")),
            stage.submit(&file, control(REVERSE, b"ab", 2)),
            stage.submit(&file, control(control_code(0x999, 0, 0), &[], 0)),
            stage.submit(&file, read(10)),
            stage.submit(&file, read(10)),
            stage.submit(&file, write(b"two")),
        ];
        stage.run_for(4)?;
        stage.host().cancel(&irps[4]);
        stage.wait(&irps[6])?;
        let left = stage.submit(&file, write(b"left"));
        stage.remove(0)?;
        for irp in irps.iter().chain([&left]) {
            stage.wait(irp)?;
        }
        stage.host().close(&file);
        Ok(())
    }
}

#[test]
fn nothing_is_accessed_without_order() {
    let target = Target::read(driver("echo"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        seeds: 0..20,
        races: true,
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Talk)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
}

#[test]
fn a_thousand_talks_lose_no_request() {
    let target = Target::read(driver("echo"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        seeds: 0..1000,
        fail_calls: true,
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Talk)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
    assert!(explored.schedules >= 1000);
}
