//! What one read costs a driver of the device: counts that are the same in every run.

use std::sync::Arc;

use kmdf_host::{
    Counts, Driver, Operation,
    device::PciFunction,
    explore::{Scenario, Stage, Target, Way, Wrong},
    ntstatus::STATUS_SUCCESS,
};

use crate::{READ, RngModel};

/// How many bytes each read asks for.
const BYTES: usize = 64;

/// What one read costs a driver, from EvtIoRead to its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerRead {
    /// Instructions of the driver in all callbacks, without those of the host.
    pub instructions: usize,
    /// Instructions of EvtInterruptIsr.
    pub isr_instructions: usize,
    /// Instructions of EvtInterruptDpc.
    pub dpc_instructions: usize,
    /// Calls of EvtInterruptIsr.
    pub isr_calls: u64,
    /// DPCs.
    pub dpcs: u64,
    /// Register reads.
    pub reads: u64,
    /// Register writes.
    pub writes: u64,
    /// Calls of the framework and the kernel.
    pub calls: u64,
    /// Pool allocations of the driver.
    pub allocations: u64,
}

/// Reads, one after the other, on a correct device.
struct Reads {
    interface: [u8; 16],
    reads: u32,
}

impl Scenario for Reads {
    fn name(&self) -> &'static str {
        "reads"
    }

    fn about(&self) -> &'static str {
        "reads, one after the other"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        vec![Box::new(RngModel::new().with_the_addresses_of_a_pc())]
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        let file = stage.open(self.interface, 0, READ)?;
        for _ in 0..self.reads {
            let (offset, length) = (0, BYTES);
            let request = stage.submit(&file, Operation::Read { offset, length });
            let outcome = stage.wait(&request)?;
            if outcome.status != STATUS_SUCCESS || outcome.output.len() != BYTES {
                let got = outcome.output.len();
                return Err(Wrong::Unexpected(format!(
                    "a read ended with {} and {got} bytes",
                    outcome.status
                )));
            }
        }
        stage.host().close(&file);
        Ok(())
    }
}

/// Counts what one read costs a driver with this interface: a run with three reads, less a run with two.
///
/// # Errors
/// The driver cannot be read, or a run went wrong.
pub fn per_read(driver: Driver, interface: [u8; 16]) -> Result<PerRead, Wrong> {
    let target = Target::read(driver, 2, Vec::new())?;
    let two = counted(&target, interface, 2)?;
    let three = counted(&target, interface, 3)?;
    let of = |count: fn(&Counts) -> u64| count(&three.1) - count(&two.1);
    let [all, isr, dpc] = [0, 1, 2].map(|kind| three.0[kind] - two.0[kind]);
    Ok(PerRead {
        instructions: all,
        isr_instructions: isr,
        dpc_instructions: dpc,
        isr_calls: of(|counts| counts.isr_calls),
        dpcs: of(|counts| counts.dpc_calls),
        reads: of(|counts| counts.register_reads),
        writes: of(|counts| counts.register_writes),
        calls: of(|counts| counts.services),
        allocations: of(|counts| counts.pool_allocations),
    })
}

/// The instructions of the driver in a run (in all callbacks, in the ISR, in the DPC), and what else happened in it.
fn counted(
    target: &Target,
    interface: [u8; 16],
    reads: u32,
) -> Result<([usize; 3], Counts), Wrong> {
    let scenario: Arc<dyn Scenario> = Arc::new(Reads { interface, reads });
    let called = target.trace(&scenario)?;
    let replayed = target.replay(&scenario, Way::default(), None);
    replayed.result?;
    let instructions = |callback: Option<&str>| {
        called
            .iter()
            .filter(|call| callback.is_none_or(|name| call.callback == name))
            .map(|call| call.instructions.len())
            .sum()
    };
    let kinds = [None, Some("EvtInterruptIsr"), Some("EvtInterruptDpc")].map(instructions);
    Ok((kinds, replayed.counts))
}
