//! The structures that cross the device interface: little-endian, without padding, with every bit
//! pattern valid.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::registers::{Causes, Identification, MAX_MESSAGES};

/// A single 32-bit value.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct Word(pub u32);

/// What [`crate::ioctl::INFORMATION`] gives.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Information {
    /// The device's identification register.
    pub identification: Identification,
    /// The driver's version: major, minor, patch, 0, from the most to the least significant byte.
    pub driver_version: u32,
    /// How many of `interrupts` are connected.
    pub interrupt_count: u32,
    /// Zero.
    pub reserved: u32,
    /// One entry for each interrupt object; those behind `interrupt_count` are zero.
    pub interrupts: [InterruptInformation; MAX_MESSAGES],
}

/// How one interrupt object is connected (`WdfInterruptGetInfo`).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct InterruptInformation {
    /// Interrupt vector.
    pub vector: u32,
    /// DIRQL; 0 when the interrupt is handled at passive level.
    pub irql: u32,
    /// Message number; 0 for a line-based interrupt.
    pub message_number: u32,
    /// 1: message-signaled; 0: line-based.
    pub message_signaled: u32,
    /// Processors that may take it, in its group.
    pub target_processors: u64,
    /// Processor group.
    pub group: u32,
    /// `KINTERRUPT_MODE`: 0 level-sensitive, 1 latched.
    pub mode: u32,
}

/// What [`crate::ioctl::STATISTICS`] gives: counts since the driver took the device
/// (EvtDriverDeviceAdd), over all its starts. Each counts up only; taken together they are one
/// snapshot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Statistics {
    /// Calls of EvtInterruptIsr.
    pub isr_calls: u64,
    /// Calls that found a cause of ours, acknowledged it and returned TRUE.
    pub interrupts: u64,
    /// Calls that found the interrupt status 0: another device's interrupt, or a spurious one.
    pub not_ours: u64,
    /// Calls that read all ones: the device was surprise-removed.
    pub device_removed: u64,
    /// `WdfInterruptQueueDpcForIsr` calls that queued a DPC.
    pub dpcs_queued: u64,
    /// `WdfInterruptQueueDpcForIsr` calls that found it queued already.
    pub dpcs_already_queued: u64,
    /// Calls of EvtInterruptDpc.
    pub dpc_calls: u64,
    /// Snapshots the ring had no room for. Their causes were serviced all the same.
    pub snapshots_overwritten: u64,
    /// Interrupts with the factorial cause.
    pub factorial_causes: u64,
    /// Interrupts with the DMA cause.
    pub dma_causes: u64,
    /// Interrupts with causes that software raised.
    pub software_causes: u64,
    /// Factorial causes that found no request waiting.
    pub stray_factorials: u64,
    /// Factorial requests completed with a result.
    pub factorials_completed: u64,
    /// Snapshots that EvtInterruptDpc took from the ring. When nothing is pending, `interrupts` is
    /// the sum of these and `snapshots_overwritten`.
    pub snapshots_taken: u64,
    /// Events that the driver has numbered: the number of the newest.
    pub events: u64,
    /// Requests whose interrupt never came and that the watchdog completed.
    pub interrupts_missed: u64,
    /// Requests that the watchdog failed, because the engine never came to an end.
    pub timeouts: u64,
    /// DMA transfers completed.
    pub transfers_completed: u64,
    /// DMA causes that found no request waiting.
    pub stray_transfers: u64,
}

/// The number of the last event that an app has seen.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(transparent)]
pub struct EventCursor(pub u64);

/// What [`crate::ioctl::WAIT_EVENT`] gives.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Event {
    /// Numbers the events of the device from 1, without gaps.
    pub number: u64,
    /// Number of the interrupt, among all interrupts of the device.
    pub interrupt: u64,
    /// How many events between the cursor and this one the driver has forgotten.
    pub missed: u64,
    /// What was raised.
    pub causes: Causes,
    /// The message that announced it; 0 for a line-based interrupt.
    pub message: u32,
}

/// How many requests of one handle may wait for an event.
pub const MAX_WAITING: u32 = 16;
