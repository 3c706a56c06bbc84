//! The kernel's own locks, events and waits.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS, STATUS_TIMEOUT};
use kmdf_rules::rules;

use super::{deferred::DeferredObjects, etw::Providers};
use crate::{
    cpu::{Irql, stub::Call},
    host::Host,
    kmdf::lock::SpinLock,
    sched::HeldLock,
    service::services,
};

/// What the kernel keeps for objects that lie in the driver's memory, by address.
#[derive(Default)]
pub(crate) struct Objects {
    locks: RefCell<BTreeMap<u64, Rc<SpinLock>>>,
    events: RefCell<BTreeMap<u64, Rc<KernelEvent>>>,
    pub(crate) deferred: DeferredObjects,
    pub(crate) providers: Providers,
}

/// A KEVENT.
struct KernelEvent {
    /// Whether a wait that succeeds resets it.
    synchronization: bool,
    signaled: Cell<bool>,
}

services! {
    KeInitializeSpinLock <= HIGH => initialize_lock;
    KeAcquireSpinLockRaiseToDpc <= DISPATCH => acquire_raise;
    KeReleaseSpinLock <= DISPATCH => release_lower;
    KeAcquireSpinLockAtDpcLevel <= DISPATCH => acquire_at_dpc;
    KeReleaseSpinLockFromDpcLevel <= DISPATCH => release_from_dpc;
    KeAcquireInStackQueuedSpinLock <= DISPATCH => acquire_queued;
    KeReleaseInStackQueuedSpinLock <= DISPATCH => release_queued;
    KeInitializeEvent <= HIGH => initialize_event;
    KeSetEvent <= DISPATCH => set_event;
    KeResetEvent <= DISPATCH => reset_event;
    KeClearEvent <= DISPATCH => clear_event;
    KeReadStateEvent <= DISPATCH => read_event;
    KeWaitForSingleObject <= DISPATCH => wait;
    KeDelayExecutionThread <= APC => delay;
}

fn lock_at(host: &Host, address: u64) -> Rc<SpinLock> {
    let mut locks = host.framework.kernel.locks.borrow_mut();
    Rc::clone(locks.entry(address).or_default())
}

/// KeInitializeSpinLock(SpinLock)
fn initialize_lock(host: &Host, call: &Call) {
    host.memory.write(call.arg(0), &0_u64);
    let mut locks = host.framework.kernel.locks.borrow_mut();
    locks.insert(call.arg(0), Rc::default());
}

fn acquire(host: &Host, address: u64) {
    let lock = lock_at(host, address);
    let held = HeldLock {
        id: address,
        name: "KSPIN_LOCK",
        rank: None,
        order: Some(lock.order()),
    };
    host.acquire(&lock, Irql::DISPATCH, held, &rules::SPIN_LOCK);
}

/// KeAcquireSpinLockRaiseToDpc(SpinLock): the IRQL before
fn acquire_raise(host: &Host, call: &Call) -> u8 {
    let before = host.irql().level();
    acquire(host, call.arg(0));
    before
}

/// KeReleaseSpinLock(SpinLock, NewIrql)
fn release_lower(host: &Host, call: &Call) {
    let address = call.arg(0);
    let before = host.release(&lock_at(host, address), address, &rules::SPIN_LOCK);
    if before.level() != call.arg8(1) {
        host.violation(
            &rules::KMDF_IRQL,
            format!(
                "KeReleaseSpinLock goes to IRQL {}; the lock was taken at {before}",
                call.arg8(1)
            ),
        );
    }
}

fn acquire_at_dpc(host: &Host, call: &Call) {
    check_at_dispatch(host, "KeAcquireSpinLockAtDpcLevel");
    acquire(host, call.arg(0));
}

fn release_from_dpc(host: &Host, call: &Call) {
    check_at_dispatch(host, "KeReleaseSpinLockFromDpcLevel");
    host.release(&lock_at(host, call.arg(0)), call.arg(0), &rules::SPIN_LOCK);
}

