//! Fetching requests from a manual queue.

use wdk_sys::call_unsafe_wdf_function_binding;

use super::{NtStatus, Queue, Request, RequestReference, Result};

impl Queue {
    /// Fetches the first of the waiting requests that `wanted` picks, and leaves the others where they
    /// are. IRQL: <= DISPATCH_LEVEL; hold no lock.
    ///
    /// ```no_run
    /// use kmdf::{NtStatus, Queue};
    ///
    /// /// Fails all that wait.
    /// fn end(waiting: &Queue) {
    ///     while let Some(request) = waiting.retrieve(|_| true) {
    ///         request.complete(Err(NtStatus::CANCELLED));
    ///     }
    /// }
    /// ```
    #[expect(
        clippy::inline_always,
        reason = "the closure and the loop are one: a call would cost more than what is called"
    )]
    #[inline(always)]
    pub fn retrieve(&self, wanted: impl Fn(&RequestReference) -> bool) -> Option<Request> {
        let mut previous = None;
        loop {
            match self.find_after(previous.as_ref()) {
                Ok(found) => {
                    if wanted(&found)
                        && let Some(request) = self.retrieve_found(&found)
                    {
                        return Some(request);
                    }
                    previous = Some(found);
                }
                // It has left the queue meanwhile, and its place with it: from the front again.
                Err(NtStatus::NOT_FOUND) if previous.is_some() => previous = None,
                Err(_) => return None,
            }
        }
    }

    /// The request behind another, or the first (`WdfIoQueueFindRequest`). It stays in the queue.
    #[inline]
    fn find_after(&self, previous: Option<&RequestReference>) -> Result<RequestReference> {
        let mut found = core::ptr::null_mut();
        // SAFETY: the queue lives as long as its device; the request before is referenced; the pointer
        // lives through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfIoQueueFindRequest,
                self.handle(),
                previous.map_or(core::ptr::null_mut(), RequestReference::handle),
                core::ptr::null_mut(),
                core::ptr::null_mut(),
                &raw mut found
            )
        };
        NtStatus::check(status)?;
        // SAFETY: the framework has just given it, referenced.
        Ok(unsafe { RequestReference::adopt(found) })
    }

    /// Fetches a request, if it still waits (`WdfIoQueueRetrieveFoundRequest`).
    #[inline]
    fn retrieve_found(&self, found: &RequestReference) -> Option<Request> {
        let mut request = core::ptr::null_mut();
        // SAFETY: the queue lives as long as its device; the framework has found the request, which is
        // referenced; the pointer lives through the call.
        let status = unsafe {
            call_unsafe_wdf_function_binding!(
                WdfIoQueueRetrieveFoundRequest,
                self.handle(),
                found.handle(),
                &raw mut request
            )
        };
        NtStatus::check(status).ok()?;
        // SAFETY: the framework has just given it, neither completed nor cancelable.
        Some(unsafe { Request::new(request) })
    }
}
