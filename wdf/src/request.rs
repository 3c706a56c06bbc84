//! Requests: owned, completed exactly once.
//!
//! ```text
//!    EvtIo…, Queue::retrieve, EvtIoCanceledOnQueue
//!                │
//!                ▼
//!   ┌───▶ owned: Request ─────── complete, respond, complete_with, drop ──▶ completed
//!   │            │   │  └─────── forward_to ─────────────────────────────▶ in another queue
//!   │            │   └────────── Stop::requeue ──────────────────────────▶ in its queue again
//!   │            │ into_cancelable
//!   │ reclaim    ▼
//!   ├───── cancelable: CancelableRequest ────── drop ─────────────────────▶ completed
//!   │            │
//!   │            │ the app cancels it: from now on reclaim fails, and EvtRequestCancel is called, once
//!   │            ▼
//!   └───── canceled: still a CancelableRequest, until EvtRequestCancel takes it out
//!      Canceled::take
//! ```
//!
//! Every arrow consumes the value at its tail. So nothing is completed twice, and what is cancelable has to be
//! reclaimed before it is completed. There are no I/O targets here: no request is sent to another driver.

mod buffers;
mod cancel;
mod pending;

use core::mem;

use wdk_sys::{STATUS_SUCCESS, ULONG_PTR, WDFREQUEST, call_unsafe_wdf_function_binding};
use zerocopy::FromZeros;

pub use cancel::{CancelHandler, CancelableRequest, Canceled};
pub use pending::Pending;

use super::{Context, ContextReference, NtStatus, Queue, RequestReference, Result};
use cancel::evt_request_cancel;

/// A request that this driver owns: see the [module](self). Dropping it completes it with STATUS_INTERNAL_ERROR: never
/// lost, never completed twice.
///
/// # Invariants
/// The framework has presented the request, it is not completed, not cancelable, and no other
/// value stands for it.
#[must_use = "dropping a request fails it"]
#[derive(Debug)]
pub struct Request(WDFREQUEST);

// SAFETY: the handle is a number, and a request may be completed on any processor.
unsafe impl Send for Request {}

impl Request {
    /// # Safety
    /// See the invariants.
    #[inline]
    pub(super) const unsafe fn new(handle: WDFREQUEST) -> Self {
        Self(handle)
    }

    /// Gives up the ownership without completing.
    #[inline]
    fn into_handle(self) -> WDFREQUEST {
        let handle = self.0;
        mem::forget(self);
        handle
    }

    /// Completes the request (`WdfRequestCompleteWithInformation`), with the number of bytes
    /// given or the failure. IRQL: <= DISPATCH_LEVEL; hold no lock.
    #[inline]
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

    /// Forwards the request to another queue of the device (`WdfRequestForwardToIoQueue`). A queue
    /// that takes no more is that of a device which is removed and does not come back: then the request
    /// fails with STATUS_DEVICE_DOES_NOT_EXIST. IRQL: <= DISPATCH_LEVEL; hold no lock.
    #[inline]
    pub fn forward_to(self, queue: &Queue) {
        if let Err(request) = self.try_forward_to(queue) {
            request.complete(Err(NtStatus::DEVICE_DOES_NOT_EXIST));
        }
    }

    /// [`Request::forward_to`], but gives the request back if that fails.
    ///
    /// ```no_run
    /// use kmdf::{NtStatus, Queue, Request};
    ///
    /// fn wait(request: Request, queue: &Queue) {
    ///     if let Err(request) = request.try_forward_to(queue) {
    ///         request.complete(Err(NtStatus::DEVICE_NOT_READY));
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// The request, for the queue takes no more.
    #[inline]
    pub fn try_forward_to(self, queue: &Queue) -> core::result::Result<(), Self> {
        // SAFETY: the request is owned; the queue lives as long as its device.
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
    /// be looked at when the request is completed and the handle closed. None if it came without one, from the
    /// kernel. IRQL: <= DISPATCH_LEVEL.
    ///
    /// ```no_run
    /// # use kmdf::{HandleContext, Queue, Request};
    /// /// Has a request wait. What may be needed of it later is asked for first.
    /// fn wait<H: HandleContext>(request: Request, waiting: &Queue) {
    ///     let (handle, this) = (request.handle::<H>(), request.reference());
    ///     request.forward_to(waiting);
    ///     if handle.is_none() {
    ///         // It came from the kernel: it is not kept waiting.
    ///         drop(waiting.retrieve(|waiting| *waiting == this));
    ///     }
    /// }
    /// ```
    #[must_use]
    #[inline]
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
    #[must_use]
    #[inline]
    pub fn reference(&self) -> RequestReference {
        // SAFETY: the request is owned.
        unsafe { RequestReference::take(self.0) }
    }

    /// Lets the framework cancel the request (`WdfRequestMarkCancelableEx`): `H` is told, on any
    /// processor, at once or at any later moment until [`CancelableRequest::reclaim`] succeeds.
    /// IRQL: <= DISPATCH_LEVEL; a lock may be held: the callback is never called from here.
    ///
    /// # Errors
    /// The request: it has been canceled already. Complete it with STATUS_CANCELLED.
    #[inline]
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
            // SAFETY: the request was owned, and is cancelable now.
            Ok(()) => Ok(unsafe { CancelableRequest::new(self.into_handle()) }),
            Err(_) => Err(self),
        }
    }

    /// Gives the request back to its queue from EvtIoStop.
    #[inline]
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
    #[inline]
    pub fn is(&self, id: &RequestId) -> bool {
        self.0 == id.0
    }
}

impl Drop for Request {
    #[inline]
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

/// Names a request without owning it: good for nothing but comparing.
///
/// ```no_run
/// use kmdf::{CancelableRequest, RequestId};
///
/// /// In EvtIoStop: which of the requests that the driver keeps is meant.
/// fn position(kept: &[CancelableRequest], id: &RequestId) -> Option<usize> {
///     kept.iter().position(|request| request.is(id))
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(WDFREQUEST);

impl RequestId {
    #[inline]
    pub(super) const fn new(handle: WDFREQUEST) -> Self {
        Self(handle)
    }
}
