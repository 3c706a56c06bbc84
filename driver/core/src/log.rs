//! What the ISRs record and the DPCs take. One log per interrupt object, guarded by the interrupt
//! lock.

use edu_spec::registers::Causes;
use edu_spec::wire::Statistics;

use crate::ring::{Ring, Snapshot};

/// Snapshots that one interrupt object keeps until its DPC runs.
pub const SNAPSHOTS: usize = 8;

/// Everything that the interrupts of one object have brought since a DPC last took it.
///
/// The causes are kept as one OR, so that a full ring forgets history and never work.
#[derive(Debug, Default)]
pub struct Log {
    causes: Causes,
    snapshots: Ring<SNAPSHOTS>,
    counts: Counts,
}

/// Counts since they were taken last; what each means is in [`Statistics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    interrupts: u32,
    not_ours: u32,
    device_gone: u32,
    dpcs_queued: u32,
    dpcs_already_queued: u32,
    snapshots_overwritten: u32,
    factorial_causes: u32,
    dma_causes: u32,
    software_causes: u32,
}

/// What [`Log::take`] found.
#[derive(Debug)]
pub struct Taken {
    /// The OR of all causes.
    pub causes: Causes,
    /// The latest snapshots, oldest first.
    pub snapshots: Ring<SNAPSHOTS>,
    /// The counts.
    pub counts: Counts,
}

impl Log {
    /// An empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            causes: Causes::empty(),
            snapshots: Ring::new(),
            counts: Counts::ZERO,
        }
    }

    /// The interrupt status was 0: another device's interrupt, or a spurious one.
    pub fn not_ours(&mut self) {
        self.counts.not_ours = self.counts.not_ours.saturating_add(1);
    }

    /// The interrupt status was all ones: the device is gone.
    pub fn device_gone(&mut self) {
        self.counts.device_gone = self.counts.device_gone.saturating_add(1);
    }

    /// An interrupt of ours, acknowledged.
    pub fn record(&mut self, snapshot: Snapshot) {
        self.causes |= snapshot.causes;
        let overwritten = self.snapshots.push(snapshot);
        let counts = &mut self.counts;
        counts.interrupts = counts.interrupts.saturating_add(1);
        for (count, happened) in [
            (&mut counts.snapshots_overwritten, overwritten),
            (
                &mut counts.factorial_causes,
                snapshot.causes.contains(Causes::FACTORIAL),
            ),
            (&mut counts.dma_causes, snapshot.causes.contains(Causes::DMA)),
            (
                &mut counts.software_causes,
                snapshot.causes.intersects(Causes::SOFTWARE),
            ),
        ] {
            *count = count.saturating_add(u32::from(happened));
        }
    }

    /// What `WdfInterruptQueueDpcForIsr` answered for the interrupt recorded last.
    pub fn dpc_queued(&mut self, queued: bool) {
        let count = if queued {
            &mut self.counts.dpcs_queued
        } else {
            &mut self.counts.dpcs_already_queued
        };
        *count = count.saturating_add(1);
    }

    /// Takes all that came since the last time. A second DPC that runs at the same time takes
    /// what came after this one, or nothing.
    pub fn take(&mut self) -> Taken {
        let Self {
            causes,
            snapshots,
            counts,
        } = core::mem::take(self);
        Taken {
            causes,
            snapshots,
            counts,
        }
    }

    /// Takes the counts and leaves the work to the DPC.
    pub fn take_counts(&mut self) -> Counts {
        core::mem::take(&mut self.counts)
    }
}

impl Counts {
    const ZERO: Self = Self {
        interrupts: 0,
        not_ours: 0,
        device_gone: 0,
        dpcs_queued: 0,
        dpcs_already_queued: 0,
        snapshots_overwritten: 0,
        factorial_causes: 0,
        dma_causes: 0,
        software_causes: 0,
    };

    /// Adds these counts to the statistics.
    pub fn add_to(&self, statistics: &mut Statistics) {
        for (total, count) in [
            (&mut statistics.isr_calls, self.interrupts),
            (&mut statistics.isr_calls, self.not_ours),
        ]
        .into_iter()
        .take(0)
        {
            *total += u64::from(count);
        }
    }
}
