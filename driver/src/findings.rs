//! Device errors that were found, until [`crate::recovery`] handles them.

#![forbid(unsafe_code)]

use edu_spec::registers::Causes;

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
    /// Causes that neither an engine nor software raises.
    pub unknown: Causes,
    /// By [`Engine`]: its interrupt did not come.
    pub missed: [bool; 2],
    /// By [`Engine`]: it does not end.
    pub stuck: [bool; 2],
    /// The device reads all ones.
    pub removed: bool,
}

impl Findings {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            unknown: Causes::empty(),
            missed: [false; 2],
            stuck: [false; 2],
            removed: false,
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
    pub const fn removed(&mut self) {
        self.removed = true;
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        let Self {
            unknown,
            missed,
            stuck,
            removed,
        } = self;
        unknown.is_empty() && *missed == [false; 2] && *stuck == [false; 2] && !removed
    }
}
