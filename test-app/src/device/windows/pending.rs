//! A request from when it is sent until the kernel lets go of what it uses.

use std::{
    fs::File,
    io,
    os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle},
    ptr::{self, NonNull},
    sync::Arc,
    time::Duration,
};

use windows_sys::Win32::{
    Foundation::{ERROR_NOT_FOUND, HANDLE, STATUS_PENDING},
    System::{
        IO::{CancelIoEx, GetOverlappedResultEx, OVERLAPPED, OVERLAPPED_0, OVERLAPPED_0_0},
        Threading::{CreateEventW, INFINITE},
    },
};

use super::{super::CANCEL_GRACE, Error, Transfer, is, request_error};

/// What the system is given with a request.
pub(super) struct Buffers {
    pub(super) file: HANDLE,
    pub(super) input: *const u8,
    pub(super) input_length: u32,
    pub(super) output: *mut u8,
    pub(super) output_length: u32,
    pub(super) overlapped: *mut OVERLAPPED,
}

/// What the kernel uses while a request is pending.
#[repr(C)]
struct Operation {
    /// First, so that its address is the operation's.
    overlapped: OVERLAPPED,
    /// Signaled by the completion; the OVERLAPPED names it.
    _event: OwnedHandle,
    input: Box<[u8]>,
    output: Vec<u8>,
}

impl Operation {
    fn new(offset: u64, input: &[u8], output_length: u32) -> Result<Self, Error> {
        // SAFETY: no attributes, a manual-reset event that is not signaled, without a name.
        let event = unsafe { CreateEventW(ptr::null(), 1, 0, ptr::null()) };
        if event.is_null() {
            let error = io::Error::last_os_error();
            return Err(Error::Failed(request_error(&error, None)));
        }
        // SAFETY: the event was made above and nobody else closes it.
        let owned = unsafe { OwnedHandle::from_raw_handle(event) };
        let [low, high] = halves(offset);
        Ok(Self {
            overlapped: OVERLAPPED {
                Anonymous: OVERLAPPED_0 {
                    Anonymous: OVERLAPPED_0_0 {
                        Offset: low,
                        OffsetHigh: high,
                    },
                },
                hEvent: event,
                ..OVERLAPPED::default()
            },
            _event: owned,
            input: input.into(),
            output: vec![0; output_length as usize],
        })
    }
}

#[derive(Debug)]
pub(in super::super) struct Pending {
    file: Arc<File>,
    /// `None` only once it was freed or leaked.
    operation: Option<NonNull<Operation>>,
}

// SAFETY: the operation is on the heap and used by one thread at a time, the one that has the
// `Pending`; any thread may wait for it, cancel it and free it.
unsafe impl Send for Pending {}

impl Pending {
    /// A request that is yet to be sent, and what the system is given with it.
    ///
    /// All of that is valid until the request has completed: the file is open as long as the request; the
    /// buffers are as long as is said; the OVERLAPPED has an event of its own; and only [`Pending`] frees the
    /// operation, once it has completed.
    pub(super) fn prepare(
        file: Arc<File>,
        offset: u64,
        input: &[u8],
        output_length: u32,
    ) -> Result<(Self, Buffers), Error> {
        let input_length = u32::try_from(input.len()).map_err(|_| Error::Malformed {
            reason: "an input buffer above 4 GiB".into(),
        })?;
        let mut operation = Box::new(Operation::new(offset, input, output_length)?);
        let input: *const u8 = operation.input.as_ptr();
        let output: *mut u8 = operation.output.as_mut_ptr();
        let operation = NonNull::from(Box::leak(operation));
        let buffers = Buffers {
            file: file.as_raw_handle(),
            input,
            input_length,
            output,
            output_length,
            // The operation's first field.
            overlapped: operation.as_ptr().cast(),
        };
        let pending = Self {
            file,
            operation: Some(operation),
        };
        Ok((pending, buffers))
    }

