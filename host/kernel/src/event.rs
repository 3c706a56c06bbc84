//! Events, semaphores and mutexes.

use std::cell::Cell;

use kmdf_abi::ntstatus::{STATUS_MUTANT_NOT_OWNED, STATUS_SEMAPHORE_LIMIT_EXCEEDED};
use kmdf_machine::cpu::stub::Call;

use crate::{Kernel, dispatcher::Object, services};

services! {
    KeInitializeEvent <= HIGH => initialize;
    KeSetEvent <= DISPATCH => set;
    KeResetEvent <= DISPATCH => reset;
    KeClearEvent <= DISPATCH => clear;
    KeReadStateEvent <= DISPATCH => read;
    KeInitializeSemaphore <= HIGH => initialize_semaphore;
    KeReleaseSemaphore <= DISPATCH => release_semaphore;
    KeReadStateSemaphore <= HIGH => read_semaphore;
    KeInitializeMutex <= HIGH => initialize_mutex;
    KeReleaseMutex <= DISPATCH => release_mutex;
}

/// DISPATCHER_HEADER: Type, Signalling, Size in words of 4 bytes, Reserved, SignalState.
fn write_header(kernel: &Kernel, address: u64, kind: u8, words: u8, state: i32) {
    kernel
        .memory
        .write_bytes(address, &[kind, 0, words, 0, 0, 0, 0, 0]);
    kernel.memory.write(address + 4, &state);
}

/// KeInitializeEvent(Event, Type, State): type 0 is NotificationEvent, 1 SynchronizationEvent.
fn initialize(kernel: &Kernel, call: &Call) {
    write_header(kernel, call.arg(0), call.arg8(1), 6, call.flag(2).into());
    let event = Object::event(call.arg32(1) != 0, call.flag(2));
    kernel.objects().dispatcher.add(call.arg(0), event);
}

/// Puts an event into a state, or leaves it: the state before.
fn change(kernel: &Kernel, address: u64, to: Option<bool>) -> bool {
    match kernel.objects().dispatcher.get(address).as_deref() {
        Some(event @ Object::Event { signaled, .. }) => {
            let before = signaled.get();
            if before {
                kernel.acquires_at(event.place());
            }
            if to == Some(true) {
                kernel.releases_at(event.place());
            }
            signaled.set(to.unwrap_or(before));
            before
        }
        _ => kernel.no_object(address, "event"),
    }
}

/// KeSetEvent(Event, Increment, Wait): whether it was signaled
fn set(kernel: &Kernel, call: &Call) -> bool {
    change(kernel, call.arg(0), Some(true))
}

impl Kernel {
    /// Signals the KEVENT at an address.
    pub fn set_event_at(&self, address: u64) {
        change(self, address, Some(true));
    }
}

fn reset(kernel: &Kernel, call: &Call) -> bool {
    change(kernel, call.arg(0), Some(false))
}

fn clear(kernel: &Kernel, call: &Call) {
    change(kernel, call.arg(0), Some(false));
}

fn read(kernel: &Kernel, call: &Call) -> bool {
    change(kernel, call.arg(0), None)
}

/// KeInitializeSemaphore(Semaphore, Count, Limit)
fn initialize_semaphore(kernel: &Kernel, call: &Call) {
    let (count, limit) = (call.arg32(1).cast_signed(), call.arg32(2).cast_signed());
    write_header(kernel, call.arg(0), 5, 8, count);
    let semaphore = Object::Semaphore {
        count: Cell::new(count),
        limit,
    };
    kernel.objects().dispatcher.add(call.arg(0), semaphore);
}

/// KeReleaseSemaphore(Semaphore, Increment, Adjustment, Wait): the count before
fn release_semaphore(kernel: &Kernel, call: &Call) -> u32 {
    let object = kernel.objects().dispatcher.get(call.arg(0));
    let Some(Object::Semaphore { count, limit }) = object.as_deref() else {
        kernel.no_object(call.arg(0), "semaphore");
    };
    if let Some(semaphore) = object.as_deref() {
        kernel.releases_at(semaphore.place());
    }
    let before = count.get();
    match before.checked_add(call.arg32(2).cast_signed()) {
        Some(after) if after <= *limit && after >= before => count.set(after),
        _ => kernel.raise_status(call, STATUS_SEMAPHORE_LIMIT_EXCEEDED),
    }
    before.cast_unsigned()
}

fn read_semaphore(kernel: &Kernel, call: &Call) -> u32 {
    match kernel.objects().dispatcher.get(call.arg(0)).as_deref() {
        Some(Object::Semaphore { count, .. }) => count.get().cast_unsigned(),
        _ => kernel.no_object(call.arg(0), "semaphore"),
    }
}

/// KeInitializeMutex(Mutex, Level)
fn initialize_mutex(kernel: &Kernel, call: &Call) {
    write_header(kernel, call.arg(0), 2, 14, 1);
    let mutex = Object::Mutex {
        owner: Cell::new(None),
        depth: Cell::new(0),
    };
    kernel.objects().dispatcher.add(call.arg(0), mutex);
}

/// KeReleaseMutex(Mutex, Wait): zero when it is free now
fn release_mutex(kernel: &Kernel, call: &Call) -> u32 {
    let object = kernel.objects().dispatcher.get(call.arg(0));
    let Some(Object::Mutex { owner, depth }) = object.as_deref() else {
        kernel.no_object(call.arg(0), "mutex");
    };
    if owner.get() != Some(kernel.thread()) {
        kernel.raise_status(call, STATUS_MUTANT_NOT_OWNED);
        return 0;
    }
    if let Some(mutex) = object.as_deref() {
        kernel.releases_at(mutex.place());
    }
    depth.set(depth.get() - 1);
    if depth.get() == 0 {
        owner.set(None);
    }
    // What the signal state was: 1 for a free mutex, and one less for each time that it is owned.
    0_i32
        .wrapping_sub(depth.get().cast_signed())
        .cast_unsigned()
}
