//! The watchdog of both engines: one timer, that ticks while one of them has a request.
//!
//! An interrupt that never came is made good: the engine is looked at, and its request completed if it was
//! done at the look before, too: an interrupt that is only on its way is not missed. An engine that never
//! ends is given up: its request fails with STATUS_IO_TIMEOUT, and the next one waits until the engine is
//! idle.

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
