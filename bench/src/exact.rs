//! Counts that are the same in every run: what one request more costs.

use std::{fs, sync::Arc};

use kmdf_host::{
    Counts,
    explore::{Runs, Scenario, Way, Wrong},
};

use crate::drivers::{Subject, explore_alone};

/// What one request costs a driver, from EvtIoDeviceControl to its completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerRequest {
    /// Instructions of the driver: dispatch, ISR and DPC, without those of the host.
    pub instructions: u64,
    /// Instructions of ISR and DPC for an interrupt that is no request's.
    pub of_interrupt: u64,
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
    let one_interrupt = counted(subject, &subject.interrupts(1))?;
    let two_interrupts = counted(subject, &subject.interrupts(2))?;
    let of = |count: fn(&Counts) -> u64| count(&two.1) - count(&one.1);
    Ok(PerRequest {
        instructions: two.0 - one.0,
        of_interrupt: two_interrupts.0 - one_interrupt.0,
        isr_calls: of(|counts| counts.isr_calls),
        dpcs: of(|counts| counts.dpc_calls),
        reads: of(|counts| counts.register_reads),
        writes: of(|counts| counts.register_writes),
        calls: of(|counts| counts.services),
        image_bytes: fs::metadata(&subject.driver.image).map_or(0, |image| image.len()),
    })
}

/// The instructions of the driver in a run, and what else happened in it.
fn counted(subject: &Subject, scenario: &Arc<dyn Scenario>) -> Result<(u64, Counts), Wrong> {
    let target = subject.target()?;
    let replayed = target.replay(scenario, Way::default(), None);
    replayed.result?;
    let explored = explore_alone(&target, scenario, Runs::default())?;
    Ok((explored.boundaries, replayed.counts))
}
