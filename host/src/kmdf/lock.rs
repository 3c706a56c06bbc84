//! Spin locks, alone and as the lock of interrupts.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::ntstatus::NtStatus;
use kmdf_rules::{Rule, rules};

use super::object::Body;
use crate::{
    check::LockId,
    cpu::{Irql, stub::Call},
    host::Host,
    sched::HeldLock,
    service::services,
};

/// A KSPIN_LOCK: whoever finds it held spins on its processor.
#[derive(Debug, Default)]
pub(crate) struct SpinLock {
    /// The flow that holds it.
    owner: Cell<Option<u32>>,
    /// The IRQL its holder came from.
    before: Cell<Irql>,
    order: LockId,
}

impl SpinLock {
    /// What the order of locks knows it by.
    pub(crate) fn order(&self) -> LockId {
        self.order
    }

    /// Whether somebody holds it.
    pub(crate) fn is_held(&self) -> bool {
        self.owner.get().is_some()
    }
}

impl Host {
    /// Takes a spin lock at `irql`, or at the current level where that is higher.
    pub(crate) fn acquire(
        &self,
        lock: &Rc<SpinLock>,
        irql: Irql,
        held: HeldLock,
        rule: &'static Rule,
    ) {
        let (processor, flow) = self.scheduler.current().expect("locks are taken on a flow");
        if lock.owner.get() == Some(flow.id) {
            self.violation(
                rule,
                format!("a {} is taken by the flow that holds it", held.name),
            );
        }
        self.check_order(&held);
        let before = processor.irql.get();
        processor.irql.set(before.max(irql));
        let waited = Rc::clone(lock);
        self.spin_until(move |_| waited.owner.get().is_none());
        lock.owner.set(Some(flow.id));
        lock.before.set(before);
        flow.locks.borrow_mut().push(held);
    }

    /// Releases a spin lock and goes back to the IRQL before, which it returns.
    pub(crate) fn release(&self, lock: &SpinLock, id: u64, rule: &'static Rule) -> Irql {
        let (_, flow) = self
            .scheduler
            .current()
            .expect("locks are released on a flow");
        if lock.owner.get() != Some(flow.id) {
            self.violation(rule, "a lock is released by a flow that does not hold it");
        }
        lock.owner.set(None);
        let mut locks = flow.locks.borrow_mut();
        if let Some(index) = locks.iter().rposition(|held| held.id == id) {
            locks.remove(index);
        }
        drop(locks);
        let before = lock.before.get();
        self.lower_irql(before);
        before
    }
}

/// WDFSPINLOCK
#[derive(Default)]
pub(crate) struct WdfSpinLock {
    pub(crate) lock: Rc<SpinLock>,
    /// Whether it is the lock of an interrupt, so that it may not be taken as itself.
    pub(crate) of_interrupt: Cell<bool>,
}

impl Body for WdfSpinLock {
    const KIND: &'static str = "WDFSPINLOCK";
}

services! {
    WdfSpinLockCreate <= DISPATCH => create;
    WdfSpinLockAcquire <= DISPATCH => acquire;
    WdfSpinLockRelease <= DISPATCH => release;
}

/// WdfSpinLockCreate(SpinLockAttributes, SpinLock)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(0))?;
    let parent = host.parent_or_driver(attributes.parent)?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| WdfSpinLock::default());
    host.memory.write(call.arg(1), &object.handle);
    Ok(())
}

fn acquire(host: &Host, call: &Call) {
    let handle = call.arg(0);
    let body = host.body::<WdfSpinLock>(handle);
    if body.of_interrupt.get() {
        host.violation(
            &rules::WDF_SPINLOCK,
            "the spin lock of an interrupt is taken as a spin lock, below the interrupt's IRQL",
        );
    }
    let held = HeldLock {
        id: handle,
        name: WdfSpinLock::KIND,
        rank: None,
        order: Some(body.lock.order()),
    };
    host.acquire(&body.lock, Irql::DISPATCH, held, &rules::WDF_SPINLOCK);
}

fn release(host: &Host, call: &Call) {
    let handle = call.arg(0);
    let body = host.body::<WdfSpinLock>(handle);
    host.release(&body.lock, handle, &rules::WDF_SPINLOCK_RELEASE);
}
