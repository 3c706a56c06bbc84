//! Factorial requests: from their queue to the engine, and out again by cancellation or power.
//!
//! Who completes a request when several want to at once is decided in
//! [`edu_driver_core::engine`], under the device's spin lock. Requests are completed after the lock
//! is released, because completing presents the next one, in this very call.

#![forbid(unsafe_code)]

use edu_driver_core::{engine, watchdog::Verdict};
use edu_spec::wire::Word;

use crate::{
    device::{EduDevice, State},
    wdf::{
        CancelHandler, CancelableRequest, Canceled, Control, ControlHandler, NtStatus, Request,
        RequestId, Result, Stop, StopAction, StopHandler, TimerHandler,
    },
};

/// The queue of the factorial engine: sequential, power-managed.
pub struct Factorial;

impl ControlHandler for Factorial {
    type Device = EduDevice;

    fn on_control(device: &EduDevice, request: Request, _control: Control) {
        let submitted = submit(device, request);
        if let Err((request, failure)) = submitted {
            request.complete(Err(failure));
        }
    }
}

/// Starts a request's factorial, or gives the request back with the reason.
fn submit(device: &EduDevice, request: Request) -> core::result::Result<(), (Request, NtStatus)> {
    let operand = match request.input() {
        Ok(Word(operand)) => operand,
        Err(failure) => return Err((request, failure)),
    };
    let mut state = device.state.lock();
    state
        .submit(FactorialRequest(request), operand)
        .map_err(|(FactorialRequest(request), failure)| (request, failure))?;
    if state.watchdog.job_started() {
        device.watchdog_timer.start(TICK_MS);
    }
    Ok(())
}

/// Time between two looks of the watchdog.
const TICK_MS: u32 = 1_000;

impl TimerHandler for Factorial {
    type Device = EduDevice;

    fn on_timer(device: &EduDevice) {
        let mut state = device.state.lock();
        let job = state.engine.job();
        let verdict = state.watchdog.tick(job);
        if verdict != Verdict::Rest {
            device.watchdog_timer.start(TICK_MS);
        }
        let ended = match verdict {
            Verdict::Rest | Verdict::Wait => None,
            Verdict::Look => state.look(false),
            Verdict::GiveUp => state.look(true),
        };
        drop(state);
        if let Some((request, outcome)) = ended {
            request.complete(outcome);
        }
    }
}

impl StopHandler for Factorial {
    fn on_stop(device: &EduDevice, stop: Stop<'_>) {
        // If it is not found there, the DPC or the cancel callback is completing it.
        let withdrawn = device.state.lock().engine.withdraw(stop.id);
        if let Some(FactorialRequest(request)) = withdrawn {
            match stop.action {
                // The device may lose what it computes: start again when it is back.
                StopAction::Suspend => stop.requeue(request),
                StopAction::Purge => request.complete(Err(NtStatus::CANCELLED)),
            }
        }
    }
}

impl CancelHandler for Factorial {
    type Device = EduDevice;

    fn on_cancel(device: &EduDevice, canceled: &Canceled) {
        let redeemed = device.state.lock().engine.cancel(canceled);
        if let Some(FactorialRequest(request)) = redeemed {
            request.complete(Err(NtStatus::CANCELLED));
        }
    }
}

/// A request for a factorial.
pub struct FactorialRequest(Request);

impl FactorialRequest {
    /// Completes it. IRQL: <= DISPATCH_LEVEL; hold no lock.
    pub fn complete(self, outcome: Result<Word>) {
        match outcome {
            Ok(word) => self.0.respond(&word),
            Err(failure) => self.0.complete(Err(failure)),
        }
    }
}

impl engine::Request for FactorialRequest {
    type Cancelable = CancelableFactorial;

    fn into_cancelable(self) -> core::result::Result<CancelableFactorial, Self> {
        self.0
            .into_cancelable::<Factorial>()
            .map(CancelableFactorial)
            .map_err(Self)
    }
}

/// A request for a factorial while the device computes.
pub struct CancelableFactorial(CancelableRequest);

impl engine::Cancelable for CancelableFactorial {
    type Request = FactorialRequest;
    type Canceled = Canceled;
    type Id = RequestId;

    fn reclaim(self) -> core::result::Result<FactorialRequest, Self> {
        self.0.reclaim().map(FactorialRequest).map_err(Self)
    }

    fn redeem(self, canceled: &Canceled) -> core::result::Result<FactorialRequest, Self> {
        canceled.redeem(self.0).map(FactorialRequest).map_err(Self)
    }

    fn is(&self, id: &RequestId) -> bool {
        self.0.is(id)
    }
}

impl State {
    fn submit(
        &mut self,
        request: FactorialRequest,
        operand: u32,
    ) -> core::result::Result<(), (FactorialRequest, NtStatus)> {
        let (engine, registers) = self.engine_and_registers();
        let registers = match registers {
            Ok(registers) => registers,
            Err(failure) => return Err((request, failure)),
        };
        engine
            .submit(request, operand, registers)
            .map_err(|(request, refusal)| {
                let failure = match refusal {
                    engine::Refusal::Canceled => NtStatus::CANCELLED,
                    engine::Refusal::Gone => NtStatus::DEVICE_DOES_NOT_EXIST,
                    engine::Refusal::Busy => NtStatus::INTERNAL_ERROR,
                };
                (request, failure)
            })
    }

    /// What the watchdog does about a job that lasts. Returns the request to complete when the lock
    /// is released, and how.
    fn look(&mut self, give_up: bool) -> Option<(FactorialRequest, Result<Word>)> {
        let (engine, registers) = self.engine_and_registers();
        match engine.look(give_up, registers.ok()?) {
            engine::Look::Nothing => None,
            engine::Look::Done(request, value) => {
                self.statistics.interrupts_missed += 1;
                self.statistics.factorials_completed += 1;
                Some((request, Ok(Word(value))))
            }
            engine::Look::Gone(request) => Some((request, Err(NtStatus::DEVICE_DOES_NOT_EXIST))),
            engine::Look::GivenUp(request) => {
                self.statistics.timeouts += 1;
                Some((request, Err(NtStatus::IO_TIMEOUT)))
            }
        }
    }

    /// Handles the factorial cause. Returns the request to complete when the lock is released, and
    /// how.
    pub fn factorial_interrupt(&mut self) -> Option<(FactorialRequest, Result<Word>)> {
        let (engine, registers) = self.engine_and_registers();
        let interrupt = engine.on_interrupt(registers.ok()?);
        match interrupt {
            engine::Interrupt::Done(request, value) => {
                self.statistics.factorials_completed += 1;
                Some((request, Ok(Word(value))))
            }
            engine::Interrupt::Gone(request) => {
                Some((request, Err(NtStatus::DEVICE_DOES_NOT_EXIST)))
            }
            engine::Interrupt::Stray => {
                self.statistics.stray_factorials += 1;
                None
            }
        }
    }
}
