//! What should not happen: found at DISPATCH_LEVEL, traced and made good at PASSIVE_LEVEL by a work item.
//!
//! Whoever finds something holds the device lock, notes it there and queues the work item. One queued
//! work item does for all that is found until it runs, and each run does each thing once at most.

#![forbid(unsafe_code)]

use edu_spec::registers::Causes;

use kmdf::{NtStatus, Request, Result, WorkItemHandler};

use crate::{
    device::{EduDevice, State},
    factorial,
    owned::Owned,
    trace, transfer,
};

/// The engines, as traces name them.
#[derive(Clone, Copy)]
#[repr(u64)]
pub enum Engine {
    /// Computes factorials.
    Factorial = 0,
    /// Transfers.
    Dma = 1,
}

/// What was found and not yet recovered from.
#[derive(Clone, Copy, Default)]
pub struct Findings {
    /// Causes that are neither an engine's nor software's.
    unknown: Causes,
    /// By [`Engine`]: its interrupt did not come.
    missed: [bool; 2],
    /// By [`Engine`]: it does not end.
    stuck: [bool; 2],
    /// The device reads all ones.
    gone: bool,
}

impl Findings {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            unknown: Causes::empty(),
            missed: [false; 2],
            stuck: [false; 2],
            gone: false,
        }
    }

    /// These causes were raised.
    pub fn causes(&mut self, causes: Causes) {
        self.unknown |= causes & !Causes::ENGINES & !Causes::SOFTWARE;
    }

    /// An engine was done, but had not interrupted.
    pub const fn missed(&mut self, engine: Engine) {
        self.missed[engine as usize] = true;
    }

    /// An engine had enough time.
    pub const fn stuck(&mut self, engine: Engine) {
        self.stuck[engine as usize] = true;
    }

    /// The device reads all ones.
    pub const fn gone(&mut self) {
        self.gone = true;
    }

    fn is_empty(&self) -> bool {
        let Self {
            unknown,
            missed,
            stuck,
            gone,
        } = self;
        unknown.is_empty() && *missed == [false; 2] && *stuck == [false; 2] && !gone
    }
}

/// The work item.
pub struct Recovery;

impl EduDevice {
    /// Queues the work item, if anything was found. Called under the device lock by
    /// those who may have found it. IRQL: DISPATCH_LEVEL.
    #[inline]
    pub fn queue_recovery(&self, state: &State) {
        if !state.findings.is_empty() {
            self.recovery.enqueue();
        }
    }
}

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
    /// Ends a request whose device is gone.
    pub fn gone<H, T>(&mut self, request: Owned<H>) -> (Request, Result<T>) {
        self.findings.gone();
        let failure = NtStatus::DEVICE_DOES_NOT_EXIST;
        (request.into_request(), Err(failure))
    }

    /// Ends a request whose engine had enough time.
    pub fn given_up<H, T>(&mut self, engine: Engine, request: Owned<H>) -> (Request, Result<T>) {
        self.findings.stuck(engine);
        self.statistics.timeouts += 1;
        (request.into_request(), Err(NtStatus::IO_TIMEOUT))
    }

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
