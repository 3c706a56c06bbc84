//! Which control requests are well formed.

use edu_spec::ioctl;
use edu_spec::wire::{Event, EventCursor, Information, Statistics, Word};

/// A control request whose code is known and whose buffers have the right lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// [`ioctl::INFORMATION`]
    Information,
    /// [`ioctl::LIVENESS`]
    Liveness,
    /// [`ioctl::FACTORIAL`]
    Factorial,
    /// [`ioctl::RAISE`]
    Raise,
    /// [`ioctl::STATISTICS`]
    Statistics,
    /// [`ioctl::WAIT_EVENT`]
    WaitEvent,
}

/// What is wrong with a control request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The code is none of [`ioctl`]'s.
    UnknownCode,
    /// A buffer is shorter than documented.
    TooShort,
    /// A buffer is longer than documented.
    TooLong,
}

impl Command {
    /// Recognizes a request by its code and the lengths of its buffers, in bytes.
    ///
    /// # Errors
    /// What is wrong with it.
    #[inline]
    pub fn parse(code: u32, input: usize, output: usize) -> Result<Self, Malformed> {
        Self::recognize(code, input, output).ok_or_else(|| Malformed::of(code, input, output))
    }

    /// A request that is well formed.
    #[must_use]
    #[inline]
    pub fn recognize(code: u32, input: usize, output: usize) -> Option<Self> {
        let command = Self::from_code(code)?;
        ((input, output) == command.buffer_bytes()).then_some(command)
    }

    #[inline]
    const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            ioctl::INFORMATION => Self::Information,
            ioctl::LIVENESS => Self::Liveness,
            ioctl::FACTORIAL => Self::Factorial,
            ioctl::RAISE => Self::Raise,
            ioctl::STATISTICS => Self::Statistics,
            ioctl::WAIT_EVENT => Self::WaitEvent,
            _ => return None,
        })
    }

    /// The lengths of its input and output buffer, in bytes.
    #[must_use]
    #[inline]
    pub const fn buffer_bytes(self) -> (usize, usize) {
        match self {
            Self::Information => (0, size_of::<Information>()),
            Self::Liveness | Self::Factorial => (size_of::<Word>(), size_of::<Word>()),
            Self::Raise => (size_of::<Word>(), 0),
            Self::Statistics => (0, size_of::<Statistics>()),
            Self::WaitEvent => (size_of::<EventCursor>(), size_of::<Event>()),
        }
    }
}

impl Malformed {
    /// What is wrong with a request that is not recognized. Of two wrong lengths, a short one is told first.
    #[must_use]
    #[cold]
    pub fn of(code: u32, input: usize, output: usize) -> Self {
        let wanted = Command::from_code(code).map(Command::buffer_bytes);
        match wanted {
            None => Self::UnknownCode,
            Some((wanted_input, wanted_output))
                if input < wanted_input || output < wanted_output =>
            {
                Self::TooShort
            }
            Some(_) => Self::TooLong,
        }
    }
}
