//! `NTSTATUS` as an error.

use wdk_sys::NTSTATUS;

/// What fails with an [`NtStatus`].
pub type Result<T> = core::result::Result<T, NtStatus>;

/// An `NTSTATUS` that reports a failure.
///
/// ```no_run
/// use kmdf::{NtStatus, Result};
///
/// fn operand(length_bytes: usize) -> Result<()> {
///     if length_bytes < 4 {
///         return Err(NtStatus::BUFFER_TOO_SMALL);
///     }
///     Ok(())
/// }
/// ```
///
/// # Invariants
/// `NT_SUCCESS` is false for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtStatus(NTSTATUS);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $constant:ident;)*) => {
        impl NtStatus {
            $($(#[$doc])* pub const $name: Self = {
                assert!(wdk_sys::$constant < 0);
                Self(wdk_sys::$constant)
            };)*
        }
    };
}

statuses! {
    /// A buffer is too small.
    BUFFER_TOO_SMALL = STATUS_BUFFER_TOO_SMALL;
    /// The request was canceled.
    CANCELLED = STATUS_CANCELLED;
    /// The resources are not what the device needs.
    DEVICE_CONFIGURATION_ERROR = STATUS_DEVICE_CONFIGURATION_ERROR;
    /// The device was removed, or reads all ones.
    DEVICE_DOES_NOT_EXIST = STATUS_DEVICE_DOES_NOT_EXIST;
    /// The device has another request.
    DEVICE_BUSY = STATUS_DEVICE_BUSY;
    /// The device has no registers now.
    DEVICE_NOT_READY = STATUS_DEVICE_NOT_READY;
    /// The driver broke one of its own rules.
    INTERNAL_ERROR = STATUS_INTERNAL_ERROR;
    /// A buffer is too large.
    INVALID_BUFFER_SIZE = STATUS_INVALID_BUFFER_SIZE;
    /// The control code is unknown.
    INVALID_DEVICE_REQUEST = STATUS_INVALID_DEVICE_REQUEST;
    /// A value is not allowed.
    INVALID_PARAMETER = STATUS_INVALID_PARAMETER;
    /// The device has failed, or breaks its protocol.
    IO_DEVICE_ERROR = STATUS_IO_DEVICE_ERROR;
    /// Nothing came in time.
    IO_TIMEOUT = STATUS_IO_TIMEOUT;
    /// There are too many already.
    QUOTA_EXCEEDED = STATUS_QUOTA_EXCEEDED;
    /// It is not there.
    NOT_FOUND = STATUS_NOT_FOUND;
    /// Something ran out.
    INSUFFICIENT_RESOURCES = STATUS_INSUFFICIENT_RESOURCES;
    /// This is not the device.
    NO_SUCH_DEVICE = STATUS_NO_SUCH_DEVICE;
}

impl NtStatus {
    /// Splits what a kernel function returned into success and failure.
    #[inline]
    pub(super) const fn check(status: NTSTATUS) -> Result<()> {
        if wdk::nt_success(status) {
            Ok(())
        } else {
            Err(Self(status))
        }
    }

    /// The value.
    ///
    /// ```no_run
    /// assert_eq!(kmdf::NtStatus::CANCELLED.get(), 0xC000_0120_u32.cast_signed());
    /// ```
    #[must_use]
    #[inline]
    pub const fn get(self) -> NTSTATUS {
        self.0
    }

    /// What a callback returns for a result.
    #[inline]
    pub(super) const fn of(result: Result<()>) -> NTSTATUS {
        match result {
            Ok(()) => wdk_sys::STATUS_SUCCESS,
            Err(status) => status.0,
        }
    }
}
