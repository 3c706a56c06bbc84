//! Automatic serialization: the lock that the framework holds around callbacks of a device or of a
//! queue, and the constraints that decide which one it is.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL};
use kmdf_kernel::SpinLock;
use kmdf_machine::{HeldLock, Irql};
use kmdf_rules::{Rule, rules};

use super::{attributes::Attributes, object::Object, queue::Queue, wait_lock::Mutex};
use crate::{host::Host, kmdf::device::Device};

/// `WDF_SYNCHRONIZATION_SCOPE`, with what it is inherited from resolved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One lock for the device and all its queues.
    Device,
    /// One lock for each queue.
    Queue,
    /// No lock.
    #[default]
    None,
}

/// What an object demands of the callbacks it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Constraints {
    pub(crate) scope: Scope,
    /// Whether callbacks run at PASSIVE_LEVEL only.
    pub(crate) passive: bool,
}

impl Constraints {
    /// The constraints of an object with these attributes whose parent has those.
    pub(crate) fn of(attributes: &Attributes, parent: Self) -> Self {
        Self {
            scope: match attributes.scope {
                2 => Scope::Device,
                3 => Scope::Queue,
                4 => Scope::None,
                _ => parent.scope,
            },
            passive: match attributes.execution_level {
                2 => true,
                3 => false,
                _ => parent.passive,
            },
        }
    }
}

/// The order in which the locks of devices and queues are taken: as `FX_CALLBACKLOCK_ORDER_DEVICE` and
/// `FX_CALLBACKLOCK_ORDER_QUEUE`, one that is less never while one that is greater is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    Device,
    Queue,
}

/// The lock around callbacks.
#[derive(Clone, Default)]
pub(crate) enum CallbackLock {
    /// There is none.
    #[default]
    None,
    /// For callbacks that may run at DISPATCH_LEVEL, which they do while it is held.
    Spin(Rank, Rc<SpinLock>),
    /// For callbacks at PASSIVE_LEVEL.
    Mutex(Rank, Rc<Mutex>),
}

impl CallbackLock {
    /// A new lock for callbacks at PASSIVE_LEVEL, or for others.
    pub(crate) fn new(rank: Rank, passive: bool) -> Self {
        if passive {
            Self::Mutex(rank, Rc::default())
        } else {
            Self::Spin(rank, Rc::default())
        }
    }

    /// How a flow holds it; with an order where the driver takes it itself.
    pub(super) fn held(
        &self,
        name: &'static str,
        kept: &'static Rule,
        of_driver: bool,
    ) -> HeldLock {
        let order = match self {
            Self::None => None,
            Self::Spin(_, lock) => Some(lock.order()),
            Self::Mutex(_, lock) => Some(lock.order()),
        };
        HeldLock {
            id: self.id(),
            name,
            kept,
            rank: self.rank().map(|(spins, rank)| (spins, rank as u8)),
            order: order.filter(|_| of_driver),
        }
    }

    /// Whether it spins, and its place in the order.
    const fn rank(&self) -> Option<(bool, Rank)> {
        match self {
            Self::None => None,
            Self::Spin(rank, _) => Some((true, *rank)),
            Self::Mutex(rank, _) => Some((false, *rank)),
        }
    }

    /// What identifies it among the locks that a flow holds; 0 for none.
    pub(crate) fn id(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Spin(_, lock) => Rc::as_ptr(lock).addr() as u64,
            Self::Mutex(_, lock) => Rc::as_ptr(lock).addr() as u64,
        }
    }

    /// Whether the running flow holds it.
    pub(crate) fn is_mine(&self, host: &Host) -> bool {
        let id = self.id();
        host.scheduler
            .current()
            .is_some_and(|(_, flow)| flow.locks.borrow().iter().any(|held| held.id == id))
    }

    /// Runs `body` with the lock held; just runs it when this flow holds the lock already.
    pub(crate) fn hold<R>(&self, host: &Host, body: impl FnOnce() -> R) -> R {
        if matches!(self, Self::None) || self.is_mine(host) {
            return body();
        }
        host.check_rank(self);
        let held = self.held("the callback lock", &rules::WDF_SPINLOCK, false);
        match self {
            Self::None => body(),
            Self::Spin(_, lock) => {
                host.acquire(lock, Irql::DISPATCH, held, &rules::WDF_SPINLOCK);
                let result = body();
                host.release(lock, self.id(), &rules::WDF_SPINLOCK);
                result
            }
            Self::Mutex(_, lock) => {
                lock.acquire(host, held);
                let result = body();
                lock.release(host, self.id());
                result
            }
        }
    }
}

impl Host {
    /// Checks that a lock of a device or a queue comes in its order among those that the flow holds:
    /// the last one taken counts, of locks that spin and of locks that wait each on its own.
    pub(super) fn check_rank(&self, wanted: &CallbackLock) {
        let (Some((spins, rank)), Some((_, flow))) = (wanted.rank(), self.scheduler.current())
        else {
            return;
        };
        let locks = flow.locks.borrow();
        let mut held = locks.iter().rev().filter_map(|held| held.rank);
        let last = held.find(|(held_spins, _)| *held_spins == spins);
        if last.is_some_and(|(_, last)| last > rank as u8) {
            self.violation(
                &rules::LOCK_SEQUENCE,
                "the lock of a device is acquired while the lock of a queue is held: the device's comes first",
            );
        }
    }

    /// The constraints that a parent hands on, and the lock that goes with them.
    fn callbacks_of(&self, parent: &Rc<Object>) -> (Constraints, CallbackLock) {
        let mut object = Some(Rc::clone(parent));
        while let Some(current) = object {
            match current.kind {
                "WDFQUEUE" => {
                    let queue = self.body::<Queue>(current.handle);
                    return (queue.constraints, queue.lock.clone());
                }
                "WDFDEVICE" => {
                    let device = self.body::<Device>(current.handle);
                    return (device.constraints, device.lock.clone());
                }
                _ => object = current.parent(),
            }
        }
        (Constraints::default(), CallbackLock::None)
    }

    /// The lock for the callbacks of a DPC, a timer or a work item below `parent`.
    ///
    /// # Errors
    /// The parent's callbacks run at another level than these, so that no lock fits both.
    pub(crate) fn effective_lock(
        &self,
        parent: &Rc<Object>,
        automatic: bool,
        passive: bool,
    ) -> Result<CallbackLock, NtStatus> {
        if !automatic {
            return Ok(CallbackLock::None);
        }
        let (constraints, lock) = self.callbacks_of(parent);
        if constraints.scope == Scope::None {
            return Ok(CallbackLock::None);
        }
        if constraints.passive != passive {
            return Err(STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL);
        }
        Ok(lock)
    }

    /// The device above an object, if there is one.
    pub(crate) fn device_above(&self, object: &Rc<Object>) -> Option<Rc<Device>> {
        let mut object = Some(Rc::clone(object));
        while let Some(current) = object {
            if current.kind == "WDFDEVICE" {
                return Some(self.body::<Device>(current.handle));
            }
            object = current.parent();
        }
        None
    }
}
