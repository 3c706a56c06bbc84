//! References: what may be looked at though the object may have been deleted.

use core::{ops::Deref, ptr::NonNull};

use wdk_sys::{WDFOBJECT, WDFREQUEST, call_unsafe_wdf_function_binding};
use zerocopy::FromZeros;

use super::{Context, context};

/// A reference of an object, given back when it is dropped.
///
/// # Invariants
/// The reference is taken and not given back, so the object's memory and its context spaces are there,
/// even if the object has been deleted.
struct Reference(WDFOBJECT);

impl Reference {
    /// Takes one (`WdfObjectReference`). IRQL: any.
    ///
    /// # Safety
    /// The object is alive.
    #[inline]
    unsafe fn take(object: WDFOBJECT) -> Self {
        // SAFETY: the object is alive by this function's contract. Tag, line and file are notes for a debugger, and
        // may be missing.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfObjectReferenceActual,
                object,
                core::ptr::null_mut(),
                0,
                core::ptr::null_mut()
            );
        }
        Self(object)
    }
}

impl Drop for Reference {
    /// `WdfObjectDereference`. IRQL: <= DISPATCH_LEVEL.
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the invariant; the tag is that of `take` and of `WdfIoQueueFindRequest`: none.
        unsafe {
            call_unsafe_wdf_function_binding!(
                WdfObjectDereferenceActual,
                self.0,
                core::ptr::null_mut(),
                0,
                core::ptr::null_mut()
            );
        }
    }
}

/// The context of an object that may have been deleted.
///
/// ```no_run
/// use core::sync::atomic::{AtomicU32, Ordering};
/// use kmdf::{ContextReference, Request};
///
/// # #[derive(zerocopy::FromZeros)]
/// struct Handle {
///     requests: AtomicU32,
/// }
/// # kmdf::context_type!(Handle, c"Handle");
///
/// fn count_and_complete(request: Request) {
///     let handle: Option<ContextReference<Handle>> = request.handle();
///     request.complete(Ok(0));
///     // The app may have closed its handle by now.
///     if let Some(handle) = handle {
///         handle.requests.fetch_add(1, Ordering::Relaxed);
///     }
/// }
/// ```
///
/// # Invariants
/// The context is one of the object that is referenced.
pub struct ContextReference<C> {
    context: NonNull<C>,
    _object: Reference,
}

impl<C: Context + FromZeros> ContextReference<C> {
    /// IRQL: <= DISPATCH_LEVEL.
    ///
    /// # Safety
    /// The object is alive, and if it has a `C`, the framework has zeroed it.
    #[inline]
    pub(super) unsafe fn new(object: WDFOBJECT) -> Option<Self> {
        // SAFETY: the object is alive by this function's contract, and a zeroed context is a valid `C`, which is
        // `FromZeros`.
        let context = NonNull::from(unsafe { context::of::<C>(object) }?);
        Some(Self {
            context,
            // SAFETY: the object is alive by this function's contract.
            _object: unsafe { Reference::take(object) },
        })
    }
}

impl<C> Deref for ContextReference<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        // SAFETY: the object is referenced, so its context is there; nobody has it to himself.
        unsafe { self.context.as_ref() }
    }
}

/// A request that somebody else may own or have completed: it can be compared, and its context read.
///
/// ```no_run
/// use core::sync::atomic::{AtomicU64, Ordering};
/// use kmdf::{NtStatus, Queue, Request, RequestReference};
///
/// /// The context of every request: `DeviceInit::set_request_context`.
/// # #[derive(zerocopy::FromZeros)]
/// struct Wait {
///     since: AtomicU64,
/// }
/// # kmdf::context_type!(Wait, c"Wait");
///
/// /// Has a request wait, and takes it back if it came too late.
/// fn wait(queue: &Queue, request: Request, now: u64, is_late: impl Fn() -> bool) {
///     let this: RequestReference = request.reference();
///     if let Some(wait) = this.context::<Wait>() {
///         wait.since.store(now, Ordering::Relaxed);
///     }
///     request.forward_to(queue);
///     // From here on somebody else may complete it.
///     if is_late() && let Some(request) = queue.retrieve(|waiting| *waiting == this) {
///         request.complete(Err(NtStatus::CANCELLED));
///     }
/// }
/// ```
pub struct RequestReference(Reference);

impl RequestReference {
    /// IRQL: any.
    ///
    /// # Safety
    /// The request is alive.
    #[inline]
    pub(super) unsafe fn take(request: WDFREQUEST) -> Self {
        // SAFETY: the request is alive by this function's contract.
        Self(unsafe { Reference::take(request.cast()) })
    }

    /// # Safety
    /// The framework has just given it with a reference that nobody else gives back.
    #[inline]
    pub(super) unsafe fn adopt(request: WDFREQUEST) -> Self {
        Self(Reference(request.cast()))
    }

    #[inline]
    pub(super) fn handle(&self) -> WDFREQUEST {
        self.0.0.cast()
    }

    /// The context that each request has ([`super::DeviceInit::set_request_context`]).
    #[must_use]
    #[inline]
    pub fn context<C: Context + FromZeros>(&self) -> Option<&C> {
        // SAFETY: the request is referenced as long as `self` lives. If it has a `C`, the framework has
        // zeroed it, which is a valid one.
        unsafe { context::of(self.0.0) }
    }
}

impl PartialEq for RequestReference {
    /// Whether it is the same request: no other can have its address while it is referenced.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0.0 == other.0.0
    }
}
