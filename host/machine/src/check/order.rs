//! The order in which locks are taken.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

use kmdf_rules::rules;

use crate::{machine::Machine, sched::HeldLock};

/// Identifies a lock for as long as the run lasts, whatever it is reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockId(u64);

impl Default for LockId {
    /// A new one.
    fn default() -> Self {
        thread_local! {
            static NEXT: Cell<u64> = const { Cell::new(0) };
        }
        Self(NEXT.replace(NEXT.get() + 1))
    }
}

/// Which lock was taken while which other was held.
#[derive(Debug, Default)]
pub(crate) struct LockOrder {
    later: RefCell<BTreeMap<LockId, BTreeMap<LockId, u64>>>,
}

impl LockOrder {
    /// Notes that `second` is taken while `first` is held, by code at `site`. If some chain of
    /// locks was taken the other way round, the code that took the first of it is returned.
    fn note(&self, first: LockId, second: LockId, site: u64) -> Option<u64> {
        let mut later = self.later.borrow_mut();
        let known = later.entry(first).or_default();
        if known.contains_key(&second) {
            return None;
        }
        known.insert(second, site);
        let mut seen = BTreeSet::from([second]);
        let mut open = vec![(second, None)];
        while let Some((lock, way)) = open.pop() {
            for (&next, &site) in later.get(&lock).into_iter().flatten() {
                let way = way.or(Some(site));
                if next == first {
                    return way;
                }
                if seen.insert(next) {
                    open.push((next, way));
                }
            }
        }
        None
    }
}

impl Machine {
    /// Checks a lock that the running flow is about to wait for.
    pub fn check_order(&self, wanted: &HeldLock) {
        if !self.checks_all() {
            return;
        }
        let (Some(second), Some((_, flow))) = (wanted.order, self.scheduler.current()) else {
            return;
        };
        for held in flow.locks.borrow().iter() {
            let Some(first) = held.order.filter(|&first| first != second) else {
                continue;
            };
            let order = &self.lock_order;
            if let Some(site) = order.note(first, second, self.call_site()) {
                self.violation(
                    &rules::LOCK_ORDER,
                    format!(
                        "a {} is taken while a {} is held; the other way round{}. Two flows that do \
                         both at once wait for each other for ever",
                        wanted.name,
                        held.name,
                        self.made_at(site)
                    ),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_of_locks_is_found_where_it_closes_and_an_order_is_none() {
        let [a, b, c] = [(); 3].map(|()| LockId::default());
        let order = LockOrder::default();
        assert_eq!(order.note(a, b, 1), None);
        assert_eq!(order.note(b, c, 2), None);
        assert_eq!(order.note(a, c, 3), None);
        assert_eq!(order.note(a, b, 4), None, "seen before");
        assert_eq!(order.note(c, a, 5), Some(3), "the code that took c after a");
    }
}
