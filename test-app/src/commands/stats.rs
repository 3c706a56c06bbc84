//! `eductl stats`, and the driver's counters by name.

use std::fmt;

use edu_spec::wire::Statistics;
use serde::{Serialize, Serializer};
use zerocopy::transmute;

use crate::{device::Error, edu::Edu, exit::Exit, report::Finding};

/// One of the driver's counters.
pub struct Counter {
    /// Its name, in JSON and in `edu-spec`.
    pub name: &'static str,
    /// What it counts, for people.
    pub meaning: &'static str,
    /// Its value.
    pub value: fn(&Statistics) -> u64,
}

macro_rules! counters {
    ($($name:ident: $meaning:literal,)*) => {
        [$(Counter {
            name: stringify!($name),
            meaning: $meaning,
            value: |statistics| statistics.$name,
        }),*]
    };
}

/// How many counters there are.
pub const COUNTER_COUNT: usize = size_of::<Statistics>() / size_of::<u64>();

/// The values of all counters.
#[must_use]
pub fn counts(statistics: &Statistics) -> [u64; COUNTER_COUNT] {
    transmute!(*statistics)
}

/// All counters, in the order of [`Statistics`].
pub static COUNTERS: [Counter; COUNTER_COUNT] = counters! {
    isr_calls: "calls of EvtInterruptIsr",
    interrupts: "of these, with a cause of ours",
    not_ours: "of these, without (another device's, or spurious)",
    device_removed: "of these, with the device surprise-removed",
    dpcs_queued: "DPCs (or work items) queued by the ISR",
    dpcs_already_queued: "times one was queued already",
    dpc_calls: "calls of EvtInterruptDpc (or EvtInterruptWorkItem)",
    snapshots_overwritten: "snapshots the ring had no room for",
    factorial_causes: "interrupts with the factorial cause",
    dma_causes: "interrupts with the DMA cause",
    software_causes: "interrupts with causes raised by software",
    stray_factorials: "factorial causes without a request",
    factorials_completed: "factorial requests completed with a result",
    snapshots_taken: "snapshots these calls took",
    events: "events numbered",
    interrupts_missed: "requests the watchdog completed, their interrupt missing",
    timeouts: "requests the watchdog failed, their engine stuck",
    transfers_completed: "DMA transfers completed",
    stray_transfers: "DMA causes without a request",
};

/// The driver's counters.
#[derive(Clone, Copy, Debug)]
pub struct Found(pub Statistics);

pub fn run(edu: &Edu) -> Result<Found, Error> {
    edu.statistics().map(Found)
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::Success
    }
}

impl Serialize for Found {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            COUNTERS
                .iter()
                .map(|counter| (counter.name, (counter.value)(&self.0))),
        )
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for counter in &COUNTERS {
            writeln!(
                f,
                "{:>12}  {:<22} {}",
                (counter.value)(&self.0),
                counter.name,
                counter.meaning
            )?;
        }
        Ok(())
    }
}
