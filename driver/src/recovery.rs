//! Recovery from device errors: they are found at DISPATCH_LEVEL, and a work item traces and handles them at
//! PASSIVE_LEVEL.
//!
//! The code that finds an error holds the device lock, notes the error there and queues the work item. One queued work
//! item handles all errors that are found until it runs, and each run does each thing at most once.

#![forbid(unsafe_code)]

use kmdf::WorkItemHandler;

use crate::{
    device::{EduDevice, State},
    factorial,
    findings::{Engine, Findings},
    trace, transfer,
};

/// The work item.
pub struct Recovery;

impl WorkItemHandler for Recovery {
    type Device = EduDevice;

    fn run(device: &EduDevice) {
        let mut state = device.state.lock();
        let findings = core::mem::take(&mut state.findings);
        if findings.missed[Engine::Factorial as usize] {
            state.rearm();
        }
        // No engine will finish: end both requests now, not at a later tick.
        let ended = findings
            .removed
            .then(|| (state.look_at_factorial(false), state.look_at_dma(false)));
        // These checks find the removal again.
        state.findings.removed &= !findings.removed;
        drop(state);
        trace(&findings);
        if let Some((factorial, transfer)) = ended {
            if let Some(ended) = factorial {
                factorial::complete(ended);
            }
            if let Some(ended) = transfer {
                transfer::complete(ended);
            }
        }
    }
}

impl State {
    /// Enables the device's interrupt again, which the device may have lost; but not while its interrupts are being
    /// disconnected.
    fn rearm(&mut self) {
        if self.connected.is_none() {
            return;
        }
        if let Ok(registers) = self.registers() {
            registers.set_interrupt_when_done(true);
        }
    }
}

fn trace(findings: &Findings) {
    if !findings.unknown.is_empty() {
        trace::UNKNOWN_CAUSES.write([findings.unknown.bits().into()]);
    }
    for engine in [Engine::Factorial, Engine::Dma] {
        if findings.missed[engine as usize] {
            trace::INTERRUPT_MISSED.write([engine as u64]);
        }
        if findings.stuck[engine as usize] {
            trace::ENGINE_STUCK.write([engine as u64]);
        }
    }
    if findings.removed {
        trace::DEVICE_SURPRISE_REMOVED.write([]);
    }
}
