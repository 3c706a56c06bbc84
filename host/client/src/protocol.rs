//! The messages between an app and the host, and the rules that both keep.
//!
//! 1. The app sends [`Request::Hello`] first, the host answers with [`Reply::Hello`]. Where the
//!    versions differ the host still answers, with its own version, and then closes: so both sides
//!    can say what is wrong. Nothing else is sent before.
//! 2. Every request but `Hello` and `Cancel` carries a [`Tag`] that the app has not used on this
//!    connection before, and is answered exactly once, with that tag, in any order:
//!    `Open` by [`Reply::Opened`], `Control`, `Read` and `Write` by [`Reply::Completed`], `Close` by
//!    [`Reply::Closed`].
//! 3. `Cancel` is not answered. The request it names completes as the driver has it: with
//!    `STATUS_CANCELLED`, or with whatever it was completed with before. A tag that is not pending
//!    is ignored, for the completion may have crossed the cancellation.
//! 4. After `Close` the handle is gone at once; what was pending on it is canceled and completed
//!    before [`Reply::Closed`]. The end of the connection closes all its handles.
//! 5. A request on a handle that is not open completes with `STATUS_INVALID_HANDLE`
//!    (`0xC000_0008`); an interface instance that does not exist is `STATUS_OBJECT_NAME_NOT_FOUND`
//!    (`0xC000_0034`).
//! 6. [`Reply::Goodbye`] is the host's last word on a connection.
//! 7. Bytes that are no message, or a message that breaks a limit, end the connection.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The version of this protocol. Both sides must have the same.
pub const VERSION: u32 = 1;

/// The most bytes that one request may take in or give out.
pub const MAX_TRANSFER_BYTES: u32 = 1 << 20;

/// Names a request for as long as its connection lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tag(pub u64);

/// Names an open handle on its connection. The host chooses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HandleId(pub u32);

/// The GUID of a device interface class, as its 16 bytes lie in a Windows machine's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InterfaceId(pub [u8; 16]);

impl InterfaceId {
    /// From the fields of a `GUID`.
    #[must_use]
    pub const fn new(data1: u32, data2: u16, data3: u16, data4: [u8; 8]) -> Self {
        let tail = u64::from_le_bytes(data4) as u128;
        let value = data1 as u128 | (data2 as u128) << 32 | (data3 as u128) << 48 | tail << 64;
        Self(value.to_le_bytes())
    }
}

impl fmt::Display for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = u128::from_le_bytes(self.0);
        let tail = u128::from_be_bytes(self.0);
        write!(
            f,
            "{{{:08X}-{:04X}-{:04X}-{:04X}-{:012X}}}",
            head & 0xFFFF_FFFF,
            (head >> 32) & 0xFFFF,
            (head >> 48) & 0xFFFF,
            (tail >> 48) & 0xFFFF,
            tail & 0xFFFF_FFFF_FFFF,
        )
    }
}

/// An NTSTATUS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NtStatus(pub u32);

impl NtStatus {
    /// `STATUS_SUCCESS`
    pub const SUCCESS: Self = Self(0);

    /// Whether it is a success or informational value: the `NT_SUCCESS` macro.
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 < 0x8000_0000
    }

    /// Whether it is an error, so that no output is copied to the app: the `NT_ERROR` macro.
    /// A warning (`STATUS_BUFFER_OVERFLOW`, say) is neither this nor a success: its output counts.
    #[must_use]
    pub const fn is_error(self) -> bool {
        self.0 >= 0xC000_0000
    }
}

impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010X}", self.0)
    }
}

/// An access mask, its generic rights already mapped: what a driver sees in the create request's
/// security context, and what the I/O manager checks a control code's access bits against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Access(pub u32);

impl Access {
    /// `FILE_READ_DATA`: asked by `FILE_READ_ACCESS` in a control code.
    pub const READ_DATA: Self = Self(0x0001);
    /// `FILE_WRITE_DATA`: asked by `FILE_WRITE_ACCESS` in a control code.
    pub const WRITE_DATA: Self = Self(0x0002);
    /// `FILE_GENERIC_READ`: what `GENERIC_READ` maps to.
    pub const GENERIC_READ: Self = Self(0x0012_0089);
    /// `FILE_GENERIC_WRITE`: what `GENERIC_WRITE` maps to.
    pub const GENERIC_WRITE: Self = Self(0x0012_0116);

