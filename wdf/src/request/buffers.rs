//! What a request carries: input, output, offset.

use core::{ffi::c_void, mem::MaybeUninit};

use wdk_sys::{WDFREQUEST, call_unsafe_wdf_function_binding};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{CancelableRequest, Request};
use crate::{CommonBuffer, NtStatus, ReadWrite, Result, init};

impl Request {
    /// Copies the output to the app's buffer and completes the request. IRQL: <= DISPATCH_LEVEL;
    /// hold no lock.
    ///
    /// ```no_run
    /// use kmdf::{NtStatus, Request, Result};
    ///
    /// /// n in, n + 1 out.
    /// fn increment(request: Request) {
    ///     let next = |n: u32| n.checked_add(1).ok_or(NtStatus::INVALID_PARAMETER);
    ///     let next: Result<u32> = request.input().and_then(next);
    ///     request.complete_with(next);
    /// }
    ///
    /// fn version(request: Request) {
    ///     request.respond(&1_u32);
    /// }
    /// ```
    #[inline]
    pub fn respond<T: IntoBytes + Immutable>(self, output: &T) {
        let outcome = self.write_output(output.as_bytes());
        self.complete(outcome);
    }

    /// As [`Request::respond`] or, if there is no output, with that failure.
    #[inline]
    pub fn complete_with<T: IntoBytes + Immutable>(self, outcome: Result<T>) {
        match outcome {
            Ok(output) => self.respond(&output),
            Err(failure) => self.complete(Err(failure)),
        }
    }

    #[inline]
    fn write_output(&self, bytes: &[u8]) -> Result<usize> {
        let buffer = self.output_buffer(bytes.len())?;
        // SAFETY: the framework gave at least that many bytes. They belong to the request, which is
        // owned, and `input` only copies, so no reference to them exists.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.cast(), bytes.len()) };
        Ok(bytes.len())
    }

    /// Copies the start of a common buffer to the app's buffer. IRQL: <= DISPATCH_LEVEL; a lock may be
    /// held.
    ///
    /// ```no_run
    /// use kmdf::{CancelHandler, CancelableRequest, CommonBuffer, NtStatus, ReadWrite, Request, Result};
    ///
    /// /// Begins a transfer: what cannot be mapped fails now, and where the app wants to read or write is known.
    /// fn begin<H: CancelHandler>(
    ///     request: Request,
    ///     kind: ReadWrite,
    ///     buffer: &mut CommonBuffer,
    /// ) -> Result<(CancelableRequest, i64)> {
    ///     if let Err(failure) = request.map_buffer(kind, 512) {
    ///         request.complete(Err(failure));
    ///         return Err(failure);
    ///     }
    ///     let offset = request.file_offset();
    ///     let request = request.into_cancelable::<H>().map_err(|request| {
    ///         request.complete(Err(NtStatus::CANCELLED));
    ///         NtStatus::CANCELLED
    ///     })?;
    ///     if kind == ReadWrite::Write {
    ///         request.copy_input_to(buffer, 512)?;
    ///     }
    ///     Ok((request, offset))
    /// }
    ///
    /// /// The device has filled the buffer.
    /// fn end(request: Request, buffer: &CommonBuffer) {
    ///     let copied = request.copy_output_from(buffer, 512);
    ///     request.complete(copied);
    /// }
    /// ```
    ///
    /// # Errors
    /// STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES.
    #[inline]
    pub fn copy_output_from(&self, source: &CommonBuffer, length_bytes: usize) -> Result<usize> {
        let buffer = self.output_buffer(length_bytes)?;
        // SAFETY: the framework gave at least that many bytes, of the app's pages.
        unsafe { source.copy_to(buffer.cast(), length_bytes) }?;
        Ok(length_bytes)
    }

    /// `WdfRequestRetrieveOutputBuffer`, of at least that length.
    #[inline]
    fn output_buffer(&self, length_bytes: usize) -> Result<*mut c_void> {
        let mut buffer = MaybeUninit::uninit();
        // SAFETY: the request is owned, the pointer is a local, no length is asked for.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestRetrieveOutputBuffer,
                self.0,
                length_bytes,
                buffer.as_mut_ptr(),
                core::ptr::null_mut()
            )
        };
        NtStatus::check(status)?;
        // SAFETY: the call succeeded, so it has written the pointer.
        Ok(unsafe { buffer.assume_init() })
    }

    /// Maps the app's buffer, so that copying from or to it later cannot fail any more. IRQL: <=
    /// DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES.
    #[inline]
    pub fn map_buffer(&self, kind: ReadWrite, length_bytes: usize) -> Result<()> {
        match kind {
            ReadWrite::Read => self.output_buffer(length_bytes).map(drop),
            ReadWrite::Write => input_buffer(self.0, length_bytes).map(drop),
        }
    }

    /// The file offset of a read or write (`WdfRequestGetParameters`). IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    #[inline]
    pub fn file_offset(&self) -> i64 {
        let mut parameters = init::request_parameters();
        // SAFETY: the request is owned; the structure is a local.
        unsafe {
            call_unsafe_wdf_function_binding!(WdfRequestGetParameters, self.0, &raw mut parameters);
        }
        // SAFETY: reads and writes have their offset at the same place, and in any other request
        // every bit pattern is an offset.
        unsafe { parameters.Parameters.Read.DeviceOffset }
    }

    /// Copies the input from the app's buffer. IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// STATUS_BUFFER_TOO_SMALL.
    #[inline]
    pub fn input<T: FromBytes>(&self) -> Result<T> {
        let buffer = input_buffer(self.0, size_of::<T>())?;
        // SAFETY: the framework gave at least that many bytes, any of which are a valid `T`, and
        // nobody writes them while the request is owned: it is buffered.
        Ok(unsafe { buffer.cast::<T>().read_unaligned() })
    }
}

impl CancelableRequest {
    /// Copies the input from the app's buffer to the start of a common buffer. The app may write its
    /// buffer meanwhile: it gets what it asks for. IRQL: <= DISPATCH_LEVEL; a lock may be held.
    ///
    /// # Errors
    /// STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES.
    #[inline]
    pub fn copy_input_to(&self, target: &mut CommonBuffer, length_bytes: usize) -> Result<()> {
        let buffer = input_buffer(self.handle(), length_bytes)?;
        // SAFETY: the framework gave at least that many bytes, of the app's pages.
        unsafe { target.copy_from(buffer.cast(), length_bytes) }
    }
}

/// `WdfRequestRetrieveInputBuffer`, of at least that length, of a request that is owned.
#[inline]
fn input_buffer(request: WDFREQUEST, length_bytes: usize) -> Result<*mut c_void> {
    let mut buffer = MaybeUninit::uninit();
    // SAFETY: the request is owned, the pointer is a local, no length is asked for.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfRequestRetrieveInputBuffer,
            request,
            length_bytes,
            buffer.as_mut_ptr(),
            core::ptr::null_mut()
        )
    };
    NtStatus::check(status)?;
    // SAFETY: the call succeeded, so it has written the pointer.
    Ok(unsafe { buffer.assume_init() })
}
