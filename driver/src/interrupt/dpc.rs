//! EvtInterruptDpc: what runs at DISPATCH_LEVEL after an interrupt.
//!
//! One register access at most: the result of a factorial. Two of these may run at once, for one
//! object or for two; each takes what the other left.

use edu_spec::registers::Causes;

use super::EduInterrupt;
use crate::{device::EduDevice, events, wdf::DpcInterrupt};

/// Takes everything that came since the last run, and does it.
pub fn run(device: &EduDevice, mut interrupt: DpcInterrupt<'_, EduInterrupt>) {
    // DIRQL only for as long as taking takes.
    let Some(mut taken) = interrupt.lock().map(|guard| guard.own.log.take()) else {
        return;
    };
    let mut new_events = false;
    let done = {
        let mut state = device.state.lock();
        state.statistics.dpc_calls += 1;
        state.statistics.snapshots_taken += taken.snapshots() as u64;
        taken.counts.add_to(&mut state.statistics);
        for snapshot in taken.history() {
            new_events |= state.events.push(snapshot);
        }
        if taken.causes.contains(Causes::FACTORIAL) {
            state.factorial_interrupt()
        } else {
            None
        }
    };
    // No lock is held: completing wakes the app and may present the next request in this call.
    if let Some((request, outcome)) = done {
        request.complete(outcome);
    }
    if new_events {
        events::serve(device);
    }
}
