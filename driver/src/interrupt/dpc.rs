//! EvtInterruptDpc: what runs at DISPATCH_LEVEL after an interrupt; for passive-level handling
//! EvtInterruptWorkItem, at PASSIVE_LEVEL, does the same.
//!
//! It makes at most one register access, which reads the result of a factorial. Two of these may run at once, for one
//! object or for two; each interrupt is taken by one of them.

use edu_driver_core::log::Taken;
use edu_spec::registers::Causes;

use kmdf::DeferredInterrupt;

use crate::{device::EduDevice, events, factorial, isr_context::EduInterrupt};

/// Takes everything that was recorded since the last run, and processes it.
pub fn run(device: &EduDevice, mut interrupt: DeferredInterrupt<'_, EduInterrupt>) {
    let taken = match interrupt.lock() {
        // DIRQL only for as long as taking takes.
        Some(guard) => guard.own.log.take(),
        // A passive-level ISR has moved its log there.
        None => device.state.lock().log.take(),
    };
    if work_off(device, &taken, 1) {
        events::answer_in_dpc(device);
    }
}

/// Processes what the ISRs have recorded while they could not queue a DPC. IRQL: <= DISPATCH_LEVEL; hold no lock.
#[cold]
#[inline(never)]
pub fn work_off_late(device: &EduDevice, taken: &Taken) {
    if work_off(device, taken, 0) {
        events::answer(device);
    }
}

/// Processes what the ISRs have recorded, in that many calls of a DPC. Returns whether there are new events.
/// IRQL: <= DISPATCH_LEVEL; hold no lock.
#[expect(
    clippy::inline_always,
    reason = "it is a part of the DPC: docs/bench.md"
)]
#[inline(always)]
fn work_off(device: &EduDevice, taken: &Taken, dpc_calls: u64) -> bool {
    let (done, new_events) = {
        let state = &mut *device.state.lock();
        state.statistics.dpc_calls += dpc_calls;
        state.statistics.snapshots_taken += taken.snapshots() as u64;
        taken.counts().add_to(&mut state.statistics);
        let new_events = state.events.record(taken);
        state.findings.causes(taken.causes());
        let done = if taken.causes().contains(Causes::FACTORIAL) {
            state.factorial_interrupt()
        } else {
            None
        };
        device.queue_recovery(state);
        (done, new_events)
    };
    if taken.causes().contains(Causes::DMA) {
        device.dma_dpc.enqueue();
    }
    // No lock is held: completing wakes the app and may present the next request in this call.
    if let Some(ended) = done {
        factorial::complete(ended);
    }
    new_events
}
