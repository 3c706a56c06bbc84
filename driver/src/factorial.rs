//! Factorial requests: from their queue to the engine, and out of it by completion, cancellation or EvtIoStop.
//!
//! [`edu_driver_core::engine`] decides under the device's spin lock who completes a request if several parties try at
//! once. Requests are completed after the lock is released, because completing presents the next one in the same call.

#![forbid(unsafe_code)]

use edu_driver_core::{
    engine::{self, Look},
    factorial,
};
use edu_spec::wire::Word;

use kmdf::{
    CancelHandler, Canceled, Control, ControlHandler, NtStatus, Request, Result, Stop, StopAction,
    StopHandler,
};

use crate::{
    device::{EduDevice, Factorial, State},
    findings::Engine,
    owned::Owned,
    trace,
};

/// A request to complete when the lock is released, and how.
pub type Ended = (Request, Result<Word>);

impl ControlHandler for Factorial {
    type Device = EduDevice;

    fn on_control(device: &EduDevice, request: Request, _control: Control) {
        if let Err((request, failure)) = submit(device, request) {
            complete((request, Err(failure)));
        }
    }
}

/// Starts a request's factorial, or gives the request back with the reason.
fn submit(device: &EduDevice, request: Request) -> core::result::Result<(), (Request, NtStatus)> {
    let operand = match request.input() {
        Ok(Word(operand)) => operand,
        Err(failure) => return Err((request, failure)),
    };
    trace::FACTORIAL_STARTED.write([operand.into()]);
    let mut state = device.state.lock();
    let State {
        registers: Some(registers),
        factorial,
        ..
    } = &mut *state
    else {
        return Err((request, NtStatus::DEVICE_NOT_READY));
    };
    factorial
        .submit(
            Owned::new(request),
            operand,
            &mut factorial::Factorial(registers),
        )
        .map_err(|(request, refusal)| (request.into_request(), refusal_status(refusal)))?;
    device.watch(&mut state);
    Ok(())
}

/// What a request fails with that an engine refuses.
pub fn refusal_status(refusal: engine::Refusal) -> NtStatus {
    match refusal {
        engine::Refusal::Canceled => NtStatus::CANCELLED,
        engine::Refusal::Removed => NtStatus::DEVICE_DOES_NOT_EXIST,
        engine::Refusal::Busy => NtStatus::INTERNAL_ERROR,
    }
}

impl StopHandler for Factorial {
    type Device = EduDevice;

    fn on_stop(device: &EduDevice, stop: Stop<'_>) {
        // If it is not found there, the DPC or the cancel callback is completing it.
        let withdrawn = device.state.lock().factorial.withdraw(stop.id);
        if let Some(request) = withdrawn {
            end_stopped(request.into_request(), stop);
        }
    }
}

/// Ends a request that its engine has given up for EvtIoStop.
pub fn end_stopped(request: Request, stop: Stop<'_>) {
    match stop.action {
        // The device may lose what it computes: it starts again after D0 entry.
        StopAction::Suspend => stop.requeue(request),
        StopAction::Purge => request.complete(Err(NtStatus::CANCELLED)),
    }
}

impl CancelHandler for Factorial {
    type Device = EduDevice;

    fn on_cancel(device: &EduDevice, canceled: &Canceled) {
        let canceled_request = device.state.lock().factorial.cancel(canceled);
        if let Some(request) = canceled_request {
            complete((request.into_request(), Err(NtStatus::CANCELLED)));
        }
    }
}

/// Completes a request. IRQL: <= DISPATCH_LEVEL; hold no lock.
#[inline]
pub fn complete((request, outcome): Ended) {
    match outcome {
        Ok(word) => {
            trace::FACTORIAL_COMPLETED.write([word.0.into()]);
            request.respond(&word);
        }
        Err(failure) => {
            trace::FACTORIAL_FAILED.write([trace::status(failure)]);
            request.complete(Err(failure));
        }
    }
}

impl State {
    /// Handles the factorial cause.
    #[expect(
        clippy::inline_always,
        reason = "it is a part of the DPC: docs/bench.md"
    )]
    #[inline(always)]
    pub fn factorial_interrupt(&mut self) -> Option<Ended> {
        let registers = self.registers.as_mut()?;
        match self
            .factorial
            .on_interrupt(&mut factorial::Factorial(registers))
        {
            engine::Interrupt::Done(request, _, value) => {
                self.statistics.factorials_completed += 1;
                Some((request.into_request(), Ok(Word(value))))
            }
            engine::Interrupt::Removed(request) => Some(self.device_removed(request)),
            engine::Interrupt::Stray => {
                self.statistics.stray_factorials += 1;
                None
            }
        }
    }

    /// What the watchdog does about a factorial that takes long.
    pub fn look_at_factorial(&mut self, give_up: bool) -> Option<Ended> {
        let registers = self.registers.as_mut()?;
        match self
            .factorial
            .look(give_up, &mut factorial::Factorial(registers))
        {
            Look::Nothing => None,
            Look::Done(request, _, value) => {
                self.findings.missed(Engine::Factorial);
                self.statistics.interrupts_missed += 1;
                self.statistics.factorials_completed += 1;
                Some((request.into_request(), Ok(Word(value))))
            }
            Look::Removed(request) => Some(self.device_removed(request)),
            Look::GivenUp(request) => Some(self.given_up(Engine::Factorial, request)),
        }
    }
}
