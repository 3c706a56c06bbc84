//! Requests: owned, completed exactly once.

use core::{ffi::c_void, mem};

use wdk_sys::{
    STATUS_SUCCESS, ULONG_PTR, USHORT, WDF_REQUEST_PARAMETERS, WDFREQUEST,
    call_unsafe_wdf_function_binding,
};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};

use super::{
    CommonBuffer, Context, ContextReference, NtStatus, Queue, ReadWrite, RequestReference, Result,
    context, queue::device_of,
};

/// A request that this driver owns. Dropping it completes it with STATUS_INTERNAL_ERROR: never
/// lost, never completed twice.
///
/// # Invariants
/// The framework has presented the request, it is not completed, not cancelable, and no other
/// value stands for it.
#[must_use = "dropping a request fails it"]
#[derive(Debug)]
pub struct Request(WDFREQUEST);

// SAFETY: a request may be used and completed on any processor.
unsafe impl Send for Request {}

impl Request {
    /// # Safety
    /// See the invariants.
    pub(super) const unsafe fn new(handle: WDFREQUEST) -> Self {
        Self(handle)
    }

    /// Gives up the ownership without completing.
    fn into_handle(self) -> WDFREQUEST {
        let handle = self.0;
        mem::forget(self);
        handle
    }

    /// Completes the request (`WdfRequestCompleteWithInformation`), with the number of bytes
    /// given or the failure. IRQL: <= DISPATCH_LEVEL; hold no lock.
    pub fn complete(self, outcome: Result<usize>) {
        let (status, information) = match outcome {
            Ok(bytes) => (STATUS_SUCCESS, bytes),
            Err(status) => (status.get(), 0),
        };
        // SAFETY: the request is owned, and `into_handle` ends that.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestCompleteWithInformation,
                self.into_handle(),
                status,
                information as ULONG_PTR
            );
        }
    }

    /// Copies the output to the app's buffer and completes the request. IRQL: <= DISPATCH_LEVEL;
    /// hold no lock.
    pub fn respond<T: IntoBytes + Immutable>(self, output: &T) {
        let outcome = self.write_output(output.as_bytes());
        self.complete(outcome);
    }

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
    pub fn copy_output_from(&self, source: &CommonBuffer, length_bytes: usize) -> Result<usize> {
        let buffer = self.output_buffer(length_bytes)?;
        // SAFETY: the framework gave at least that many bytes, of the app's pages.
        unsafe { source.copy_to(buffer.cast(), length_bytes) }?;
        Ok(length_bytes)
    }

    /// `WdfRequestRetrieveOutputBuffer`, of at least that length.
    fn output_buffer(&self, length_bytes: usize) -> Result<*mut c_void> {
        let mut buffer = core::ptr::null_mut();
        // SAFETY: the request is owned, the pointer lives through the call, no length is asked for.
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
    pub fn map_buffer(&self, kind: ReadWrite, length_bytes: usize) -> Result<()> {
        match kind {
            ReadWrite::Read => self.output_buffer(length_bytes).map(drop),
            ReadWrite::Write => input_buffer(self.0, length_bytes).map(drop),
        }
    }

    /// The file offset of a read or write (`WdfRequestGetParameters`). IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn file_offset(&self) -> i64 {
        let mut parameters = WDF_REQUEST_PARAMETERS {
            // WDF_REQUEST_PARAMETERS_INIT
            Size: PARAMETERS_BYTES,
            ..WDF_REQUEST_PARAMETERS::default()
        };
        // SAFETY: the request is owned; the structure lives through the call.
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
    pub fn input<T: FromBytes>(&self) -> Result<T> {
        let buffer = input_buffer(self.0, size_of::<T>())?;
        // SAFETY: the framework gave at least that many bytes, any of which are a valid `T`, and
        // nobody writes them while the request is owned: it is buffered.
        Ok(unsafe { buffer.cast::<T>().read_unaligned() })
    }

    /// Hands the request to another queue of the device (`WdfRequestForwardToIoQueue`). A queue
    /// that takes no more is that of a device which is removed and does not come back: then the request
    /// fails with STATUS_DEVICE_DOES_NOT_EXIST. IRQL: <= DISPATCH_LEVEL; hold no lock.
    pub fn forward_to(self, queue: &Queue) {
        if let Err(request) = self.try_forward_to(queue) {
            request.complete(Err(NtStatus::DEVICE_DOES_NOT_EXIST));
        }
    }

    /// [`Request::forward_to`], but gives the request back if that fails.
    ///
    /// # Errors
    /// The request, for the queue takes no more.
    pub fn try_forward_to(self, queue: &Queue) -> core::result::Result<(), Self> {
        // SAFETY: the request is owned and was presented by another queue of the same device.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(WdfRequestForwardToIoQueue, self.0, queue.handle())
        };
        match NtStatus::check(status) {
            Ok(()) => {
                self.into_handle();
                Ok(())
            }
            Err(_) => Err(self),
        }
    }

    /// The context of the handle that the request came through (`WdfRequestGetFileObject`), which may
    /// be looked at when the request is over and the handle gone. None if it came without one, from the
    /// kernel. IRQL: <= DISPATCH_LEVEL.
    #[must_use]
    pub fn handle<F: Context + FromZeros>(&self) -> Option<ContextReference<F>> {
        // SAFETY: the request is owned.
        let file = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetFileObject, self.0) };
        if file.is_null() {
            return None;
        }
        // SAFETY: the file object outlives its requests. If it has an `F`, the framework has zeroed
        // it.
        unsafe { ContextReference::new(file.cast()) }
    }

    /// A reference, to find the request by when somebody else owns it. IRQL: any.
    pub fn reference(&self) -> RequestReference {
        // SAFETY: the request is owned.
        unsafe { RequestReference::take(self.0) }
    }

    /// Lets the framework cancel the request (`WdfRequestMarkCancelableEx`): `H` is told, on any
    /// processor, at once or at any later moment until [`CancelableRequest::reclaim`] succeeds.
    /// IRQL: <= DISPATCH_LEVEL; a lock may be held, for the callback is never called from here.
    ///
    /// # Errors
    /// The request: it has been canceled already. Complete it with STATUS_CANCELLED.
    pub fn into_cancelable<H: CancelHandler>(
        self,
    ) -> core::result::Result<CancelableRequest, Self> {
        // SAFETY: the request is owned and not cancelable yet.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestMarkCancelableEx,
                self.0,
                Some(evt_request_cancel::<H>)
            )
        };
        match NtStatus::check(status) {
            Ok(()) => Ok(CancelableRequest(self.into_handle())),
            Err(_) => Err(self),
        }
    }

    /// Gives the request back to its queue from EvtIoStop.
    pub(super) fn requeue(self) {
        // SAFETY: the request is owned, not cancelable, and EvtIoStop runs for it: `Stop::requeue`.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestStopAcknowledge,
                self.into_handle(),
                true.into()
            );
        }
    }

    /// Whether it is that request.
    #[must_use]
    pub fn is(&self, id: &RequestId) -> bool {
        self.0 == id.0
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        // SAFETY: the request is owned, and nobody can use this value any more.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfRequestComplete,
                self.0,
                NtStatus::INTERNAL_ERROR.get()
            );
        }
    }
}

