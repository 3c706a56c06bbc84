//! The watchdog of both engines: one timer that ticks while one of them has a request.
//!
//! It recovers from a lost interrupt: if an engine was done at two ticks without an interrupt, the watchdog completes its
//! request. At one tick the interrupt may still be on its way. If an engine does not end, its request fails with
//! STATUS_IO_TIMEOUT, and the next one waits until the engine is idle.

#![forbid(unsafe_code)]

use edu_driver_core::watchdog::Verdict;

use kmdf::TimerHandler;

use crate::{
    device::{EduDevice, TICK_MS},
    factorial, transfer,
};

/// The timer.
pub struct Tick;

impl TimerHandler for Tick {
    type Device = EduDevice;

    fn run(device: &EduDevice) {
        let mut state = device.state.lock();
        let job = state.factorial.job();
        let factorial = state.factorial_watchdog.tick(job);
        let job = state.dma.job();
        let dma = state.dma_watchdog.tick(job);
        state.ticking = factorial != Verdict::Rest || dma != Verdict::Rest;
        if state.ticking {
            device.watchdog_timer.start(TICK_MS);
        }
        let factorial_ended = match factorial {
            Verdict::Rest | Verdict::Wait => None,
            Verdict::Look => state.look_at_factorial(false),
            Verdict::GiveUp => state.look_at_factorial(true),
        };
        let dma_ended = match dma {
            Verdict::Rest | Verdict::Wait => None,
            Verdict::Look => state.look_at_dma(false),
            Verdict::GiveUp => state.look_at_dma(true),
        };
        device.queue_recovery(&state);
        drop(state);
        if let Some(ended) = factorial_ended {
            factorial::complete(ended);
        }
        if let Some(ended) = dma_ended {
            transfer::complete(ended);
        }
    }
}
