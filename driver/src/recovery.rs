//! What should not happen: found at DISPATCH_LEVEL, traced and made good at PASSIVE_LEVEL by a work item.
//!
//! Whoever finds something holds the device lock, notes it there and queues the work item. One queued
//! work item does for all that is found until it runs, and each run does each thing once at most.

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
        // Nothing more will come of either engine: end both requests now, not at a later tick.
        let ended = findings
            .gone
            .then(|| (state.look_at_factorial(false), state.look_at_dma(false)));
        // These looks find again what is known already.
        state.findings.gone &= !findings.gone;
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
    /// Tells the device once more that it shall interrupt: it may have forgotten. Not while its interrupts
    /// are being disconnected.
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
    if findings.gone {
        trace::DEVICE_GONE.write([]);
    }
}
