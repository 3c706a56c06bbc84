//! The logs that ISRs write and DPCs take: one for each interrupt object, guarded by the interrupt lock.

use edu_spec::registers::Causes;
use edu_spec::wire::Statistics;

use crate::ring::{Ring, Snapshot};

/// Snapshots that one interrupt object keeps until its DPC runs.
pub const SNAPSHOTS: usize = 8;

/// Everything that the ISR of one interrupt object has recorded since a DPC last took it.
///
/// The causes are kept as one OR, so that a full ring loses history but no work.
#[derive(Debug, Default)]
pub struct Log {
    causes: Causes,
    /// The causes of overwritten snapshots.
    overwritten: Causes,
    snapshots: Ring<SNAPSHOTS>,
    counts: Counts,
}

/// Counts since they were taken last; what each means is in [`Statistics`].
///
/// 64 bits each: counting up once a nanosecond, one would overflow after five centuries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    interrupts: u64,
    not_ours: u64,
    device_removed: u64,
    dpcs_queued: u64,
    dpcs_already_queued: u64,
    snapshots_overwritten: u64,
    factorial_causes: u64,
    dma_causes: u64,
    software_causes: u64,
}

/// What [`Log::take`] found.
#[derive(Debug, Default)]
pub struct Taken(Log);

impl Log {
    /// An empty log.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            causes: Causes::empty(),
            overwritten: Causes::empty(),
            snapshots: Ring::new(),
            counts: Counts {
                interrupts: 0,
                not_ours: 0,
                device_removed: 0,
                dpcs_queued: 0,
                dpcs_already_queued: 0,
                snapshots_overwritten: 0,
                factorial_causes: 0,
                dma_causes: 0,
                software_causes: 0,
            },
        }
    }

    /// The interrupt status was 0: another device's interrupt, or a spurious one.
    pub fn not_ours(&mut self) {
        self.counts.not_ours += 1;
    }

    /// The interrupt status was all ones: the device was surprise-removed.
    pub fn device_removed(&mut self) {
        self.counts.device_removed += 1;
    }

    /// An interrupt of ours, acknowledged.
    #[inline]
    pub fn record(&mut self, snapshot: Snapshot) {
        let causes = snapshot.causes;
        self.causes |= causes;
        self.remember(snapshot);
        self.counts.interrupts += 1;
        self.counts.factorial_causes += u64::from(causes.contains(Causes::FACTORIAL));
        self.counts.dma_causes += u64::from(causes.contains(Causes::DMA));
        self.counts.software_causes += u64::from(causes.intersects(Causes::SOFTWARE));
    }

    /// Puts a snapshot into the ring. The causes of a snapshot that it overwrites are kept.
    #[inline]
    fn remember(&mut self, snapshot: Snapshot) {
        if let Some(overwritten) = self.snapshots.push(snapshot) {
            self.overwritten |= overwritten.causes;
            self.counts.snapshots_overwritten += 1;
        }
    }

    /// What `WdfInterruptQueueDpcForIsr` returned for the interrupt recorded last.
    #[inline]
    pub fn dpc_queued(&mut self, queued: bool) {
        self.counts.dpcs_queued += u64::from(queued);
        self.counts.dpcs_already_queued += u64::from(!queued);
    }

    /// Takes everything recorded since the last time. A second DPC that runs at the same time takes what was recorded
    /// after this call, or nothing.
    #[inline]
    pub fn take(&mut self) -> Taken {
        Taken(core::mem::take(self))
    }

    /// Adds what was taken from another log, later than what is here.
    pub fn absorb(&mut self, taken: Taken) {
        let Taken(other) = taken;
        self.causes |= other.causes;
        self.overwritten |= other.overwritten;
        self.counts.add(&other.counts);
        other
            .snapshots
            .iter()
            .for_each(|snapshot| self.remember(snapshot));
    }

    /// Takes the counts and leaves the work to the DPC.
    pub fn take_counts(&mut self) -> Counts {
        core::mem::take(&mut self.counts)
    }
}

impl Taken {
    /// The OR of all causes.
    #[must_use]
    pub const fn causes(&self) -> Causes {
        self.0.causes
    }

    /// The counts.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// How many snapshots there are.
    #[must_use]
    pub const fn snapshots(&self) -> usize {
        self.0.snapshots.len()
    }

    /// The snapshots that were not overwritten, oldest first.
    #[inline]
    pub fn remembered(&self) -> impl Iterator<Item = Snapshot> + '_ {
        self.0.snapshots.iter()
    }

    /// Whether snapshots were overwritten.
    #[must_use]
    #[inline]
    pub const fn has_forgotten(&self) -> bool {
        !self.0.overwritten.is_empty()
    }

    /// The causes that only overwritten snapshots had, as one snapshot before those that are remembered.
    #[must_use]
    #[cold]
    pub fn forgotten(&self) -> Option<Snapshot> {
        let Log {
            overwritten,
            snapshots,
            ..
        } = &self.0;
        let causes = snapshots
            .iter()
            .fold(*overwritten, |causes, later| causes & !later.causes);
        let next = snapshots.iter().next().unwrap_or_default();
        (!causes.is_empty()).then_some(Snapshot {
            sequence: next.sequence.saturating_sub(1),
            causes,
            message: 0,
        })
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.interrupts += other.interrupts;
        self.not_ours += other.not_ours;
        self.device_removed += other.device_removed;
        self.dpcs_queued += other.dpcs_queued;
        self.dpcs_already_queued += other.dpcs_already_queued;
        self.snapshots_overwritten += other.snapshots_overwritten;
        self.factorial_causes += other.factorial_causes;
        self.dma_causes += other.dma_causes;
        self.software_causes += other.software_causes;
    }

    /// Adds these counts to the statistics.
    #[expect(
        clippy::inline_always,
        reason = "it is a part of the DPC: docs/bench.md"
    )]
    #[inline(always)]
    pub fn add_to(&self, statistics: &mut Statistics) {
        statistics.isr_calls += self.interrupts + self.not_ours + self.device_removed;
        statistics.interrupts += self.interrupts;
        statistics.not_ours += self.not_ours;
        statistics.device_removed += self.device_removed;
        statistics.dpcs_queued += self.dpcs_queued;
        statistics.dpcs_already_queued += self.dpcs_already_queued;
        statistics.snapshots_overwritten += self.snapshots_overwritten;
        statistics.factorial_causes += self.factorial_causes;
        statistics.dma_causes += self.dma_causes;
        statistics.software_causes += self.software_causes;
    }
}
