//! Spin locks.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use kmdf_machine::{Cost, Edge, Flow, HeldLock, Irql, LockId};
use kmdf_rules::Rule;

use crate::Kernel;

/// A KSPIN_LOCK: whoever finds it held spins on its processor.
#[derive(Debug, Default)]
pub struct SpinLock {
    /// The flow that holds it.
    owner: Cell<Option<u32>>,
    /// The same, and what it had spent when it took it.
    holder: RefCell<Option<(Rc<Flow>, Duration)>>,
    /// What all who held it have spent with it.
    spent: Cell<Duration>,
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

    /// What all who held it, and who holds it, have spent with it.
    fn spent(&self) -> Duration {
        let holder = self.holder.borrow();
        let now = holder
            .as_ref()
            .map(|(flow, since)| flow.spent.get().saturating_sub(*since));
        self.spent.get() + now.unwrap_or_default()
    }

    /// Whether somebody holds it.
    pub fn is_held(&self) -> bool {
        self.owner.get().is_some()
    }
}

impl Kernel {
    /// Takes a spin lock at `irql`, or at the current level where that is higher. What those who held it did
    /// while it was waited for is the result.
    ///
    /// # Panics
    /// When no flow runs.
    pub fn acquire(
        &self,
        lock: &Rc<SpinLock>,
        irql: Irql,
        held: HeldLock,
        rule: &'static Rule,
    ) -> Duration {
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
        let began = lock.spent();
        let waited = Rc::clone(lock);
        self.spin_until(move |_| waited.owner.get().is_none());
        lock.owner.set(Some(flow.id));
        lock.before.set(before);
        let waited = lock.spent().saturating_sub(began);
        let holder = (Rc::clone(&flow), flow.spent.get());
        lock.holder.replace(Some(holder));
        flow.locks.borrow_mut().push(held);
        self.acquires(&lock.edge);
        waited
    }

    /// As [`Self::acquire`], for the callback that runs: it takes as long as it waits.
    pub fn acquire_for_callback(
        &self,
        lock: &Rc<SpinLock>,
        irql: Irql,
        held: HeldLock,
        rule: &'static Rule,
    ) {
        let waited = self.acquire(lock, irql, held, rule);
        if !waited.is_zero() {
            self.charge(Cost::stall(waited));
        }
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
        lock.spent.set(lock.spent());
        lock.holder.take();
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
