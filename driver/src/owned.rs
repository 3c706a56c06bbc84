//! Requests as the engines of `edu-driver-core` keep them.

#![forbid(unsafe_code)]

use core::marker::PhantomData;

use edu_driver_core::engine;

use kmdf::{CancelHandler, CancelableRequest, Canceled, Request, RequestId};

/// A request that `H` is told the cancellation of, once it is cancelable.
pub struct Owned<H> {
    request: Request,
    handler: PhantomData<fn() -> H>,
}

/// The same while an engine works for it.
pub struct Pending<H> {
    request: CancelableRequest,
    handler: PhantomData<fn() -> H>,
}

impl<H> Owned<H> {
    /// Wraps a request.
    pub const fn new(request: Request) -> Self {
        Self {
            request,
            handler: PhantomData,
        }
    }

    /// Unwraps it.
    pub fn into_request(self) -> Request {
        self.request
    }
}

impl<H> Pending<H> {
    const fn new(request: CancelableRequest) -> Self {
        Self {
            request,
            handler: PhantomData,
        }
    }

    /// The request.
    pub const fn request(&self) -> &CancelableRequest {
        &self.request
    }
}

impl<H: CancelHandler> engine::Request for Owned<H> {
    type Cancelable = Pending<H>;

    fn into_cancelable(self) -> Result<Pending<H>, Self> {
        self.request
            .into_cancelable::<H>()
            .map(Pending::new)
            .map_err(Self::new)
    }
}

impl<H> engine::Cancelable for Pending<H> {
    type Request = Owned<H>;
    type Canceled = Canceled;
    type Id = RequestId;

    fn reclaim(self) -> Result<Owned<H>, Self> {
        self.request.reclaim().map(Owned::new).map_err(Self::new)
    }

    fn take_canceled(self, canceled: &Canceled) -> Result<Owned<H>, Self> {
        canceled
            .take(self.request)
            .map(Owned::new)
            .map_err(Self::new)
    }

    fn is(&self, id: &RequestId) -> bool {
        self.request.is(id)
    }
}
