//! Spin locks.

use std::{cell::Cell, rc::Rc};

use kmdf_machine::{Edge, HeldLock, Irql, LockId};
use kmdf_rules::Rule;

use crate::Kernel;

/// A KSPIN_LOCK: whoever finds it held spins on its processor.
#[derive(Debug, Default)]
pub struct SpinLock {
    /// The flow that holds it.
    owner: Cell<Option<u32>>,
    /// The IRQL its holder came from.
    before: Cell<Irql>,
    order: LockId,
    edge: Edge,
}

impl SpinLock {
    /// What the order of locks knows it by.
    pub fn order(&self) -> LockId {
        self.order
    }

    /// Whether somebody holds it.
    pub fn is_held(&self) -> bool {
        self.owner.get().is_some()
    }
}

impl Kernel {
    /// Takes a spin lock at `irql`, or at the current level where that is higher.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn acquire(&self, lock: &Rc<SpinLock>, irql: Irql, held: HeldLock, rule: &'static Rule) {
        let (processor, flow) = self.scheduler.current().expect("locks are taken on a flow");
        if lock.owner.get() == Some(flow.id) {
            self.violation(
                rule,
                format!("a {} is acquired by the flow that holds it", held.name),
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
        self.acquires(&lock.edge);
    }

    /// Releases a spin lock and goes back to the IRQL before, which it returns.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn release(&self, lock: &SpinLock, id: u64, rule: &'static Rule) -> Irql {
        let (_, flow) = self
            .scheduler
            .current()
            .expect("locks are released on a flow");
        if lock.owner.get() != Some(flow.id) {
            self.violation(rule, "a lock is released by a flow that does not hold it");
        }
        self.releases(&lock.edge);
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