    /// `Err` is the request that is still pending.
    pub(in super::super) fn wait_timeout(
        self,
        timeout: Duration,
    ) -> Result<Result<Transfer, Error>, Self> {
        // It may complete right after the time is up: what counts is whether it has by now.
        drop(self.wait(timeout));
        let Some(status) = self.ntstatus() else {
            return Err(self);
        };
        Ok(match self.wait(Duration::ZERO) {
            Ok(bytes) => Ok(Transfer {
                bytes: u64::from(bytes),
                output: self.free().into_iter().take(bytes as usize).collect(),
            }),
            Err(error) => {
                self.free();
                Err(Error::Failed(request_error(&error, Some(status))))
            }
        })
    }

    /// How many bytes were transferred, if the request completes with success in that time.
    pub(super) fn wait(&self, timeout: Duration) -> io::Result<u32> {
        let Some(operation) = self.operation else {
            return Ok(0);
        };
        // Up, for whoever waits until a moment would spin through the rest of a millisecond.
        let milliseconds =
            u32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(INFINITE - 1);
        let mut bytes = 0;
        // SAFETY: the file is open and the OVERLAPPED is the one that the request was sent with.
        let done = unsafe {
            GetOverlappedResultEx(
                self.file.as_raw_handle(),
                operation.as_ptr().cast(),
                &raw mut bytes,
                milliseconds,
                0,
            )
        };
        if done == 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(bytes)
        }
    }

    pub(in super::super) fn cancel(&self) -> Result<(), Error> {
        let Some(operation) = self.operation else {
            return Ok(());
        };
        // SAFETY: the file is open and the OVERLAPPED is the one that the request was sent with.
        let done = unsafe { CancelIoEx(self.file.as_raw_handle(), operation.as_ptr().cast()) };
        let error = io::Error::last_os_error();
        // That nothing was found to be canceled means that it completed meanwhile.
        if done == 0 && !is(&error, ERROR_NOT_FOUND) {
            return Err(Error::Failed(request_error(&error, None)));
        }
        Ok(())
    }

    /// The NTSTATUS of the completion, or `None` while there is none.
    pub(super) fn ntstatus(&self) -> Option<u32> {
        let operation = self.operation?;
        let overlapped = operation.as_ptr().cast::<OVERLAPPED>();
        // SAFETY: the operation is not freed, for then there would be none. The kernel may write
        // the field at any time: so the read is volatile and makes no reference.
        let overlapped = unsafe { overlapped.read_volatile() };
        completed_with(overlapped.Internal)
    }

    /// Frees the operation, which must have completed or never have been sent, and gives its
    /// output buffer.
    pub(super) fn free(mut self) -> Vec<u8> {
        self.operation.take().map_or_else(Vec::new, |operation| {
            // SAFETY: it came from a `Box`; by the contract of this function the kernel no longer
            // uses it, and nobody else has the pointer.
            unsafe { Box::from_raw(operation.as_ptr()) }.output
        })
    }
}

impl Drop for Pending {
    /// Cancels the request and waits for the kernel to let go of it. If a driver does not complete
    /// it even then, it is leaked rather than freed under the kernel's hands.
    fn drop(&mut self) {
        if self.operation.is_none() {
            return;
        }
        let pending = Self {
            file: Arc::clone(&self.file),
            operation: self.operation.take(),
        };
        drop(pending.cancel());
        match pending.wait_timeout(CANCEL_GRACE) {
            Ok(ended) => drop(ended),
            Err(mut stuck) => stuck.operation = None,
        }
    }
}

/// The NTSTATUS in `OVERLAPPED.Internal`, or `None` while the request is pending. The kernel writes 32 bits
/// of it.
pub(super) fn completed_with(internal: usize) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the other bits mean nothing"
    )]
    let status = internal as u32;
    (status != STATUS_PENDING.cast_unsigned()).then_some(status)
}

/// The low and the high half of a file offset.
fn halves(offset: u64) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "each half has 32 bits")]
    [offset as u32, (offset >> 32) as u32]
}
