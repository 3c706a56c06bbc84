//! What an exploration does with the edu driver.

use std::sync::Arc;

use edu_model::{Config, Messages};
use edu_spec::{
    interface::DEVICE_INTERFACE,
    ioctl,
    registers::offset,
    wire::{Statistics, Word},
};
use kmdf_host::{
    Host, Interrupts, Irp, NtStatus, Operation,
    device::{PciFunction, Width},
    explore::{Scenario, Stage, Wrong},
    ntstatus::{
        STATUS_CANCELLED, STATUS_DELETE_PENDING, STATUS_DEVICE_NOT_READY,
        STATUS_INVALID_DEVICE_STATE, STATUS_WDF_BUSY,
    },
};

use crate::EduModel;

/// `FILE_READ_DATA | FILE_WRITE_DATA`
const READ_WRITE: u32 = 3;
/// What requests may end with when their device is stopped, or gone.
const GONE: [NtStatus; 5] = [
    STATUS_CANCELLED,
    STATUS_DELETE_PENDING,
    STATUS_DEVICE_NOT_READY,
    STATUS_INVALID_DEVICE_STATE,
    // What a purged queue says to a request that is forwarded to it.
    STATUS_WDF_BUSY,
];
/// A cause that only software raises.
const CAUSE: u32 = 0x8;

/// What a scenario does once the driver runs.
type Body = fn(&Stage<'_>) -> Result<(), Wrong>;

/// A scenario of the edu driver.
struct Edu {
    name: &'static str,
    about: &'static str,
    functions: usize,
    messages: Messages,
    interrupts: Interrupts,
    body: Body,
}

impl Scenario for Edu {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        (0..self.functions)
            .map(|_| {
                let config = Config {
                    messages: self.messages,
                    ..Config::default()
                };
                Box::new(EduModel::new(config)) as Box<dyn PciFunction>
            })
            .collect()
    }

    fn interrupts(&self) -> Interrupts {
        self.interrupts
    }

    fn shared_line(&self) -> bool {
        self.functions > 1
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        (self.body)(stage)
    }

    fn raise(&self, host: &Host) {
        let offset = offset::INTERRUPT_RAISE as u64;
        if host.takes_interrupts(0) {
            host.poke(0, 0, offset, Width::Dword, CAUSE.into());
        }
    }
}

/// All scenarios.
pub(crate) fn all() -> Vec<Arc<dyn Scenario>> {
    let edu = |name, about, body| Edu {
        name,
        about,
        functions: 1,
        messages: Messages::One,
        interrupts: Interrupts::AsInstalled,
        body,
    };
    [
        edu(
            "factorial",
            "one factorial, completed by interrupt",
            one_factorial,
        ),
        edu("factorials", "three factorials at once", three_factorials),
        Edu {
            interrupts: Interrupts::Line,
            ..edu(
                "line",
                "one factorial with a line-based interrupt",
                one_factorial,
            )
        },
        Edu {
            messages: Messages::Two,
            ..edu(
                "two-messages",
                "three factorials on a device with two messages",
                three_factorials,
            )
        },
        Edu {
            functions: 2,
            interrupts: Interrupts::Line,
            ..edu(
                "shared-line",
                "two devices on one line, a factorial on each",
                one_on_each,
            )
        },
        edu(
            "cancel",
            "a factorial cancelled while it is computed, and one after it",
            cancelled,
        ),
        edu(
            "raise",
            "interrupts raised by the app between two factorials",
            raised,
        ),
        edu("requests", "every request, right and wrong", every_request),
        edu(
            "restart",
            "stop and start with factorials pending",
            restarted,
        ),
        edu(
            "rebalance",
            "stop with factorials pending; start with the line",
            rebalanced,
        ),
        edu("remove", "removed with factorials pending", removed),
    ]
    .into_iter()
    .map(|scenario| Arc::new(scenario) as Arc<dyn Scenario>)
    .collect()
}

/// The class of the device interface, as its bytes lie in memory.
fn interface_class() -> [u8; 16] {
    let mut class = [0; 16];
    class[..4].copy_from_slice(&DEVICE_INTERFACE.data1.to_le_bytes());
    class[4..6].copy_from_slice(&DEVICE_INTERFACE.data2.to_le_bytes());
    class[6..8].copy_from_slice(&DEVICE_INTERFACE.data3.to_le_bytes());
    class[8..].copy_from_slice(&DEVICE_INTERFACE.data4);
    class
}

const fn control(code: u32, input: Vec<u8>, output_length: usize) -> Operation {
    Operation::Control {
        code,
        input,
        output_length,
    }
}

fn factorial_of(n: u32) -> Operation {
    control(
        ioctl::FACTORIAL,
        n.to_le_bytes().to_vec(),
        size_of::<Word>(),
    )
}

/// n! modulo 2^32, as the device multiplies.
fn product(n: u32) -> [u8; 4] {
    (1..=n).fold(1_u32, u32::wrapping_mul).to_le_bytes()
}

