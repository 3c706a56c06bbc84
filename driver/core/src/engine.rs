//! The factorial engine: whose factorial the device computes, and who completes that request.
//!
//! # The device
//! It computes one factorial at a time, ignores a start while it computes, cannot abort, and raises
//! [`Causes::FACTORIAL`] once for each factorial, *after* it has cleared [`Status::COMPUTING`]. Its
//! factorial register reads the operand while it computes and the result from then on.
//!
//! A canceled request leaves the device computing. So an interrupt may belong to a factorial that
//! nobody wants any more, and arrive when the next one is already wanted, or even running: the
//! previous one may have cleared `COMPUTING`, which let the next one start, and raise its interrupt
//! only now. Nothing in the interrupt tells the two apart. These two checks do:
//!
//! - **A start follows a status that says not computing**, so it is never ignored, and what the
//!   register reads from then on is the operand or its factorial. While it says computing, the
//!   request waits; the interrupt of that factorial is still to come, and starts it.
//! - **A result that equals the operand is none**: the device still computes, so the interrupt was
//!   a late one. Only 1 and 2 are their own factorials; for them the value is right either way.
//!
//! The result is thus right at every interleaving, for one read of the status with each start and
//! one read of the result with each interrupt.
//!
//! # The request
//! It is kept here while the device computes, cancelable, and leaves by exactly one of five doors,
//! each of which runs under the lock that guards the engine: [`Engine::on_interrupt`],
//! [`Engine::look`], [`Engine::withdraw`], [`Engine::cancel`], or refusal by [`Engine::submit`]. The
//! first three must take it back from cancellation ([`Cancelable::reclaim`]). If that fails, the cancel
//! callback has been called or will be, and the request stays, leaving, until that
//! callback fetches it.
//!
//! [`Causes::FACTORIAL`]: edu_spec::registers::Causes::FACTORIAL

use edu_spec::registers::{ALL_ONES, Status};

/// A request that can be made cancelable.
pub trait Request: Sized {
    /// The same request while the framework may cancel it.
    type Cancelable: Cancelable<Request = Self>;

    /// Makes it cancelable (`WdfRequestMarkCancelableEx`).
    ///
    /// # Errors
    /// It has been canceled already, and is still the caller's to complete.
    fn into_cancelable(self) -> Result<Self::Cancelable, Self>;
}

/// A cancelable request.
pub trait Cancelable: Sized {
    /// The same request when it is not cancelable.
    type Request;
    /// Names the request and proves that the framework has canceled it.
    type Canceled;
    /// Names a request.
    type Id;

    /// Makes it uncancelable (`WdfRequestUnmarkCancelable`).
    ///
    /// # Errors
    /// It has been canceled: its cancel callback runs, or will.
    fn reclaim(self) -> Result<Self::Request, Self>;

    /// In the cancel callback: takes it.
    ///
    /// # Errors
    /// Another request was canceled.
    fn redeem(self, canceled: &Self::Canceled) -> Result<Self::Request, Self>;

    /// Whether it is that request.
    fn is(&self, id: &Self::Id) -> bool;
}

/// The registers that the engine uses.
pub trait Registers {
    /// Reads the status register.
    fn status(&mut self) -> Status;
    /// Writes an operand to the factorial register.
    fn start(&mut self, operand: u32);
    /// Reads the factorial register.
    fn result(&mut self) -> u32;
}

/// The engine. Guard it by a lock; see the module's documentation.
#[derive(Debug)]
pub struct Engine<R: Request> {
    slot: Slot<R::Cancelable>,
    /// Counts the requests that were accepted.
    jobs: u64,
}

#[derive(Debug)]
enum Slot<C> {
    Empty,
    /// The device still computes what somebody asked for before.
    Waiting {
        request: C,
        operand: u32,
    },
    Computing {
        request: C,
        operand: u32,
    },
    /// Canceled; its cancel callback will fetch it.
    Leaving {
        request: C,
    },
}

/// Why [`Engine::submit`] gave a request back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It had been canceled.
    Canceled,
    /// The device is gone.
    Gone,
    /// Another request is here. A sequential queue never lets that happen.
    Busy,
}

/// What an interrupt meant.
#[derive(Debug, PartialEq, Eq)]
pub enum Interrupt<R> {
    /// No factorial is done that anybody waits for: it is a late one, or its request is canceled.
    Stray,
    /// This request's factorial is done: complete it with the value.
    Done(R, u32),
    /// The device is gone: fail this request.
    Gone(R),
}

/// What [`Engine::look`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Look<R> {
    /// Nothing to do.
    Nothing,
    /// This request's factorial is done and its interrupt has not come: complete it.
    Done(R, u32),
    /// The device is gone: fail this request.
    Gone(R),
    /// This request has had enough time: fail it.
    GivenUp(R),
}

