//! The factorial engine.

use edu_spec::registers::Status;

use crate::Config;

/// From here on every factorial has so many factors 2 that nothing is left of it modulo 2^32.
const VANISHES: u32 = 34;

/// n! modulo 2^32.
fn factorial(n: u32) -> u32 {
    if n >= VANISHES {
        return 0;
    }
    (1..=n).fold(1, u32::wrapping_mul)
}

/// The engine: QEMU's is a thread that computes, tests whether an interrupt is wanted, and then
/// waits until it may send it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Engine {
    /// The operand while computing, the result afterwards.
    pub(crate) value: u32,
    pub(crate) computing: bool,
    pub(crate) interrupt_when_done: bool,
    /// When the result is there. None while computing: it hangs.
    pub(crate) done_at: Option<u64>,
    /// When the interrupt for a result that is there already is sent.
    pub(crate) interrupt_at: Option<u64>,
}

impl Engine {
    pub(crate) fn status(&self) -> Status {
        let mut status = Status::empty();
        status.set(Status::COMPUTING, self.computing);
        status.set(Status::INTERRUPT_WHEN_DONE, self.interrupt_when_done);
        status
    }

    /// Starts computing, unless it is computing. Says whether it started.
    pub(crate) fn start(&mut self, now: u64, operand: u32, config: &Config) -> bool {
        if self.computing {
            return false;
        }
        self.value = operand;
        self.computing = true;
        if !config.faults.factorial_hangs {
            // The thread begins when it has sent its last interrupt.
            let begin = self.interrupt_at.unwrap_or(now);
            let multiplying = config.factorial_step_ns.saturating_mul(operand.into());
            self.done_at = Some(
                begin
                    .saturating_add(config.factorial_start_ns)
                    .saturating_add(multiplying),
            );
        }
        true
    }

    /// Stores the result. Whether an interrupt is wanted is tested now and never again.
    pub(crate) fn finish(&mut self, now: u64, config: &Config) {
        self.done_at = None;
        self.value = factorial(self.value) ^ config.faults.factorial_xor;
        self.computing = false;
        if self.interrupt_when_done {
            self.interrupt_at = Some(now.saturating_add(config.factorial_interrupt_ns));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::factorial;

    #[test]
    fn small_factorials_are_exact() {
        assert_eq!(factorial(0), 1);
        assert_eq!(factorial(1), 1);
        assert_eq!(factorial(5), 120);
        assert_eq!(factorial(12), 479_001_600);
    }

    #[test]
    fn larger_factorials_are_what_is_left_modulo_2_to_the_32() {
        assert_eq!(factorial(13), 1_932_053_504);
        assert_eq!(factorial(33), 0x8000_0000);
        assert_eq!(factorial(34), 0);
        assert_eq!(factorial(u32::MAX), 0);
    }
}
