//! Apps that wait for events: the inverted call.
//!
//! A request that finds no event waits in a manual queue, where the framework cancels it when its app
//! wants or its handle is closed. Whoever may have made it answerable calls [`serve`] afterwards: the
//! DPC that has numbered an event, and the callback that has put the request into the queue, because
//! the event may have come in between. So none is overslept, with no lock held around the queue.
//!
//! While [`serve`] has a request out of the queue, its handle may be closed: the framework cancels what
//! is in the queue then, and what is put back afterwards would stay. So a request of a closed handle is
//! never put back, and one whose handle was closed while it was put back is fetched once more.

#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use edu_spec::wire::{Event, EventCursor, MAX_WAITING};
use zerocopy::FromZeros;

use crate::{
    device::EduDevice,
    wdf::{HandleContext, NtStatus, QueueCancelHandler, Request, Result, context_type},
};

/// The context of a handle.
#[derive(FromZeros)]
pub struct Handle {
    /// How many of its requests wait.
    waiting: AtomicU32,
    /// Whether it was closed.
    closed: AtomicBool,
}

context_type!(Handle, c"Handle");

impl HandleContext for Handle {
    type Device = EduDevice;

    fn on_cleanup(&self, device: &EduDevice) {
        self.closed.store(true, Ordering::Release);
        // Behind the store: who has not seen the handle closed sees this change.
        device.handles_closed.fetch_add(1, Ordering::Release);
    }
}

/// Answers a request for an event, or has it wait. IRQL: <= DISPATCH_LEVEL; hold no lock.
pub fn wait(device: &EduDevice, request: Request) {
    match event_for(device, &request) {
        Ok(Some(event)) => return request.respond(&event),
        Ok(None) => {}
        Err(failure) => return request.complete(Err(failure)),
    }
    if !request.handle::<Handle>().is_none_or(Handle::admit) {
        return request.complete(Err(NtStatus::QUOTA_EXCEEDED));
    }
    if let Err(request) = request.try_forward_to(&device.waiting_queue) {
        leave(&request);
        return request.complete(Err(NtStatus::CANCELLED));
    }
    serve(device);
}

/// Answers the waiting requests that can be answered. IRQL: <= DISPATCH_LEVEL; hold no lock.
pub fn serve(device: &EduDevice) {
    loop {
        let newest = device.state.lock().events.newest();
        let closed = device.handles_closed.load(Ordering::Acquire);
        let Some(request) = device.waiting_queue.retrieve_next() else {
            return;
        };
        match event_for(device, &request) {
            Ok(Some(event)) => {
                leave(&request);
                request.respond(&event);
            }
            Ok(None) if request.handle::<Handle>().is_some_and(Handle::is_closed) => {
                leave(&request);
                request.complete(Err(NtStatus::CANCELLED));
            }
            Ok(None) => {
                if let Err(request) = request.put_back() {
                    leave(&request);
                    request.complete(Err(NtStatus::CANCELLED));
                } else if device.state.lock().events.newest() == newest
                    && device.handles_closed.load(Ordering::Acquire) == closed
                {
                    // Every request that waits has seen the newest event, so this spoke for all.
                    return;
                }
                // Else an event came, or a handle was closed, while the request was out of the queue,
                // and whoever did that did not find it there.
            }
            Err(failure) => {
                leave(&request);
                request.complete(Err(failure));
            }
        }
    }
}

/// The event that a request asks for, if it has come.
fn event_for(device: &EduDevice, request: &Request) -> Result<Option<Event>> {
    let cursor: EventCursor = request.input()?;
    let state = device.state.lock();
    state
        .events
        .after(cursor)
        .map_err(|_| NtStatus::INVALID_PARAMETER)
}

/// A request waits no more.
fn leave(request: &Request) {
    if let Some(handle) = request.handle::<Handle>() {
        handle.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Handle {
    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Counts one more waiting request, if the handle may have it.
    fn admit(&self) -> bool {
        self.waiting
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
                (waiting < MAX_WAITING).then_some(waiting + 1)
            })
            .is_ok()
    }
}

/// The queue of waiting requests: manual, not power-managed.
pub struct Waiting;

impl QueueCancelHandler for Waiting {
    type Device = EduDevice;

    fn on_canceled(_device: &EduDevice, request: Request) {
        leave(&request);
        request.complete(Err(NtStatus::CANCELLED));
    }
}