    /// Both masks.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every right of `other` is in this mask.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Which later openers this one tolerates: `FILE_SHARE_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub u32);

impl Share {
    /// None.
    pub const NONE: Self = Self(0);
    /// `FILE_SHARE_READ`
    pub const READ: Self = Self(1);
    /// `FILE_SHARE_WRITE`
    pub const WRITE: Self = Self(2);

    /// Both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The first message in each direction. Its layout is the same in every version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    magic: [u8; 8],
    /// The sender's [`VERSION`].
    pub version: u32,
}

impl Greeting {
    const MAGIC: [u8; 8] = *b"kmdfhost";

    /// This side's greeting.
    pub const OURS: Self = Self::of(VERSION);

    /// The greeting of a side that speaks `version`.
    #[must_use]
    pub const fn of(version: u32) -> Self {
        Self {
            magic: Self::MAGIC,
            version,
        }
    }
}

/// From the app to the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Who is speaking.
    Hello(Greeting),
    /// Opens a device interface, as `CreateFile` does.
    Open {
        /// Of this request.
        tag: Tag,
        /// The class of the interface.
        interface: InterfaceId,
        /// Which of the devices that have such an interface, in the order they were enabled in.
        instance: u32,
        /// The rights asked for.
        access: Access,
        /// What later openers may do.
        share: Share,
    },
    /// `DeviceIoControl`.
    Control {
        /// Of this request.
        tag: Tag,
        /// Where it goes.
        handle: HandleId,
        /// The control code.
        code: u32,
        /// The input buffer.
        #[serde(with = "serde_bytes")]
        input: Vec<u8>,
        /// The length of the output buffer in bytes.
        output_length: u32,
    },
    /// `ReadFile`.
    Read {
        /// Of this request.
        tag: Tag,
        /// Where it goes.
        handle: HandleId,
        /// The file offset in bytes.
        offset: u64,
        /// How many bytes are asked for.
        length: u32,
    },
    /// `WriteFile`.
    Write {
        /// Of this request.
        tag: Tag,
        /// Where it goes.
        handle: HandleId,
        /// The file offset in bytes.
        offset: u64,
        /// What is to be written.
        #[serde(with = "serde_bytes")]
        data: Vec<u8>,
    },
    /// `CancelIoEx` for one request.
    Cancel {
        /// Of the request that is no longer wanted.
        tag: Tag,
    },
    /// `CloseHandle`.
    Close {
        /// Of this request.
        tag: Tag,
        /// What is closed.
        handle: HandleId,
    },
}

/// From the host to the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// Who is answering.
    Hello(Greeting),
    /// The answer to `Open`: the handle, or why there is none.
    Opened {
        /// Of the request.
        tag: Tag,
        /// The handle, or the status the create request completed with.
        result: Result<HandleId, NtStatus>,
    },
    /// The answer to `Control`, `Read` and `Write`.
    Completed {
        /// Of the request.
        tag: Tag,
        /// The status the driver completed it with.
        status: NtStatus,
        /// `IoStatus.Information`, as the driver set it.
        information: u64,
        /// What was copied to the app: never more than its buffer holds, and nothing when
        /// [`NtStatus::is_error`].
        #[serde(with = "serde_bytes")]
        output: Vec<u8>,
    },
    /// The answer to `Close`.
    Closed {
        /// Of the request.
        tag: Tag,
    },
    /// The run is over (bug check, device gone, shut down); nothing pending will complete any more.
    Goodbye {
        /// Why, for people.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_shown_as_its_guid_is_written() {
        let interface = InterfaceId::new(
            0x0123_4567,
            0x89AB,
            0xCDEF,
            [0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10],
        );
        assert_eq!(interface.0[..6], [0x67, 0x45, 0x23, 0x01, 0xAB, 0x89]);
        assert_eq!(
            interface.to_string(),
            "{01234567-89AB-CDEF-FEDC-BA9876543210}"
        );
    }

    #[test]
    fn warnings_are_neither_success_nor_error() {
        let buffer_overflow = NtStatus(0x8000_0005);
        assert!(!buffer_overflow.is_success());
        assert!(!buffer_overflow.is_error());
        assert!(NtStatus::SUCCESS.is_success());
        assert!(NtStatus(0xC000_0001).is_error());
    }
}
