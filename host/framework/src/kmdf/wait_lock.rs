//! Wait locks: for threads that may sleep while they wait.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS, STATUS_TIMEOUT};
use kmdf_machine::{Edge, HeldLock, Irql, LockId, cpu::stub::Call};
use kmdf_rules::rules;

use super::object::Body;
use crate::host::{Host, services};

/// A lock whose waiters give up their processor.
#[derive(Debug, Default)]
pub(crate) struct Mutex {
    /// The flow that holds it.
    owner: Cell<Option<u32>>,
    order: LockId,
    edge: Edge,
}

impl Mutex {
    /// What the order of locks knows it by.
    pub(crate) fn order(&self) -> LockId {
        self.order
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.owner.get().is_some()
    }

    /// Whether the running flow holds it.
    pub(crate) fn is_mine(&self, host: &Host) -> bool {
        let current = host.scheduler.current().map(|(_, flow)| flow.id);
        self.owner.get().is_some() && self.owner.get() == current
    }

    /// Takes it, waiting as long as it takes.
    pub(crate) fn acquire(self: &Rc<Self>, host: &Host, held: HeldLock) {
        host.check_order(&held);
        let waited = Rc::clone(self);
        host.block_until(move |_| !waited.is_held());
        self.take(host, held);
    }

    fn take(&self, host: &Host, held: HeldLock) {
        let (_, flow) = host.scheduler.current().expect("locks are taken on a flow");
        self.owner.set(Some(flow.id));
        flow.locks.borrow_mut().push(held);
        host.acquires(&self.edge);
    }

    /// Takes it if nobody holds it.
    pub(crate) fn try_acquire(&self, host: &Host, held: HeldLock) -> bool {
        let free = !self.is_held();
        if free {
            self.take(host, held);
        }
        free
    }

    /// Gives it back.
    pub(crate) fn release(&self, host: &Host, id: u64) {
        host.releases(&self.edge);
        self.owner.set(None);
        let (_, flow) = host
            .scheduler
            .current()
            .expect("locks are released on a flow");
        let mut locks = flow.locks.borrow_mut();
        if let Some(index) = locks.iter().rposition(|held| held.id == id) {
            locks.remove(index);
        }
    }
}

/// WDFWAITLOCK
#[derive(Default)]
pub(crate) struct WaitLock {
    pub(crate) mutex: Rc<Mutex>,
}

impl Body for WaitLock {
    const KIND: &'static str = "WDFWAITLOCK";
}

services! {
    WdfWaitLockCreate <= DISPATCH => create;
    WdfWaitLockAcquire <= DISPATCH => acquire;
    WdfWaitLockRelease <= DISPATCH => release;
}

/// WdfWaitLockCreate(LockAttributes, Lock)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(0))?;
    let parent = host.parent_or_driver(attributes.parent)?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| WaitLock::default());
    host.memory.write(call.arg(1), &object.handle);
    Ok(())
}

/// WdfWaitLockAcquire(Lock, Timeout): in units of 100 ns; NULL waits for ever, 0 not at all.
fn acquire(host: &Host, call: &Call) -> NtStatus {
    let handle = call.arg(0);
    let lock = host.body::<WaitLock>(handle);
    let timeout = match call.arg(1) {
        0 => None,
        address => Some(host.memory.read::<i64>(address)),
    };
    if timeout != Some(0) && host.irql() > Irql::PASSIVE {
        host.violation(
            &rules::KMDF_IRQL,
            format!(
                "WdfWaitLockAcquire may wait, and is called at {}",
                host.irql()
            ),
        );
    }
    // A wait with a limit ends: it is the framework's answer that the lock is held.
    if timeout.is_none() && lock.mutex.is_mine(host) {
        host.violation(
            &rules::WDF_WAITLOCK,
            "a WDFWAITLOCK is acquired by the flow that holds it",
        );
    }
    let held = HeldLock {
        id: handle,
        name: WaitLock::KIND,
        kept: &rules::WDF_WAITLOCK,
        rank: None,
        order: Some(lock.mutex.order()),
    };
    let Some(due) = timeout else {
        lock.mutex.acquire(host, held);
        return STATUS_SUCCESS;
    };
    if due != 0 {
        let waited = Rc::clone(&lock.mutex);
        host.block_until_or(host.due_time(due), move |_| !waited.is_held());
    }
    if lock.mutex.try_acquire(host, held) {
        STATUS_SUCCESS
    } else {
        STATUS_TIMEOUT
    }
}

fn release(host: &Host, call: &Call) {
    let handle = call.arg(0);
    let lock = host.body::<WaitLock>(handle);
    if !lock.mutex.is_mine(host) {
        host.violation(
            &rules::WDF_WAITLOCK_RELEASE,
            "a WDFWAITLOCK is released by a flow that does not hold it",
        );
    }
    lock.mutex.release(host, handle);
}
