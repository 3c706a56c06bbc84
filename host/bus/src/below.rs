//! The driver below in a device's stack: what reaches it, and what it answers.

use std::time::Duration;

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS};

/// What is asked of the driver below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentKind {
    /// `IRP_MJ_READ`
    Read,
    /// `IRP_MJ_WRITE`
    Write,
    /// `IRP_MJ_DEVICE_CONTROL`
    Control,
    /// `IRP_MJ_INTERNAL_DEVICE_CONTROL`
    InternalControl,
}

/// A request that a driver sends down, by its local I/O target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// What it asks for.
    pub kind: SentKind,
    /// The control code, of the two kinds of control.
    pub code: u32,
    /// The offset in bytes, of a read or a write.
    pub offset: i64,
    /// The bytes it takes in.
    pub input: Vec<u8>,
    /// How many bytes it can give.
    pub output_length: usize,
}

/// What the driver below answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// With which status.
    pub status: NtStatus,
    /// `IO_STATUS_BLOCK.Information`
    pub information: u64,
    /// The bytes it gives; what does not fit is dropped.
    pub output: Vec<u8>,
    /// How long it takes: without a time it answers before the sender goes on. Until then the request
    /// can be canceled.
    pub after: Duration,
}

impl Answer {
    /// An answer at once, without bytes.
    #[must_use]
    pub const fn with(status: NtStatus) -> Self {
        Self {
            status,
            information: 0,
            output: Vec::new(),
            after: Duration::ZERO,
        }
    }

    /// Success at once, with these bytes.
    #[must_use]
    pub fn of(output: Vec<u8>) -> Self {
        Self {
            information: output.len() as u64,
            output,
            ..Self::with(STATUS_SUCCESS)
        }
    }

    /// The same after some time.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// What a bus driver answers that knows nothing of it.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::with(STATUS_INVALID_DEVICE_REQUEST)
    }
}
