//! An engine of the device and the request for which it works: the factorial engine ([`crate::factorial`]) and the DMA
//! engine.
//!
//! # The device
//! An engine does one job at a time, ignores a start while it is busy, cannot abort, and raises its
//! cause once for each job, after it has stopped being busy.
//!
//! A canceled request leaves the engine busy. So an interrupt may belong to a canceled job, and arrive when the next
//! job waits or even runs: the canceled job may have ended, which let the next one start, and raise its interrupt only
//! then. Nothing in the interrupt tells to which job it belongs. Two rules do:
//!
//! - **A start follows a read that found the engine idle**, so the device does not ignore it. While the engine is busy,
//!   the request waits, and the interrupt of the earlier job starts it.
//! - **An interrupt counts only if the device shows the output** ([`Work::output`]). Otherwise it is a late one, and the
//!   job continues.
//!
//! # The request
//! The engine keeps the request, cancelable, while it works for it. The request leaves it in exactly one of five ways,
//! each under the lock that guards the engine: by [`Engine::on_interrupt`], [`Engine::look`], [`Engine::withdraw`],
//! [`Engine::cancel`], or refused by [`Engine::submit`]. The first three must unmark it cancelable
//! ([`Cancelable::reclaim`]). If that fails, the cancel callback has been called or will be, and the request stays in the
//! engine, as leaving, until that callback takes it.

mod contract;

pub use contract::{Activity, Cancelable, Interrupt, Look, Progress, Refusal, Request, Work};

/// An engine and the request that it works for. Guard it by a lock; see the module's documentation.
#[derive(Debug)]
pub struct Engine<R: Request, J> {
    slot: Slot<R::Cancelable, J>,
    /// Counts the requests that were accepted.
    jobs: u64,
    /// Whether [`Engine::look`] has found the job done before its interrupt was handled.
    late: bool,
}

#[derive(Debug)]
enum Slot<C, J> {
    Empty,
    /// The engine still works on an earlier job.
    Waiting {
        request: C,
        job: J,
    },
    Working {
        request: C,
        job: J,
    },
    /// Canceled; its cancel callback will take it.
    Leaving {
        request: C,
    },
}

