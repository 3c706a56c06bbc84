//! The toaster's driver, tested as its author would: on a device of the test's own, request by
//! request, and then in a thousand schedules. docs/your-driver.md goes through this file.

use std::sync::Arc;

use kmdf_host::{
    File, Interrupts, Machine, Operation, Outcome, Session,
    device::PciFunction,
    explore::{Cause, Runs, Scenario, Stage, Target, Wrong, explore},
    ntstatus::{STATUS_CANCELLED, STATUS_INVALID_PARAMETER, STATUS_SUCCESS},
};
use kmdf_samples::{READ_WRITE, ToasterDevice, control_code, driver, guid};

const INTERFACE: [u8; 16] = guid(
    0x0d0c_6d29,
    0x8f7e,
    0x4b59,
    [0x9d, 0x6a, 0x7e, 0xf4, 0xb0, 0xb3, 0xc2, 0xa5],
);
/// IOCTL_TOASTER_TOAST, IOCTL_TOASTER_BREADS, IOCTL_TOASTER_COUNT
const TOAST: u32 = control_code(0x800, 0, 2);
const BREADS: u32 = control_code(0x801, 0, 1);
const COUNT: u32 = control_code(0x802, 0, 1);

/// A machine with one toaster, its driver installed and started.
fn session() -> Session {
    let machine = Machine {
        functions: vec![Box::new(ToasterDevice::new())],
        ..Machine::default()
    };
    Session::boot(&driver("toaster"), machine, Interrupts::default())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn control(code: u32, input: &[u8], output_length: usize) -> Operation {
    Operation::Control {
        code,
        input: input.to_vec(),
        output_length,
    }
}

fn toast(darkness: u32) -> Operation {
    control(TOAST, &darkness.to_le_bytes(), 0)
}

/// Sends a request and waits for its end; a rule that the driver breaks fails the test.
fn request(session: &Session, file: &File, operation: Operation) -> Outcome {
    session
        .request(file, operation)
        .unwrap_or_else(|stop| panic!("{stop}"))
}

fn slices_toasted(session: &Session, file: &File) -> u32 {
    let outcome = request(session, file, control(COUNT, &[], 4));
    u32::from_le_bytes(outcome.output.try_into().expect("an ULONG"))
}

#[test]
fn a_slice_is_toasted_until_the_interrupt_says_so() {
    let session = session();
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    assert_eq!(request(&session, &file, toast(3)).status, STATUS_SUCCESS);
    assert_eq!(slices_toasted(&session, &file), 1);
    let summary = session.shut_down().unwrap_or_else(|stop| panic!("{stop}"));
    assert_eq!(summary.counts.interrupts, 1);
}

#[test]
fn what_the_inf_says_decides_what_can_be_toasted_and_how_dark() {
    let session = session();
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    let breads = request(&session, &file, control(BREADS, &[], 100)).output;
    let text: Vec<u8> = "rye\0white\0spelt\0\0"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(breads, text);
    for darkness in [0, 6] {
        let outcome = request(&session, &file, toast(darkness));
        assert_eq!(outcome.status, STATUS_INVALID_PARAMETER, "{darkness}");
    }
}

#[test]
fn the_symbolic_link_leads_to_the_device_too() {
    let session = session();
    let file = session
        .host()
        .open_path(r"\\.\SampleToaster", READ_WRITE)
        .expect("it opens");
    assert_eq!(request(&session, &file, toast(1)).status, STATUS_SUCCESS);
}

#[test]
fn the_count_survives_a_rebalance() {
    let session = session();
    let file = session.open(INTERFACE, READ_WRITE).expect("it opens");
    request(&session, &file, toast(1));
    let stopped = session.host().stop_device(0);
    stopped.unwrap_or_else(|stop| panic!("{stop}"));
    let started = session
        .host()
        .start_device(0, session.installed()[0].grant)
        .unwrap_or_else(|stop| panic!("{stop}"));
    assert_eq!(started, STATUS_SUCCESS);
    assert_eq!(slices_toasted(&session, &file), 1);
}

/// Three slices at once: one is canceled, one is in while the device sleeps.
struct Breakfast;

impl Scenario for Breakfast {
    fn name(&self) -> &'static str {
        "breakfast"
    }

    fn about(&self) -> &'static str {
        "three slices; one is canceled, and the device sleeps and wakes"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        vec![Box::new(ToasterDevice::new())]
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let file = stage.open(INTERFACE, 0, READ_WRITE)?;
        let slices = [1, 2, 3].map(|darkness| stage.submit(&file, toast(darkness)));
        stage.run_for(5)?;
        stage.host().cancel(&slices[1]);
        stage.host().sleep(0)?;
        let woken = stage.host().resume(0)?;
        for (number, slice) in slices.iter().enumerate() {
            let outcome = stage.wait(slice)?;
            // A device that does not wake is removed, and its requests end with it.
            let errors: &[_] = if number == 1 || !woken.is_success() {
                &[STATUS_CANCELLED]
            } else {
                &[]
            };
            stage.expect("a slice", &outcome, &[], errors)?;
        }
        stage.host().close(&file);
        Ok(())
    }
}

#[test]
fn nothing_is_accessed_without_order() {
    let target = Target::read(driver("toaster"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        seeds: 0..20,
        races: true,
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Breakfast)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
}

#[test]
fn a_thousand_breakfasts_lose_no_slice() {
    let target = Target::read(driver("toaster"), 2, Vec::new());
    let target = target.unwrap_or_else(|error| panic!("{error}"));
    let runs = Runs {
        // A thousand schedules; each call that can fail, failing once; and the cancellation between
        // every two instructions of the driver.
        seeds: 0..1000,
        fail_calls: true,
        causes: vec![Cause::Cancel],
        every_boundary: true,
        threads: 2,
        ..Runs::default()
    };
    let explored = explore(&target, &[Arc::new(Breakfast)], &runs, &mut |_, _, _, _| {});
    if let Some(finding) = explored.findings.first() {
        panic!("with {}: {}", finding.way, finding.wrong);
    }
    assert!(explored.schedules >= 1000);
    assert!(explored.boundary_runs > 100);
}
