//! Counts that are the same in every run: what one request more costs.

use std::{fs, sync::Arc};

use kmdf_host::{
    Counts,
    explore::{Scenario, Way, Wrong},
};

use crate::drivers::Subject;

/// What one request costs a driver, from EvtIoDeviceControl to its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerRequest {
    /// Instructions of the driver: dispatch, ISR and DPC, without those of the host.
    pub instructions: usize,
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
    /// The image's size in bytes.
    pub image_bytes: u64,
}

/// Counts what one request costs: a run with two, less a run with one.
///
/// # Errors
/// The driver cannot be read, or a run went wrong.
pub fn per_request(subject: &Subject) -> Result<PerRequest, Wrong> {
    let one = counted(subject, &subject.requests(1))?;
    let two = counted(subject, &subject.requests(2))?;
    let of = |count: fn(&Counts) -> u64| count(&two.1) - count(&one.1);
    Ok(PerRequest {
        instructions: two.0 - one.0,
        isr_calls: of(|counts| counts.isr_calls),
        dpcs: of(|counts| counts.dpc_calls),
        reads: of(|counts| counts.register_reads),
        writes: of(|counts| counts.register_writes),
        calls: of(|counts| counts.services),
        allocations: of(|counts| counts.pool_allocations),
        image_bytes: fs::metadata(&subject.driver.image).map_or(0, |image| image.len()),
    })
}

/// The instructions of the driver in a run, and what else happened in it.
fn counted(subject: &Subject, scenario: &Arc<dyn Scenario>) -> Result<(usize, Counts), Wrong> {
    let target = subject.target()?;
    let calls = target.trace(scenario)?;
    let replayed = target.replay(scenario, Way::default(), None);
    replayed.result?;
    let instructions = calls.iter().map(|call| call.instructions.len()).sum();
    Ok((instructions, replayed.counts))
}
