//! What an app and PnP do with the driver. A defect is found in one of them.

use std::{rc::Rc, sync::Arc};

use edu_lab::{EduModel, raise_cause};
use edu_model::{Config, Faults};
use kmdf_host::{
    File, Host, Interrupts, Irp, NtStatus, Operation,
    device::PciFunction,
    explore::{Scenario, Stage, Wrong},
    ntstatus::{STATUS_CANCELLED, STATUS_DEVICE_DOES_NOT_EXIST},
};

/// The class of the driver's interface, as its bytes lie in memory: `GUID_TEETH` of driver.c.
pub const CLASS: [u8; 16] = [
    0x34, 0x7A, 0x1F, 0x5D, 0x0C, 0x3E, 0x5E, 0x4C, 0x9D, 0x2B, 0x7E, 0x0E, 0x5B, 0x6A, 0x1C, 0x42,
];
/// `IOCTL_FACTORIAL` of teeth.h.
pub const FACTORIAL: u32 = 0x22_2000;
/// `FILE_READ_DATA | FILE_WRITE_DATA`
const READ_WRITE: u32 = 3;

/// A scenario.
struct Teeth {
    name: &'static str,
    about: &'static str,
    interrupts: Interrupts,
    faults: Faults,
    functions: usize,
    body: fn(&Stage<'_>) -> Result<(), Wrong>,
}

impl Scenario for Teeth {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        let config = Config {
            faults: self.faults.clone(),
            ..Config::default()
        };
        (0..self.functions)
            .map(|_| Box::new(EduModel::new(config.clone())) as Box<dyn PciFunction>)
            .collect()
    }

    fn shared_line(&self) -> bool {
        self.functions > 1
    }

    fn interrupts(&self) -> Interrupts {
        self.interrupts
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        (self.body)(stage)
    }

    fn raise(&self, host: &Host) {
        raise_cause(host);
    }
}

/// All scenarios.
#[must_use]
pub fn all() -> Vec<Arc<dyn Scenario>> {
    let scenario = |name, about, body| Teeth {
        name,
        about,
        interrupts: Interrupts::AsInstalled,
        faults: Faults::default(),
        functions: 1,
        body,
    };
    [
        scenario("one", "one factorial, completed by interrupt", one),
        scenario(
            "life",
            "factorials, one of them canceled, a stop and a start with one pending",
            life,
        ),
        scenario(
            "raised",
            "one factorial, and an interrupt for another reason before it is done",
            raised,
        ),
        scenario(
            "canceled",
            "one factorial, canceled before the device has computed it",
            canceled,
        ),
        Teeth {
            interrupts: Interrupts::Line,
            ..scenario("line", "one factorial with a line-based interrupt", one)
        },
        Teeth {
            interrupts: Interrupts::Line,
            functions: 2,
            ..scenario(
                "shared",
                "a factorial on each of two devices on one line",
                both,
            )
        },
        scenario(
            "wide",
            "one factorial, with room for more than its bytes",
            wide,
        ),
        scenario("transfer", "four bytes written, and read again", transfer),
        scenario(
            "surprise-removal",
            "surprise removal with a factorial pending",
            surprise_removal,
        ),
        Teeth {
            faults: Faults {
                factorial_hangs: true,
                ..Faults::default()
            },
            ..scenario(
                "hang",
                "a stop with a factorial pending that the device never computes",
                hang,
            )
        },
    ]
    .into_iter()
    .map(|scenario| Arc::new(scenario) as Arc<dyn Scenario>)
    .collect()
}

/// The scenario of that name.
#[must_use]
pub fn named(name: &str) -> Option<Arc<dyn Scenario>> {
    all().into_iter().find(|scenario| scenario.name() == name)
}

fn submit(stage: &Stage<'_>, file: &File, n: u32) -> Rc<Irp> {
    submit_with_room(stage, file, n, size_of::<u32>())
}

fn submit_with_room(stage: &Stage<'_>, file: &File, n: u32, output_length: usize) -> Rc<Irp> {
    stage.submit(
        file,
        Operation::Control {
            code: FACTORIAL,
            input: n.to_le_bytes().to_vec(),
            output_length,
        },
    )
}

fn finish(stage: &Stage<'_>, n: u32, irp: &Irp, errors: &[NtStatus]) -> Result<(), Wrong> {
    let outcome = stage.wait(irp)?;
    let product: u32 = (1..=n).product();
    stage.expect(
        &format!("the factorial of {n}"),
        &outcome,
        &product.to_le_bytes(),
        errors,
    )
}

fn one(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    finish(stage, 5, &submit(stage, &file, 5), &[])
}

fn wide(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    finish(stage, 5, &submit_with_room(stage, &file, 5, 64), &[])
}

fn transfer(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    let data = 7_u32.to_le_bytes();
    let write = Operation::Write {
        offset: 0,
        data: data.to_vec(),
    };
    let outcome = stage.wait(&stage.submit(&file, write))?;
    stage.expect("a write", &outcome, &[], &[])?;
    let read = Operation::Read {
        offset: 0,
        length: data.len(),
    };
    let outcome = stage.wait(&stage.submit(&file, read))?;
    stage.expect("a read", &outcome, &data, &[])
}

fn both(stage: &Stage<'_>) -> Result<(), Wrong> {
    for instance in [1, 0] {
        let file = stage.open(CLASS, instance, READ_WRITE)?;
        finish(stage, 5, &submit(stage, &file, 5), &[])?;
    }
    Ok(())
}

fn surprise_removal(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    let irp = submit(stage, &file, 5);
    stage.run_for(1)?;
    stage.host().surprise_remove(0)?;
    // What a removed device reads as is no result.
    finish(
        stage,
        5,
        &irp,
        &[STATUS_CANCELLED, STATUS_DEVICE_DOES_NOT_EXIST],
    )
}

fn raised(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    let irp = submit(stage, &file, 5);
    stage.run_for(1)?;
    raise_cause(stage.host());
    finish(stage, 5, &irp, &[])
}

fn canceled(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    let irp = submit(stage, &file, 5);
    stage.run_for(1)?;
    stage.host().cancel(&irp);
    finish(stage, 5, &irp, &[STATUS_CANCELLED])?;
    // The device interrupts all the same.
    stage.rest()
}

fn life(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    let first = submit(stage, &file, 5);
    let second = submit(stage, &file, 6);
    stage.run_for(1)?;
    stage.host().cancel(&first);
    finish(stage, 5, &first, &[STATUS_CANCELLED])?;
    finish(stage, 6, &second, &[])?;
    let third = submit(stage, &file, 7);
    stage.run_for(1)?;
    stage.stop(0)?;
    stage.restart(0, false)?;
    finish(stage, 7, &third, &[])?;
    finish(stage, 8, &submit(stage, &file, 8), &[])
}

fn hang(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(CLASS, 0, READ_WRITE)?;
    let irp = submit(stage, &file, 5);
    stage.run_for(1)?;
    stage.stop(0)?;
    stage.restart(0, false)?;
    stage.host().cancel(&irp);
    finish(stage, 5, &irp, &[STATUS_CANCELLED])
}