fn finish(stage: &Stage<'_>, n: u32, irp: &Irp, errors: &[NtStatus]) -> Result<(), Wrong> {
    let outcome = stage.wait(irp)?;
    stage.expect(
        &format!("the factorial of {n}"),
        &outcome,
        &product(n),
        errors,
    )
}

fn factorials(stage: &Stage<'_>, instance: u32, numbers: &[u32]) -> Result<(), Wrong> {
    let file = stage.open(interface_class(), instance, READ_WRITE)?;
    let irps: Vec<_> = numbers
        .iter()
        .map(|&n| stage.submit(&file, factorial_of(n)))
        .collect();
    for (irp, &n) in irps.iter().zip(numbers) {
        finish(stage, n, irp, &[])?;
    }
    Ok(())
}

fn one_factorial(stage: &Stage<'_>) -> Result<(), Wrong> {
    factorials(stage, 0, &[12])
}

fn three_factorials(stage: &Stage<'_>) -> Result<(), Wrong> {
    factorials(stage, 0, &[3, 12, 20])
}

fn one_on_each(stage: &Stage<'_>) -> Result<(), Wrong> {
    let first = stage.open(interface_class(), 0, READ_WRITE)?;
    let second = stage.open(interface_class(), 1, READ_WRITE)?;
    let irps = [
        (5, stage.submit(&first, factorial_of(5))),
        (9, stage.submit(&second, factorial_of(9))),
    ];
    for (n, irp) in &irps {
        finish(stage, *n, irp, &[])?;
    }
    Ok(())
}

fn cancelled(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(interface_class(), 0, READ_WRITE)?;
    let first = stage.submit(&file, factorial_of(12));
    let second = stage.submit(&file, factorial_of(7));
    stage.run_for(2)?;
    stage.host().cancel(&first);
    finish(stage, 12, &first, &[STATUS_CANCELLED])?;
    finish(stage, 7, &second, &[])?;
    factorials(stage, 0, &[4])
}

fn raised(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(interface_class(), 0, READ_WRITE)?;
    let raise = || control(ioctl::RAISE, CAUSE.to_le_bytes().to_vec(), 0);
    let first = stage.submit(&file, factorial_of(6));
    let raises = [stage.submit(&file, raise()), stage.submit(&file, raise())];
    let second = stage.submit(&file, factorial_of(8));
    for irp in &raises {
        let outcome = stage.wait(irp)?;
        stage.expect("raising a cause", &outcome, &[], &[])?;
    }
    finish(stage, 6, &first, &[])?;
    finish(stage, 8, &second, &[])
}

fn every_request(stage: &Stage<'_>) -> Result<(), Wrong> {
    let file = stage.open(interface_class(), 0, READ_WRITE)?;
    let liveness = control(
        ioctl::LIVENESS,
        5_u32.to_le_bytes().to_vec(),
        size_of::<Word>(),
    );
    let irp = stage.submit(&file, liveness);
    let outcome = stage.wait(&irp)?;
    stage.expect("liveness", &outcome, &(!5_u32).to_le_bytes(), &[])?;
    for (code, input, output) in [
        (ioctl::STATISTICS, 0, size_of::<Statistics>()),
        (ioctl::STATISTICS, 4, 4),
        (ioctl::INFORMATION, 0, 1),
        (ioctl::FACTORIAL, 3, 4),
        (ioctl::FACTORIAL, 8, 4),
        (ioctl::RAISE, 4, 0),
        (ioctl::STATISTICS ^ 0xFFC, 0, 0),
    ] {
        let irp = stage.submit(&file, control(code, vec![0; input], output));
        // Which error each is given has its own scenarios: here each only has to end.
        stage.wait(&irp)?;
    }
    let n = 10;
    let irp = stage.submit(&file, factorial_of(n));
    finish(stage, n, &irp, &[])
}

fn pending_factorials(stage: &Stage<'_>) -> Result<Vec<(u32, std::rc::Rc<Irp>)>, Wrong> {
    let file = stage.open(interface_class(), 0, READ_WRITE)?;
    let irps = [11, 12]
        .map(|n| (n, stage.submit(&file, factorial_of(n))))
        .to_vec();
    stage.run_for(2)?;
    Ok(irps)
}

fn restarted(stage: &Stage<'_>) -> Result<(), Wrong> {
    let irps = pending_factorials(stage)?;
    stage.stop(0)?;
    stage.restart(0, false)?;
    for (n, irp) in &irps {
        finish(stage, *n, irp, &GONE)?;
    }
    factorials(stage, 0, &[5])
}

fn rebalanced(stage: &Stage<'_>) -> Result<(), Wrong> {
    let irps = pending_factorials(stage)?;
    stage.stop(0)?;
    stage.restart(0, true)?;
    for (n, irp) in &irps {
        finish(stage, *n, irp, &GONE)?;
    }
    factorials(stage, 0, &[5])
}

fn removed(stage: &Stage<'_>) -> Result<(), Wrong> {
    let irps = pending_factorials(stage)?;
    stage.remove(0)?;
    for (n, irp) in &irps {
        finish(stage, *n, irp, &GONE)?;
    }
    Ok(())
}
