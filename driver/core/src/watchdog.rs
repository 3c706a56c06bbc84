//! When the time of an engine's job is over.
//!
//! A timer ticks while the engine has a request. Nothing is counted, started or stopped for each request: at each tick
//! the watchdog only checks whether it is still the same job.

/// Ticks that a job may last.
pub const PATIENCE_TICKS: u32 = 30;

/// Watches one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watchdog {
    job: u64,
    ticks: u32,
}

/// What to do after a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The engine is free: it needs no further tick.
    Rest,
    /// Tick again.
    Wait,
    /// It is the same job as at the last tick: look at the device, its interrupt may be lost.
    Look,
    /// The job's time is over: look, and if it is not done, fail it.
    GiveUp,
}

impl Watchdog {
    /// No job yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { job: 0, ticks: 0 }
    }

    /// The timer has ticked. `job` is the number of the engine's job, or `None` if it has none.
    pub fn tick(&mut self, job: Option<u64>) -> Verdict {
        let Some(job) = job else {
            return Verdict::Rest;
        };
        if job != self.job {
            self.job = job;
            self.ticks = 0;
            return Verdict::Wait;
        }
        self.ticks += 1;
        if self.ticks < PATIENCE_TICKS {
            Verdict::Look
        } else {
            self.ticks = 0;
            Verdict::GiveUp
        }
    }
}
