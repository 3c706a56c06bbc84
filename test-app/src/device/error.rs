//! Why a request has no result, in the same words on every system.

use edu_spec::registers::dma::USABLE_BYTES;
use serde::{Serialize, Serializer, ser::SerializeMap};
use thiserror::Error;

use super::status::Status;
use crate::exit::Exit;

/// Why there is no result.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// There is nothing to open.
    #[error("{reason}")]
    NoDevice {
        /// What was looked for, and where.
        reason: String,
        /// What to do next.
        hint: &'static str,
    },
    /// There is a device, and it could not be opened.
    #[error("the device could not be opened: {0}")]
    NotOpened(RequestError),
    /// Host or device went away while it was in use.
    #[error("{reason}")]
    Disconnected {
        /// What is known about it.
        reason: String,
    },
    /// The driver failed the request.
    #[error("the request failed: {0}")]
    Failed(RequestError),
    /// The driver failed a transfer that does not lie within the device's buffer.
    #[error(
        "{length} bytes at offset {offset} do not lie within the {USABLE_BYTES} usable bytes of the \
         device's buffer (offsets 0 to {}): {error}", USABLE_BYTES - 1
    )]
    OutOfBounds {
        /// First byte that was asked for.
        offset: u64,
        /// How many bytes were asked for.
        length: u64,
        /// What the driver says.
        error: RequestError,
    },
    /// No event came in time.
    #[error("no event came within {seconds} s; the request was canceled")]
    NoEvent {
        /// How long was waited.
        seconds: f64,
    },
    /// A file that holds what is to be sent could not be read.
    #[error("{path} could not be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A file for what came could not be written.
    #[error("{path} could not be written: {reason}")]
    Unwritable {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// The driver did not complete the request in time.
    #[error(
        "the driver did not complete the request within {seconds} s{}",
        if *.canceled { "; it was canceled" } else { ", nor after it was canceled" }
    )]
    NoAnswer {
        /// How long was waited.
        seconds: f64,
        /// Whether the canceled request then completed.
        canceled: bool,
    },
    /// What came back is not what the interface promises.
    #[error("malformed reply: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

/// A request that was completed with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{status}")]
pub struct RequestError {
    /// What it was completed with.
    pub status: Status,
}

impl Error {
    /// The exit code of a command that ends with this error.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::NoDevice { .. } | Self::NotOpened(_) | Self::Disconnected { .. } => {
                Exit::NoDevice
            }
            Self::Failed(error) if error.status.is_removed() => Exit::NoDevice,
            Self::Failed(_) | Self::OutOfBounds { .. } => Exit::RequestFailed,
            Self::NoAnswer { .. } | Self::NoEvent { .. } => Exit::NoAnswer,
            Self::Unreadable { .. } => Exit::Usage,
            Self::Unwritable { .. } => Exit::OutputLost,
            Self::Malformed { .. } => Exit::MalformedReply,
        }
    }

    /// What to do next, where that can be known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoDevice { hint, .. } => Some(hint),
            Self::NotOpened(error) | Self::Failed(error) => error.status.hint(),
            Self::OutOfBounds { .. } | Self::Unreadable { .. } | Self::Unwritable { .. } => None,
            Self::NoEvent { .. } => Some(
                "`eductl raise 0x10` makes one; --after 0 shows those that the driver remembers",
            ),
            Self::Disconnected { .. } => Some("the host's own output says more"),
            Self::NoAnswer { canceled, .. } => Some(if *canceled {
                "a large operand takes the device long: give --timeout more seconds; `eductl stats` \
                 tells whether interrupts arrive"
            } else {
                "the driver holds a request that it neither completes nor cancels: that is a bug"
            }),
            Self::Malformed { .. } => {
                Some("driver, host and eductl must be of the same version: build them together")
            }
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::NoDevice { .. } => "no_device",
            Self::NotOpened(_) => "not_opened",
            Self::Disconnected { .. } => "disconnected",
            Self::Failed(_) | Self::OutOfBounds { .. } => "request_failed",
            Self::NoAnswer { .. } | Self::NoEvent { .. } => "no_answer",
            Self::Unreadable { .. } => "input_not_read",
            Self::Unwritable { .. } => "output_not_written",
            Self::Malformed { .. } => "malformed_reply",
        }
    }
}

impl Serialize for Error {
    /// Fields: `kind`, `message`, `hint` where there is one; for a failed request also `ntstatus`
    /// and `win32` with their names, as far as they are known.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind())?;
        map.serialize_entry("message", &self.to_string())?;
        if let Some(hint) = self.hint() {
            map.serialize_entry("hint", hint)?;
        }
        if let Self::NotOpened(error) | Self::Failed(error) | Self::OutOfBounds { error, .. } = self
        {
            if let Some(value) = error.status.ntstatus() {
                map.serialize_entry("ntstatus", &format!("{value:#010X}"))?;
            }
            if let Some(name) = error.status.name() {
                map.serialize_entry("ntstatus_name", name)?;
            }
            if let Some(value) = error.status.win32() {
                map.serialize_entry("win32", &value)?;
            }
        }
        map.end()
    }
}