fn check_at_dispatch(host: &Host, what: &str) {
    if host.irql() < Irql::DISPATCH {
        host.violation(
            &rules::KMDF_IRQL,
            format!("{what} is called at {}, below DISPATCH_LEVEL", host.irql()),
        );
    }
}

/// Where a KLOCK_QUEUE_HANDLE keeps the lock.
const QUEUE_HANDLE_LOCK: u64 = 8;

/// KeAcquireInStackQueuedSpinLock(SpinLock, LockHandle)
fn acquire_queued(host: &Host, call: &Call) {
    host.memory
        .write(call.arg(1) + QUEUE_HANDLE_LOCK, &call.arg(0));
    acquire(host, call.arg(0));
}

/// KeReleaseInStackQueuedSpinLock(LockHandle)
fn release_queued(host: &Host, call: &Call) {
    let address: u64 = host.memory.read(call.arg(0) + QUEUE_HANDLE_LOCK);
    host.release(&lock_at(host, address), address, &rules::SPIN_LOCK);
}

/// KeInitializeEvent(Event, Type, State): type 0 is NotificationEvent, 1 SynchronizationEvent.
fn initialize_event(host: &Host, call: &Call) {
    let event = KernelEvent {
        synchronization: call.arg32(1) != 0,
        signaled: Cell::new(call.flag(2)),
    };
    // DISPATCHER_HEADER: Type, Signalling, Size in words of 4 bytes, Reserved, SignalState.
    host.memory
        .write_bytes(call.arg(0), &[call.arg8(1), 0, 6, 0, call.arg8(2), 0, 0, 0]);
    let mut events = host.framework.kernel.events.borrow_mut();
    events.insert(call.arg(0), Rc::new(event));
}

fn event_at(host: &Host, address: u64) -> Rc<KernelEvent> {
    let event = host.framework.kernel.events.borrow().get(&address).cloned();
    match event {
        Some(event) => event,
        None => host.violation(
            &rules::INVALID_EVENT,
            format!("{address:#x} is no event that KeInitializeEvent has initialized"),
        ),
    }
}

/// KeSetEvent(Event, Increment, Wait): whether it was signaled
fn set_event(host: &Host, call: &Call) -> bool {
    event_at(host, call.arg(0)).signaled.replace(true)
}

fn reset_event(host: &Host, call: &Call) -> bool {
    event_at(host, call.arg(0)).signaled.replace(false)
}

fn clear_event(host: &Host, call: &Call) {
    event_at(host, call.arg(0)).signaled.set(false);
}

fn read_event(host: &Host, call: &Call) -> bool {
    event_at(host, call.arg(0)).signaled.get()
}

/// The LARGE_INTEGER at an address; `None` for NULL.
fn timeout(host: &Host, address: u64) -> Option<i64> {
    (address != 0).then(|| host.memory.read(address))
}

/// KeWaitForSingleObject(Object, WaitReason, WaitMode, Alertable, Timeout)
fn wait(host: &Host, call: &Call) -> NtStatus {
    let event = event_at(host, call.arg(0));
    let timeout = timeout(host, call.arg(4));
    if timeout != Some(0) && host.irql() > Irql::APC {
        host.violation(
            &rules::IRQL_TOO_HIGH,
            format!(
                "KeWaitForSingleObject may wait, and is called at {}",
                host.irql()
            ),
        );
    }
    let waited = Rc::clone(&event);
    let signaled = move |_: &Host| waited.signaled.get();
    match timeout {
        Some(0) => {}
        Some(due) => host.block_until_or(host.due_time(due), signaled),
        None => host.block_until(signaled),
    }
    if !event.signaled.get() {
        return STATUS_TIMEOUT;
    }
    if event.synchronization {
        event.signaled.set(false);
    }
    STATUS_SUCCESS
}

/// KeDelayExecutionThread(WaitMode, Alertable, Interval)
fn delay(host: &Host, call: &Call) -> NtStatus {
    let due = timeout(host, call.arg(2)).unwrap_or(0);
    let deadline = host.due_time(due);
    host.block_until_or(deadline, |_| false);
    STATUS_SUCCESS
}
