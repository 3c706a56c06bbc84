//! The factorial engine as [`Work`].
//!
//! It reads [`Status::COMPUTING`] while it is busy. Its factorial register reads the operand while it computes, and the
//! result from then on. So **a value that equals the operand is not a result**: the device still computes, and the
//! interrupt was a late one. Only 1 and 2 are their own factorials; for them the value is right in either case. So the
//! result is right at every interleaving, at the cost of one read of the status for each start and one read of the result
//! for each interrupt.

use edu_spec::registers::{ALL_ONES, Status};

use crate::engine::{Activity, Progress, Work};

/// The registers that the engine uses.
pub trait Registers {
    /// Reads the status register.
    fn status(&mut self) -> Status;
    /// Writes an operand to the factorial register.
    fn start(&mut self, operand: u32);
    /// Reads the factorial register.
    fn result(&mut self) -> u32;
}

/// The factorial engine behind these registers. Its jobs are operands.
pub struct Factorial<'a, T>(pub &'a mut T);

impl<T: Registers, C> Work<C> for Factorial<'_, T> {
    type Job = u32;
    type Output = u32;

    fn activity(&mut self) -> Activity {
        let status = self.0.status();
        if status.bits() == ALL_ONES {
            Activity::Removed
        } else if status.contains(Status::COMPUTING) {
            Activity::Busy
        } else {
            Activity::Idle
        }
    }

    fn start(&mut self, operand: &u32, _request: &C) {
        self.0.start(*operand);
    }

    fn output(&mut self, operand: &u32) -> Progress<u32> {
        let value = self.0.result();
        if value == *operand && !is_own_factorial(value) {
            Progress::Busy
        } else if value == ALL_ONES {
            // No factorial is all ones: all but the first two are even.
            Progress::Removed
        } else {
            Progress::Done(value)
        }
    }
}

/// Whether n! modulo 2^32 is n.
const fn is_own_factorial(n: u32) -> bool {
    n == 1 || n == 2
}
