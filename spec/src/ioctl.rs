//! The driver's control codes, each with what it takes and gives.
//!
//! All are `METHOD_BUFFERED` with fixed sizes: an input or output buffer of any other length than
//! the documented one fails with `STATUS_INVALID_BUFFER_SIZE` (too long) or
//! `STATUS_BUFFER_TOO_SMALL` (too short), and an unknown code with
//! `STATUS_INVALID_DEVICE_REQUEST`.

/// `FILE_DEVICE_UNKNOWN`: the device type of the codes and of the device object.
pub const DEVICE_TYPE: u32 = 0x22;

/// Access that the handle needs for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Access {
    /// `FILE_READ_ACCESS`
    Read = 1,
    /// `FILE_WRITE_ACCESS`
    Write = 2,
    /// Both
    ReadWrite = 3,
}

/// The `CTL_CODE` macro for `METHOD_BUFFERED`.
const fn ctl_code(function: u32, access: Access) -> u32 {
    (DEVICE_TYPE << 16) | ((access as u32) << 14) | (function << 2)
}

/// No input; output [`crate::wire::Information`]: what the device is and how it interrupts.
pub const INFORMATION: u32 = ctl_code(0x800, Access::Read);

/// Input and output a [`crate::wire::Word`]: the value written to the liveness register and what
/// it then read, the bitwise complement on a live device.
pub const LIVENESS: u32 = ctl_code(0x801, Access::ReadWrite);

/// Input and output a [`crate::wire::Word`]: n and n! modulo 2^32. Completed by interrupt.
pub const FACTORIAL: u32 = ctl_code(0x802, Access::ReadWrite);

/// Input a [`crate::wire::Word`], no output: the causes to raise, a non-empty subset of
/// [`crate::registers::Causes::SOFTWARE`]; anything else is `STATUS_INVALID_PARAMETER`.
pub const RAISE: u32 = ctl_code(0x803, Access::Write);

/// No input; output [`crate::wire::Statistics`].
pub const STATISTICS: u32 = ctl_code(0x804, Access::Read);

/// Input a [`crate::wire::EventCursor`], output a [`crate::wire::Event`]: the first event after the
/// cursor, as soon as there is one. An event is an interrupt with a cause that software raised.
/// Start with cursor 0 for what the driver still remembers, or with
/// [`crate::wire::Statistics::events`] for what comes; go on with the number of the event that was
/// got. So nothing is lost between two calls, and what was forgotten is told.
///
/// A cursor after the newest event fails with `STATUS_INVALID_PARAMETER`; more than
/// [`crate::wire::MAX_WAITING`] waiting requests of one handle with `STATUS_QUOTA_EXCEEDED`.
pub const WAIT_EVENT: u32 = ctl_code(0x805, Access::Read);
