//! EvtInterruptDpc: what runs at DISPATCH_LEVEL after an interrupt; for passive-level handling
//! EvtInterruptWorkItem, at PASSIVE_LEVEL, does the same.
//!
//! One register access at most: the result of a factorial. Two of these may run at once, for one
//! object or for two; each takes what the other left.

use edu_spec::registers::Causes;

use super::EduInterrupt;
use crate::{device::EduDevice, events, factorial, wdf::DeferredInterrupt};

/// Takes everything that came since the last run, and does it.
pub fn run(device: &EduDevice, mut interrupt: DeferredInterrupt<'_, EduInterrupt>) {
    // DIRQL only for as long as taking takes.
    let taken = interrupt.lock().map(|guard| guard.own.log.take());
    let mut new_events = false;
    let dma;
    let done = {
        let mut state = device.state.lock();
        // A passive-level ISR has handed its log over.
        let mut taken = taken.unwrap_or_else(|| state.log.take());
        state.statistics.dpc_calls += 1;
        state.statistics.snapshots_taken += taken.snapshots() as u64;
        taken.counts.add_to(&mut state.statistics);
        for snapshot in taken.history() {
            new_events |= state.events.push(snapshot);
        }
        state.findings.causes(taken.causes);
        dma = taken.causes.contains(Causes::DMA);
        let done = if taken.causes.contains(Causes::FACTORIAL) {
            state.factorial_interrupt()
        } else {
            None
        };
        device.attend(&state);
        done
    };
    if dma {
        device.dma_dpc.enqueue();
    }
    // No lock is held: completing wakes the app and may present the next request in this call.
    if let Some(ended) = done {
        factorial::complete(ended);
    }
    if new_events {
        events::serve(device);
    }
}
