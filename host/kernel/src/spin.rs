//! The kernel's own spin locks.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use kmdf_machine::{HeldLock, Irql, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, lock::SpinLock, services};

/// The spin locks, by address.
pub(crate) type SpinLocks = RefCell<BTreeMap<u64, Rc<SpinLock>>>;

services! {
    KeInitializeSpinLock <= HIGH => initialize_lock;
    KeAcquireSpinLockRaiseToDpc <= DISPATCH => acquire_raise;
    KeReleaseSpinLock <= DISPATCH => release_lower;
    KeAcquireSpinLockAtDpcLevel <= DISPATCH => acquire_at_dpc;
    KeReleaseSpinLockFromDpcLevel <= DISPATCH => release_from_dpc;
    KeAcquireInStackQueuedSpinLock <= DISPATCH => acquire_queued;
    KeReleaseInStackQueuedSpinLock <= DISPATCH => release_queued;
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
    kernel.acquire_for_callback(&lock, Irql::DISPATCH, held, &rules::SPIN_LOCK);
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
