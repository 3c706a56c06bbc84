//! What a request carries: input, output, offset.

use core::ffi::c_void;

use wdk_sys::{WDFREQUEST, call_unsafe_wdf_function_binding};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::{CancelableRequest, Request};
use crate::{CommonBuffer, NtStatus, ReadWrite, Result, init};

impl Request {
    /// Copies the output to the app's buffer and completes the request. IRQL: <= DISPATCH_LEVEL;
    /// hold no lock.
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
        let mut buffer = core::ptr::null_mut();
        // SAFETY: the request is owned, the pointer is a local, no length is asked for.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestRetrieveOutputBuffer,
                self.0,
                length_bytes,
                &raw mut buffer,
                core::ptr::null_mut()
            )
        };
        NtStatus::check(status)?;
        Ok(buffer)
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
    let mut buffer = core::ptr::null_mut();
    // SAFETY: the request is owned, the pointer is a local, no length is asked for.
    let status = unsafe {
        call_unsafe_wdf_function_binding!(
            WdfRequestRetrieveInputBuffer,
            request,
            length_bytes,
            &raw mut buffer,
            core::ptr::null_mut()
        )
    };
    NtStatus::check(status)?;
    Ok(buffer)
}
