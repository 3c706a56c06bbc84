//! Apps that wait for events: the inverted call.
//!
//! A request that finds no event waits in a manual queue. The framework cancels it there when its app cancels it or its
//! handle is closed. A request leaves the queue only to be completed.
//!
//! No lock is held around the queue, so the event may come just before the request is queued. Whoever changes what can be
//! completed, or what may wait, searches the queue *afterwards*: the DPC that has numbered an event, the framework that
//! closes a handle, [`end`] when the device does not come back. [`wait`] searches *after* it has queued its request. One
//! of the two finds the request, whichever came first.

#![forbid(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use edu_spec::wire::{Event, EventCursor, MAX_WAITING};
use zerocopy::FromZeros;

use kmdf::{HandleContext, NtStatus, QueueCancelHandler, Request, RequestReference, Result};

use crate::device::EduDevice;

/// The context of a handle.
#[derive(FromZeros)]
pub struct Handle {
    /// How many of its requests wait.
    waiting: AtomicU32,
    /// Whether it was closed.
    closed: AtomicBool,
}

kmdf::context_type!(Handle, c"Handle");

impl HandleContext for Handle {
    fn on_cleanup(&self) {
        self.closed.store(true, Ordering::Release);
    }
}

/// The context of a request.
#[derive(FromZeros)]
pub struct Wait {
    /// If it waits: the newest event that its app has seen.
    seen: AtomicU64,
}

kmdf::context_type!(Wait, c"Wait");

/// Completes a request with an event, or queues it. IRQL: <= DISPATCH_LEVEL; hold no lock.
pub fn wait(device: &EduDevice, request: Request) {
    let cursor = match event_for(device, &request) {
        Ok((_, Some(event))) => return request.respond(&event),
        Ok((cursor, None)) => cursor,
        Err(failure) => return request.complete(Err(failure)),
    };
    let handle = request.handle::<Handle>();
    if handle.as_ref().is_some_and(|handle| !handle.admit()) {
        return request.complete(Err(NtStatus::QUOTA_EXCEEDED));
    }
    let this = request.reference();
    if let Some(wait) = this.context::<Wait>() {
        wait.seen.store(cursor.0, Ordering::Relaxed);
    }
    if let Err(request) = request.try_forward_to(&device.waiting_queue) {
        return give_up(request, NtStatus::DEVICE_DOES_NOT_EXIST);
    }
    // From here on another thread may complete the request, and its handle may be closed.
    answer(device);
    if device.lost.load(Ordering::Acquire) {
        return end_all(device);
    }
    // Windows closes a handle while another thread is sending through it. The framework cancels the queued requests of a
    // closed handle once, after EvtFileCleanup. A request that was queued later finds here that the handle is closed.
    if handle.is_some_and(|handle| handle.is_closed())
        && let Some(request) = device.waiting_queue.retrieve(|waiting| *waiting == this)
    {
        give_up(request, NtStatus::CANCELLED);
    }
}

/// The device does not come back: completes all waiting requests, although their handles are open, and lets none wait from
/// now on. IRQL: <= DISPATCH_LEVEL; hold no lock.
pub fn end(device: &EduDevice) {
    device.lost.store(true, Ordering::Release);
    // An event that came before is still delivered.
    answer(device);
    end_all(device);
}

fn end_all(device: &EduDevice) {
    while let Some(request) = device.waiting_queue.retrieve(|_| true) {
        give_up(request, NtStatus::DEVICE_DOES_NOT_EXIST);
    }
}

/// Completes the waiting requests for which there is an event. IRQL: <= DISPATCH_LEVEL; hold no lock.
#[inline(never)]
pub fn answer(device: &EduDevice) {
    answer_in_dpc(device);
}

/// [`answer`], inlined into the DPC.
#[expect(
    clippy::inline_always,
    reason = "it is a part of the DPC: docs/bench.md"
)]
#[inline(always)]
pub fn answer_in_dpc(device: &EduDevice) {
    // A DPC that numbers a later event calls this function afterwards.
    let newest = device.state.lock().events.newest();
    // The search looks at every request: one that has seen the newest event may be in front of one that has not.
    let unseen = |waiting: &RequestReference| {
        let wait = waiting.context::<Wait>();
        wait.is_some_and(|wait| wait.seen.load(Ordering::Relaxed) < newest)
    };
    while let Some(request) = device.waiting_queue.retrieve(unseen) {
        answer_one(device, request);
    }
}

/// Completes a request that has not seen the newest event.
#[inline(never)]
fn answer_one(device: &EduDevice, request: Request) {
    leave(&request);
    // There is an event, because `newest` says so. Otherwise dropping the request completes it with an error.
    if let Ok((_, Some(event))) = event_for(device, &request) {
        request.respond(&event);
    }
}

/// What the app of a request has seen, and the next event after that, if it has come.
fn event_for(device: &EduDevice, request: &Request) -> Result<(EventCursor, Option<Event>)> {
    let cursor = request.input()?;
    let state = device.state.lock();
    match state.events.after(cursor) {
        Ok(event) => Ok((cursor, event)),
        Err(_) => Err(NtStatus::INVALID_PARAMETER),
    }
}

/// Completes a request that has waited and gets no event.
fn give_up(request: Request, why: NtStatus) {
    leave(&request);
    request.complete(Err(why));
}

/// A request does not wait any more.
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
        give_up(request, NtStatus::CANCELLED);
    }
}
