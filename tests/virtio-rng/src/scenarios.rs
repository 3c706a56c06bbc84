//! What apps and PnP do with the driver.

use std::sync::Arc;

use kmdf_host::{
    Interrupts, Operation, Outcome,
    device::PciFunction,
    explore::{Scenario, Stage, Wrong},
    ntstatus::{STATUS_CANCELLED, STATUS_SUCCESS},
};

use crate::{Lies, RngModel};

/// The class of the device's interface, as the driver's `device.rs` has it, in memory order.
pub const INTERFACE: [u8; 16] = [
    0x0A, 0x1B, 0x8C, 0x6E, 0x5E, 0x7A, 0x55, 0x4D, 0x9C, 0x0B, 0x2F, 0x8E, 0x54, 0xD3, 0xA6, 0xC1,
];
/// FILE_READ_DATA
pub const READ: u32 = 1;
/// The scenario without a sleep.
const CANCELED: &str = "read-canceled";
/// How much the driver gives at a time.
const MOST: usize = 4096;

/// Reads of several lengths. One is canceled; then the device sleeps and wakes, or only the first is canceled.
struct Read {
    name: &'static str,
    /// The class of the driver's interface.
    interface: [u8; 16],
    /// Whether the device has the addresses of a PC.
    on_a_pc: bool,
    interrupts: Interrupts,
    /// Whether the device sleeps.
    sleeps: bool,
    /// What a hostile device does.
    lies: Option<Vec<u8>>,
}

/// All of them, for the driver of this repository.
#[must_use]
pub fn all() -> Vec<Arc<dyn Scenario>> {
    scenarios(INTERFACE, false)
}

/// All of them, for another driver with this interface, with the addresses of a PC.
#[must_use]
pub fn all_of(interface: [u8; 16]) -> Vec<Arc<dyn Scenario>> {
    scenarios(interface, true)
}

fn scenarios(interface: [u8; 16], on_a_pc: bool) -> Vec<Arc<dyn Scenario>> {
    let read = |name, interrupts, lies| {
        Arc::new(Read {
            name,
            interface,
            on_a_pc,
            interrupts,
            sleeps: name != CANCELED,
            lies,
        }) as Arc<dyn Scenario>
    };
    vec![
        read(CANCELED, Interrupts::AsInstalled, None),
        read("read", Interrupts::AsInstalled, None),
        read("read-one-message", Interrupts::OneMessage, None),
        read("read-line", Interrupts::Line, None),
        read("hostile", Interrupts::AsInstalled, Some(Vec::new())),
        read("hostile-line", Interrupts::Line, Some(Vec::new())),
    ]
}

impl Scenario for Read {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        if self.sleeps {
            "reads of several lengths; one is canceled, and the device sleeps and wakes"
        } else {
            "reads of several lengths; the one that the device works for is canceled"
        }
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        let device = match &self.lies {
            Some(bytes) => RngModel::hostile(Lies::new(bytes)),
            None => RngModel::new(),
        };
        vec![Box::new(if self.on_a_pc {
            device.with_the_addresses_of_a_pc()
        } else {
            device
        })]
    }

    fn interrupts(&self) -> Interrupts {
        self.interrupts
    }

    fn with_input(&self, input: &[u8]) -> Option<Arc<dyn Scenario>> {
        self.lies.as_ref().filter(|lies| lies.is_empty())?;
        Some(Arc::new(Self {
            lies: Some(input.to_vec()),
            ..*self
        }))
    }

    fn is_hostile(&self) -> bool {
        self.lies.is_some()
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let Some(file) = stage.try_open(self.interface, 0, READ)? else {
            return if self.is_hostile() || !stage.is_undisturbed() {
                Ok(())
            } else {
                Err(Wrong::Unexpected("the device cannot be opened".to_owned()))
            };
        };
        let reads = [16, 1, 5000, 300].map(|length| {
            let request = stage.submit(&file, Operation::Read { offset: 0, length });
            (length, request)
        });
        let canceled = usize::from(self.sleeps);
        let woken = if self.sleeps {
            stage.run_for(5)?;
            stage.host().cancel(&reads[canceled].1);
            stage.host().sleep(0)?;
            stage.host().resume(0)?
        } else {
            // So that the device has the first, and the others wait in the queue.
            stage.run_for(4)?;
            stage.host().cancel(&reads[canceled].1);
            STATUS_SUCCESS
        };
        for (number, (length, request)) in reads.iter().enumerate() {
            if self.is_hostile() {
                // A device that says nothing leaves its request to the app, which cancels it.
                if !stage.settle(request)? {
                    stage.host().cancel(request);
                    stage.wait(request)?;
                }
                continue;
            }
            let outcome = stage.wait(request)?;
            let may_fail = number == canceled || !woken.is_success() || !stage.is_undisturbed();
            check(&outcome, *length, may_fail)?;
        }
        stage.host().close(&file);
        Ok(())
    }
}

/// That a read gave random bytes, not more than it asked for.
fn check(outcome: &Outcome, length: usize, may_fail: bool) -> Result<(), Wrong> {
    let got = outcome.output.len();
    let right = match outcome.status {
        STATUS_SUCCESS => got > 0 && got <= length.min(MOST),
        STATUS_CANCELLED => may_fail,
        _ => may_fail && got == 0,
    };
    if right {
        return Ok(());
    }
    Err(Wrong::Unexpected(format!(
        "a read of {length} bytes ended with {} and {got} bytes",
        outcome.status
    )))
}
