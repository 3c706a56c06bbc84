//! The kernel's own locks, events and waits.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS, STATUS_TIMEOUT};
use kmdf_machine::{HeldLock, Irql, VirtualTime, cpu::stub::Call};
use kmdf_rules::rules;

use super::{bugcheck::BugCheckCallbacks, deferred::DeferredObjects, etw::Providers};
use crate::{Kernel, lock::SpinLock, services};

/// What the kernel keeps for objects that lie in the driver's memory, by address.
#[derive(Default)]
pub struct Objects {
    locks: RefCell<BTreeMap<u64, Rc<SpinLock>>>,
    events: RefCell<BTreeMap<u64, Rc<KernelEvent>>>,
    pub(crate) deferred: DeferredObjects,
    pub(crate) providers: Providers,
    pub(crate) bug_checks: BugCheckCallbacks,
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

fn lock_at(kernel: &Kernel, address: u64) -> Rc<SpinLock> {
    let mut locks = kernel.objects().locks.borrow_mut();
    Rc::clone(locks.entry(address).or_default())
}

/// KeInitializeSpinLock(SpinLock)
fn initialize_lock(kernel: &Kernel, call: &Call) {
    kernel.memory.write(call.arg(0), &0_u64);
    let mut locks = kernel.objects().locks.borrow_mut();
    locks.insert(call.arg(0), Rc::default());
}

fn acquire(kernel: &Kernel, address: u64) {
    let lock = lock_at(kernel, address);
    let held = HeldLock {
        id: address,
        name: "KSPIN_LOCK",
        kept: &rules::WDF_SPINLOCK,
        rank: None,
        order: Some(lock.order()),
    };
    kernel.acquire(&lock, Irql::DISPATCH, held, &rules::SPIN_LOCK);
}

/// KeAcquireSpinLockRaiseToDpc(SpinLock): the IRQL before
fn acquire_raise(kernel: &Kernel, call: &Call) -> u8 {
    let before = kernel.irql().level();
    acquire(kernel, call.arg(0));
    before
}

/// KeReleaseSpinLock(SpinLock, NewIrql)
fn release_lower(kernel: &Kernel, call: &Call) {
    let address = call.arg(0);
    let before = kernel.release(&lock_at(kernel, address), address, &rules::SPIN_LOCK);
    if before.level() != call.arg8(1) {
        kernel.violation(
            &rules::KMDF_IRQL,
            format!(
                "KeReleaseSpinLock goes to IRQL {}; the lock was acquired at {before}",
                call.arg8(1)
            ),
        );
    }
}

fn acquire_at_dpc(kernel: &Kernel, call: &Call) {
    check_at_dispatch(kernel, "KeAcquireSpinLockAtDpcLevel");
    acquire(kernel, call.arg(0));
}

fn release_from_dpc(kernel: &Kernel, call: &Call) {
    check_at_dispatch(kernel, "KeReleaseSpinLockFromDpcLevel");
    kernel.release(
        &lock_at(kernel, call.arg(0)),
        call.arg(0),
        &rules::SPIN_LOCK,
    );
}

fn check_at_dispatch(kernel: &Kernel, what: &str) {
    if kernel.irql() < Irql::DISPATCH {
        kernel.violation(
            &rules::KMDF_IRQL,
            format!(
                "{what} is called at {}, below DISPATCH_LEVEL",
                kernel.irql()
            ),
        );
    }
}

/// Where a KLOCK_QUEUE_HANDLE keeps the lock.
const QUEUE_HANDLE_LOCK: u64 = 8;

/// KeAcquireInStackQueuedSpinLock(SpinLock, LockHandle)
fn acquire_queued(kernel: &Kernel, call: &Call) {
    kernel
        .memory
        .write(call.arg(1) + QUEUE_HANDLE_LOCK, &call.arg(0));
    acquire(kernel, call.arg(0));
}

/// KeReleaseInStackQueuedSpinLock(LockHandle)
fn release_queued(kernel: &Kernel, call: &Call) {
    let address: u64 = kernel.memory.read(call.arg(0) + QUEUE_HANDLE_LOCK);
    kernel.release(&lock_at(kernel, address), address, &rules::SPIN_LOCK);
}

/// KeInitializeEvent(Event, Type, State): type 0 is NotificationEvent, 1 SynchronizationEvent.
fn initialize_event(kernel: &Kernel, call: &Call) {
    let event = KernelEvent {
        synchronization: call.arg32(1) != 0,
        signaled: Cell::new(call.flag(2)),
    };
    // DISPATCHER_HEADER: Type, Signalling, Size in words of 4 bytes, Reserved, SignalState.
    kernel
        .memory
        .write_bytes(call.arg(0), &[call.arg8(1), 0, 6, 0, call.arg8(2), 0, 0, 0]);
    let mut events = kernel.objects().events.borrow_mut();
    events.insert(call.arg(0), Rc::new(event));
}

fn event_at(kernel: &Kernel, address: u64) -> Rc<KernelEvent> {
    let event = kernel.objects().events.borrow().get(&address).cloned();
    match event {
        Some(event) => event,
        None => kernel.violation(
            &rules::INVALID_EVENT,
            format!("{address:#x} is not an event that KeInitializeEvent has initialized"),
        ),
    }
}

/// KeSetEvent(Event, Increment, Wait): whether it was signaled
fn set_event(kernel: &Kernel, call: &Call) -> bool {
    event_at(kernel, call.arg(0)).signaled.replace(true)
}

impl Kernel {
    /// Signals the KEVENT at an address.
    pub fn set_event_at(&self, address: u64) {
        event_at(self, address).signaled.set(true);
    }
}

fn reset_event(kernel: &Kernel, call: &Call) -> bool {
    event_at(kernel, call.arg(0)).signaled.replace(false)
}

fn clear_event(kernel: &Kernel, call: &Call) {
    event_at(kernel, call.arg(0)).signaled.set(false);
}

fn read_event(kernel: &Kernel, call: &Call) -> bool {
    event_at(kernel, call.arg(0)).signaled.get()
}

/// The LARGE_INTEGER at an address; `None` for NULL.
fn timeout(kernel: &Kernel, address: u64) -> Option<i64> {
    (address != 0).then(|| kernel.memory.read(address))
}

impl Kernel {
    /// The moment that a LARGE_INTEGER due time means: negative is from now on, in units of 100 ns.
    pub fn due_time(&self, due: i64) -> VirtualTime {
        if due < 0 {
            let nanos = due.unsigned_abs().saturating_mul(100);
            self.now() + Duration::from_nanos(nanos)
        } else {
            let ticks = due
                .unsigned_abs()
                .saturating_sub(crate::processor::SWITCHED_ON);
            VirtualTime::from_nanos(ticks.saturating_mul(100))
        }
    }
}

/// KeWaitForSingleObject(Object, WaitReason, WaitMode, Alertable, Timeout)
fn wait(kernel: &Kernel, call: &Call) -> NtStatus {
    let event = event_at(kernel, call.arg(0));
    let timeout = timeout(kernel, call.arg(4));
    if timeout != Some(0) && kernel.irql() > Irql::APC {
        kernel.violation(
            &rules::IRQL_TOO_HIGH,
            format!(
                "KeWaitForSingleObject may wait, and is called at {}",
                kernel.irql()
            ),
        );
    }
    let waited = Rc::clone(&event);
    let signaled = move |_: &Kernel| waited.signaled.get();
    match timeout {
        Some(0) => {}
        Some(due) => kernel.block_until_or(kernel.due_time(due), signaled),
        None => kernel.block_until(signaled),
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
fn delay(kernel: &Kernel, call: &Call) -> NtStatus {
    let due = timeout(kernel, call.arg(2)).unwrap_or(0);
    let deadline = kernel.due_time(due);
    kernel.block_until_or(deadline, |_| false);
    STATUS_SUCCESS
}