/// `WdfRequestRetrieveInputBuffer`, of at least that length, of a request that is owned.
fn input_buffer(request: WDFREQUEST, length_bytes: usize) -> Result<*mut c_void> {
    let mut buffer = core::ptr::null_mut();
    // SAFETY: the request is owned, the pointer lives through the call, no length is asked for.
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

/// Names a request without owning it: good for nothing but comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(WDFREQUEST);

impl RequestId {
    pub(super) const fn new(handle: WDFREQUEST) -> Self {
        Self(handle)
    }
}

/// A request that this driver owns and the framework may cancel. Dropping it completes it, unless
/// it has been canceled: then only its cancel callback may.
///
/// # Invariants
/// As for [`Request`], except that it is cancelable, or canceled and its cancel callback has not
/// redeemed it.
#[must_use = "a cancelable request must be kept where its cancel callback finds it"]
#[derive(Debug)]
pub struct CancelableRequest(WDFREQUEST);

// SAFETY: a request may be used on any processor.
unsafe impl Send for CancelableRequest {}

impl CancelableRequest {
    /// Takes the request back (`WdfRequestUnmarkCancelable`). IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// It has been canceled: keep it where the cancel callback finds it.
    pub fn reclaim(self) -> core::result::Result<Request, Self> {
        // SAFETY: the request is owned, not completed, and was made cancelable.
        let status =
            unsafe { call_unsafe_wdf_function_binding!(WdfRequestUnmarkCancelable, self.0) };
        match NtStatus::check(status) {
            Ok(()) => Ok(self.into_request()),
            Err(_) => Err(self),
        }
    }

    /// Copies the input from the app's buffer to the start of a common buffer. The app may write its
    /// buffer meanwhile: it gets what it asks for. IRQL: <= DISPATCH_LEVEL; a lock may be held.
    ///
    /// # Errors
    /// STATUS_BUFFER_TOO_SMALL, STATUS_INSUFFICIENT_RESOURCES.
    pub fn copy_input_to(&self, target: &mut CommonBuffer, length_bytes: usize) -> Result<()> {
        let buffer = input_buffer(self.0, length_bytes)?;
        // SAFETY: the framework gave at least that many bytes, of the app's pages.
        unsafe { target.copy_from(buffer.cast(), length_bytes) }
    }

    /// It is not cancelable any more.
    fn into_request(self) -> Request {
        let handle = self.0;
        mem::forget(self);
        Request(handle)
    }

    /// Whether it is that request.
    #[must_use]
    pub fn is(&self, id: &RequestId) -> bool {
        self.0 == id.0
    }
}

impl Drop for CancelableRequest {
    fn drop(&mut self) {
        if let Err(canceled) = Self(self.0).reclaim() {
            mem::forget(canceled);
        }
    }
}

/// A request is canceled. Its cancel callback runs and must complete it.
pub struct Canceled(WDFREQUEST);

impl Canceled {
    /// Takes the request.
    ///
    /// # Errors
    /// It is another request.
    pub fn redeem(
        &self,
        request: CancelableRequest,
    ) -> core::result::Result<Request, CancelableRequest> {
        if request.0 == self.0 {
            Ok(request.into_request())
        } else {
            Err(request)
        }
    }
}

/// EvtRequestCancel.
pub trait CancelHandler {
    /// The context of the device.
    type Device: Context;

    /// A request was canceled: redeem it where it is kept, then complete it with
    /// STATUS_CANCELLED. IRQL: <= DISPATCH_LEVEL.
    fn on_cancel(device: &Self::Device, canceled: &Canceled);
}

/// `EVT_WDF_REQUEST_CANCEL`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, once, for a request that [`Request::into_cancelable`] made
/// cancelable.
unsafe extern "C" fn evt_request_cancel<H: CancelHandler>(request: WDFREQUEST) {
    // SAFETY: the request is not completed before this callback completes it.
    let queue = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetIoQueue, request) };
    // SAFETY: the queue that presented the request outlives it.
    let device = unsafe { device_of(queue) };
    // SAFETY: the device outlives its requests, and its context was attached before its queues
    // could present one.
    if let Some(device) = unsafe { context::of::<H::Device>(device.as_object()) } {
        H::on_cancel(device, &Canceled(request));
    }
}

/// The `Size` field of `WDF_REQUEST_PARAMETERS`.
#[expect(clippy::cast_possible_truncation, reason = "it has 40 bytes")]
const PARAMETERS_BYTES: USHORT = size_of::<WDF_REQUEST_PARAMETERS>() as USHORT;