impl<R: Request> Engine<R> {
    /// An engine without a request.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            slot: Slot::Empty,
            jobs: 0,
        }
    }

    /// Starts a request's factorial, or keeps it until the device can. Reads the status register
    /// once and writes the factorial register at most once.
    ///
    /// # Errors
    /// The request, uncancelable, and why it was refused.
    pub fn submit(
        &mut self,
        request: R,
        operand: u32,
        registers: &mut impl Registers,
    ) -> Result<(), (R, Refusal)> {
        if !matches!(self.slot, Slot::Empty) {
            return Err((request, Refusal::Busy));
        }
        let status = registers.status();
        if status.bits() == ALL_ONES {
            return Err((request, Refusal::Gone));
        }
        let request = request
            .into_cancelable()
            .map_err(|request| (request, Refusal::Canceled))?;
        self.jobs += 1;
        self.slot = if status.contains(Status::COMPUTING) {
            Slot::Waiting { request, operand }
        } else {
            registers.start(operand);
            Slot::Computing { request, operand }
        };
        Ok(())
    }

    /// Handles the factorial cause. Reads the factorial register once when a request computes;
    /// does what [`Engine::submit`] does when one waits; else touches no register.
    pub fn on_interrupt(&mut self, registers: &mut impl Registers) -> Interrupt<R> {
        match self.take() {
            Slot::Empty => Interrupt::Stray,
            Slot::Leaving { request } => {
                self.slot = Slot::Leaving { request };
                Interrupt::Stray
            }
            Slot::Waiting { request, operand } => self.retry(request, operand, registers),
            Slot::Computing { request, operand } => {
                let value = registers.result();
                if value == operand && !is_own_factorial(operand) {
                    self.slot = Slot::Computing { request, operand };
                    return Interrupt::Stray;
                }
                match request.reclaim() {
                    // No factorial is all ones: all but the first two are even.
                    Ok(request) if value == ALL_ONES => Interrupt::Gone(request),
                    Ok(request) => Interrupt::Done(request, value),
                    Err(request) => {
                        self.slot = Slot::Leaving { request };
                        Interrupt::Stray
                    }
                }
            }
        }
    }

    /// The factorial that the device computed before is done, if the status says so.
    fn retry(
        &mut self,
        request: R::Cancelable,
        operand: u32,
        registers: &mut impl Registers,
    ) -> Interrupt<R> {
        let status = registers.status();
        if status.bits() == ALL_ONES {
            return match request.reclaim() {
                Ok(request) => Interrupt::Gone(request),
                Err(request) => {
                    self.slot = Slot::Leaving { request };
                    Interrupt::Stray
                }
            };
        }
        self.slot = if status.contains(Status::COMPUTING) {
            Slot::Waiting { request, operand }
        } else {
            registers.start(operand);
            Slot::Computing { request, operand }
        };
        Interrupt::Stray
    }

    /// Does what an interrupt would, if the device has done its part: its interrupt is late, or lost.
    /// Reads the status register once, and then what [`Engine::on_interrupt`] reads. With
    /// `give_up`, gives up a request whose factorial is not done.
    pub fn look(&mut self, give_up: bool, registers: &mut impl Registers) -> Look<R> {
        match self.slot {
            Slot::Empty | Slot::Leaving { .. } => return Look::Nothing,
            Slot::Waiting { .. } | Slot::Computing { .. } => {}
        }
        let status = registers.status();
        if status.contains(Status::COMPUTING) && status.bits() != ALL_ONES {
            if !give_up {
                return Look::Nothing;
            }
            return match self.reclaim() {
                Some(request) => Look::GivenUp(request),
                None => Look::Nothing,
            };
        }
        match self.on_interrupt(registers) {
            Interrupt::Done(request, value) => Look::Done(request, value),
            Interrupt::Gone(request) => Look::Gone(request),
            Interrupt::Stray => Look::Nothing,
        }
    }

    /// Takes the request back from cancellation and gives it up.
    fn reclaim(&mut self) -> Option<R> {
        match self.take() {
            Slot::Waiting { request, .. } | Slot::Computing { request, .. } => request
                .reclaim()
                .map_err(|request| self.slot = Slot::Leaving { request })
                .ok(),
            other => {
                self.slot = other;
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

    /// In the cancel callback: gives up the canceled request. The device may compute on.
    pub fn cancel(&mut self, canceled: &<R::Cancelable as Cancelable>::Canceled) -> Option<R> {
        match self.take() {
            Slot::Empty => None,
            Slot::Waiting { request, operand } => self.redeem(request, canceled, |request| {
                Slot::Waiting { request, operand }
            }),
            Slot::Computing { request, operand } => self.redeem(request, canceled, |request| {
                Slot::Computing { request, operand }
            }),
            Slot::Leaving { request } => {
                self.redeem(request, canceled, |request| Slot::Leaving { request })
            }
        }
    }

    fn redeem(
        &mut self,
        request: R::Cancelable,
        canceled: &<R::Cancelable as Cancelable>::Canceled,
        keep: impl FnOnce(R::Cancelable) -> Slot<R::Cancelable>,
    ) -> Option<R> {
        request
            .redeem(canceled)
            .map_err(|other| self.slot = keep(other))
            .ok()
    }

    /// Gives up a request because the device leaves D0 or is removed. `None` if it is not here, or
    /// somebody else completes it: the DPC that has taken it, or its cancel callback.
    pub fn withdraw(&mut self, id: &<R::Cancelable as Cancelable>::Id) -> Option<R> {
        match &self.slot {
            Slot::Waiting { request, .. } | Slot::Computing { request, .. } if request.is(id) => {
                self.reclaim()
            }
            _ => None,
        }
    }

    /// Whether a request is here.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.slot, Slot::Empty)
    }

    fn take(&mut self) -> Slot<R::Cancelable> {
        core::mem::replace(&mut self.slot, Slot::Empty)
    }
}

impl<R: Request> Default for Engine<R> {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether n! modulo 2^32 is n.
const fn is_own_factorial(n: u32) -> bool {
    n == 1 || n == 2
}
