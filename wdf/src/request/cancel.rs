//! Cancellation.

use core::mem;

use wdk_sys::{WDFREQUEST, call_unsafe_wdf_function_binding};

use super::{Request, RequestId};
use crate::{Context, NtStatus, context, queue::device_of};

/// A request that this driver owns and the framework may cancel. Dropping it completes it, unless
/// it has been canceled: then only its cancel callback may.
///
/// [`crate::Pending`] does what this example does:
///
/// ```no_run
/// use kmdf::{CancelHandler, CancelableRequest, Canceled, NtStatus, Request, SpinLock};
///
/// struct MyDevice {
///     owned: SpinLock<Option<CancelableRequest>>,
/// }
/// kmdf::context_type!(MyDevice, c"MyDevice");
///
/// fn keep(device: &MyDevice, request: Request) {
///     let mut owned = device.owned.lock();
///     match request.into_cancelable::<MyDevice>() {
///         Ok(request) => *owned = Some(request),
///         Err(request) => {
///             drop(owned);
///             request.complete(Err(NtStatus::CANCELLED));
///         }
///     }
/// }
///
/// impl CancelHandler for MyDevice {
///     type Device = Self;
///
///     fn on_cancel(device: &Self, canceled: &Canceled) {
///         let taken = device.owned.lock().take();
///         if let Some(Ok(request)) = taken.map(|request| canceled.take(request)) {
///             request.complete(Err(NtStatus::CANCELLED));
///         }
///     }
/// }
///
/// /// In a DPC.
/// fn done(device: &MyDevice) {
///     let mut owned = device.owned.lock();
///     match owned.take().map(CancelableRequest::reclaim) {
///         Some(Ok(request)) => {
///             drop(owned);
///             request.complete(Ok(0));
///         }
///         // Canceled: it stays until EvtRequestCancel takes it.
///         Some(Err(request)) => *owned = Some(request),
///         None => {}
///     }
/// }
/// ```
///
/// # Invariants
/// As for [`Request`], except that it is cancelable, or canceled and its cancel callback has not
/// taken it.
#[must_use = "a cancelable request must be kept where its cancel callback finds it"]
#[derive(Debug)]
pub struct CancelableRequest(WDFREQUEST);

// SAFETY: a request may be used on any processor.
unsafe impl Send for CancelableRequest {}

impl CancelableRequest {
    /// # Safety
    /// See the invariants.
    #[inline]
    pub(super) const unsafe fn new(handle: WDFREQUEST) -> Self {
        Self(handle)
    }

    #[inline]
    pub(super) const fn handle(&self) -> WDFREQUEST {
        self.0
    }

    /// Takes the request back (`WdfRequestUnmarkCancelable`). IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Errors
    /// It has been canceled: keep it where the cancel callback finds it.
    #[inline]
    pub fn reclaim(self) -> Result<Request, Self> {
        // SAFETY: the request is owned, not completed, and was made cancelable.
        let status =
            unsafe { call_unsafe_wdf_function_binding!(WdfRequestUnmarkCancelable, self.0) };
        match NtStatus::check(status) {
            Ok(()) => Ok(self.into_request()),
            Err(_) => Err(self),
        }
    }

    /// It is not cancelable any more.
    #[inline]
    fn into_request(self) -> Request {
        let handle = self.0;
        mem::forget(self);
        // SAFETY: it was owned, and is not cancelable any more.
        unsafe { Request::new(handle) }
    }

    /// Whether it is that request.
    #[must_use]
    #[inline]
    pub fn is(&self, id: &RequestId) -> bool {
        self.0 == id.0
    }
}

impl Drop for CancelableRequest {
    #[inline]
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
    #[inline]
    pub fn take(&self, request: CancelableRequest) -> Result<Request, CancelableRequest> {
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

    /// A request was canceled: take it where it is kept, then complete it with
    /// STATUS_CANCELLED. IRQL: <= DISPATCH_LEVEL.
    fn on_cancel(device: &Self::Device, canceled: &Canceled);
}

/// `EVT_WDF_REQUEST_CANCEL`. IRQL: <= DISPATCH_LEVEL.
///
/// # Safety
/// Only the framework calls it, once, for a request that [`Request::into_cancelable`] made
/// cancelable.
pub(super) unsafe extern "C" fn evt_request_cancel<H: CancelHandler>(request: WDFREQUEST) {
    // SAFETY: the request is not completed before this callback completes it.
    let queue = unsafe { call_unsafe_wdf_function_binding!(WdfRequestGetIoQueue, request) };
    // SAFETY: the queue that the request was presented by outlives it.
    let device = unsafe { device_of(queue) };
    // SAFETY: the device outlives its requests, and `Device::attach` initializes what it attaches.
    if let Some(device) = unsafe { context::of::<H::Device>(device) } {
        H::on_cancel(device, &Canceled(request));
    }
}