impl<R: Request, J> Engine<R, J> {
    /// An engine without a request.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            slot: Slot::Empty,
            jobs: 0,
            late: false,
        }
    }

    /// Starts a request's job, or keeps the request until the engine can. Looks at the activity once.
    ///
    /// # Errors
    /// The request, uncancelable, and why it was refused.
    pub fn submit(
        &mut self,
        request: R,
        job: J,
        work: &mut impl Work<R::Cancelable, Job = J>,
    ) -> Result<(), (R, Refusal)> {
        if !matches!(self.slot, Slot::Empty) {
            return Err((request, Refusal::Busy));
        }
        let activity = work.activity();
        if activity == Activity::Removed {
            return Err((request, Refusal::Removed));
        }
        let request = request
            .into_cancelable()
            .map_err(|request| (request, Refusal::Canceled))?;
        self.jobs += 1;
        self.place(request, job, activity == Activity::Idle, work);
        Ok(())
    }

    fn place(
        &mut self,
        request: R::Cancelable,
        job: J,
        idle: bool,
        work: &mut impl Work<R::Cancelable, Job = J>,
    ) {
        self.late = false;
        if idle {
            work.start(&job, &request);
            self.put(Slot::Working { request, job });
        } else {
            self.put(Slot::Waiting { request, job });
        }
    }

    /// Fills the slot, which is empty: there is nothing to drop.
    #[inline]
    fn put(&mut self, slot: Slot<R::Cancelable, J>) {
        core::mem::forget(core::mem::replace(&mut self.slot, slot));
    }

    /// Handles the engine's cause. Asks for the output once when a request's job runs; looks at the
    /// activity and starts the job when a request waits; else touches nothing.
    #[expect(
        clippy::inline_always,
        reason = "a tenth of the DPC's instructions: docs/bench.md"
    )]
    #[inline(always)]
    pub fn on_interrupt<W: Work<R::Cancelable, Job = J>>(
        &mut self,
        work: &mut W,
    ) -> Interrupt<R, J, W::Output> {
        match self.take() {
            Slot::Empty => Interrupt::Stray,
            Slot::Leaving { request } => {
                self.put(Slot::Leaving { request });
                Interrupt::Stray
            }
            Slot::Waiting { request, job } => match work.activity() {
                Activity::Removed => self.end(request, Interrupt::Removed),
                activity => {
                    self.place(request, job, activity == Activity::Idle, work);
                    Interrupt::Stray
                }
            },
            Slot::Working { request, job } => match work.output(&job) {
                Progress::Busy => {
                    self.put(Slot::Working { request, job });
                    Interrupt::Stray
                }
                Progress::Done(output) => {
                    self.end(request, |request| Interrupt::Done(request, job, output))
                }
                Progress::Removed => self.end(request, Interrupt::Removed),
            },
        }
    }

    /// Ends a request if it is not being canceled.
    fn end<O>(
        &mut self,
        request: R::Cancelable,
        with: impl FnOnce(R) -> Interrupt<R, J, O>,
    ) -> Interrupt<R, J, O> {
        match request.reclaim() {
            Ok(request) => with(request),
            Err(request) => {
                self.put(Slot::Leaving { request });
                Interrupt::Stray
            }
        }
    }

    /// Does what an interrupt would do, if the engine was done at the previous call already: then its interrupt is
    /// lost. At the first such call the interrupt may still be on its way, or its DPC may wait for this caller's lock.
    /// Looks at the activity once, and then does what [`Engine::on_interrupt`] does. With `give_up` it does not wait, and
    /// gives up a request whose job is not done.
    pub fn look<W: Work<R::Cancelable, Job = J>>(
        &mut self,
        give_up: bool,
        work: &mut W,
    ) -> Look<R, J, W::Output> {
        let started = match self.slot {
            Slot::Empty | Slot::Leaving { .. } => return Look::Nothing,
            Slot::Waiting { .. } => false,
            Slot::Working { .. } => true,
        };
        let activity = work.activity();
        if activity == Activity::Removed {
            return self.reclaim().map_or(Look::Nothing, Look::Removed);
        }
        if activity == Activity::Idle {
            if started && !give_up && !core::mem::replace(&mut self.late, true) {
                return Look::Nothing;
            }
            match self.on_interrupt(work) {
                Interrupt::Done(request, job, output) => return Look::Done(request, job, output),
                Interrupt::Removed(request) => return Look::Removed(request),
                // The request that has waited is started now; its time starts, too.
                Interrupt::Stray if !started => return Look::Nothing,
                // The engine is idle, but without a result.
                Interrupt::Stray => {}
            }
        }
        if give_up {
            self.reclaim().map_or(Look::Nothing, Look::GivenUp)
        } else {
            Look::Nothing
        }
    }

    /// Unmarks the request cancelable and gives it up.
    fn reclaim(&mut self) -> Option<R> {
        match self.take() {
            Slot::Waiting { request, .. } | Slot::Working { request, .. } => request
                .reclaim()
                .map_err(|request| self.put(Slot::Leaving { request }))
                .ok(),
            other => {
                self.put(other);
                None
            }
        }
    }

    /// Which of all requests that were accepted is here; they are counted.
    #[must_use]
    pub const fn job(&self) -> Option<u64> {
        match self.slot {
            Slot::Empty => None,
            _ => Some(self.jobs),
        }
    }

    /// In the cancel callback: gives up the canceled request. The engine may work on.
    pub fn cancel(&mut self, canceled: &<R::Cancelable as Cancelable>::Canceled) -> Option<R> {
        match self.take() {
            Slot::Empty => None,
            Slot::Waiting { request, job } => request
                .take_canceled(canceled)
                .map_err(|request| self.put(Slot::Waiting { request, job }))
                .ok(),
            Slot::Working { request, job } => request
                .take_canceled(canceled)
                .map_err(|request| self.put(Slot::Working { request, job }))
                .ok(),
            Slot::Leaving { request } => request
                .take_canceled(canceled)
                .map_err(|request| self.put(Slot::Leaving { request }))
                .ok(),
        }
    }

    /// Gives up a request because the device leaves D0 or is removed. `None` if it is not here, or if the DPC that
    /// has taken it, or its cancel callback, completes it.
    pub fn withdraw(&mut self, id: &<R::Cancelable as Cancelable>::Id) -> Option<R> {
        match &self.slot {
            Slot::Waiting { request, .. } | Slot::Working { request, .. } if request.is(id) => {
                self.reclaim()
            }
            _ => None,
        }
    }

    /// Whether no request is here.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.slot, Slot::Empty)
    }

    fn take(&mut self) -> Slot<R::Cancelable, J> {
        core::mem::replace(&mut self.slot, Slot::Empty)
    }
}

impl<R: Request, J> Default for Engine<R, J> {
    fn default() -> Self {
        Self::new()
    }
}
