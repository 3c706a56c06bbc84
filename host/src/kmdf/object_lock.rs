//! The callback lock of a device or a queue, taken by the driver itself.

use super::{device::Device, lock::SpinLock, queue::Queue, serial::CallbackLock, wait_lock::Mutex};
use crate::{
    check::rules,
    cpu::{Irql, stub::Call},
    host::Host,
    sched::HeldLock,
    service::services,
};

services! {
    WdfObjectAcquireLock <= DISPATCH => acquire;
    WdfObjectReleaseLock <= DISPATCH => release;
}

/// What a held callback lock of a driver's own taking is called.
pub(crate) const NAME: &str = "callback lock";

impl Host {
    /// The callback lock of a device or a queue. One that no callback is called under has a lock all
    /// the same, of its own.
    fn object_lock(&self, handle: u64, what: &str) -> CallbackLock {
        let object = self.object(handle);
        let (lock, passive) = match object.kind {
            "WDFDEVICE" => {
                let device = self.body::<Device>(handle);
                (device.lock.clone(), device.constraints.passive)
            }
            "WDFQUEUE" => {
                let queue = self.body::<Queue>(handle);
                (queue.lock.clone(), queue.constraints.passive)
            }
            kind => self.violation(
                &rules::OBJECT_LOCK,
                format!("{what} is called for a {kind}, which has no lock"),
            ),
        };
        if !matches!(lock, CallbackLock::None) {
            return lock;
        }
        let mut locks = self.framework.object_locks.borrow_mut();
        let own = locks.entry(handle).or_insert_with(|| {
            if passive {
                CallbackLock::Mutex(std::rc::Rc::<Mutex>::default())
            } else {
                CallbackLock::Spin(std::rc::Rc::<SpinLock>::default())
            }
        });
        own.clone()
    }
}

/// WdfObjectAcquireLock(Object)
fn acquire(host: &Host, call: &Call) {
    let lock = host.object_lock(call.arg(0), "WdfObjectAcquireLock");
    if lock.is_mine(host) {
        host.violation(
            &rules::OBJECT_LOCK,
            "WdfObjectAcquireLock is called by the flow that holds the lock: the framework holds it \
             around callbacks",
        );
    }
    let held = |order| HeldLock {
        id: lock.id(),
        name: NAME,
        order: Some(order),
    };
    match &lock {
        CallbackLock::Spin(spin) => {
            let held = held(spin.order());
            host.acquire(spin, Irql::DISPATCH, held, &rules::OBJECT_LOCK);
        }
        CallbackLock::Mutex(mutex) => {
            if host.irql() > Irql::PASSIVE {
                host.violation(
                    &rules::KMDF_IRQL,
                    format!(
                        "WdfObjectAcquireLock waits for the lock of callbacks at PASSIVE_LEVEL, and is \
                         called at {}",
                        host.irql()
                    ),
                );
            }
            mutex.acquire(host, held(mutex.order()));
        }
        CallbackLock::None => {}
    }
}

/// WdfObjectReleaseLock(Object)
fn release(host: &Host, call: &Call) {
    let lock = host.object_lock(call.arg(0), "WdfObjectReleaseLock");
    let current = host.scheduler.current();
    let mine = current.is_some_and(|(_, flow)| {
        let locks = flow.locks.borrow();
        let mut held = locks.iter();
        held.any(|held| held.id == lock.id() && held.name == NAME)
    });
    if !mine {
        host.violation(
            &rules::OBJECT_LOCK,
            "WdfObjectReleaseLock is called by a flow that has not taken the lock",
        );
    }
    match &lock {
        CallbackLock::Spin(spin) => {
            host.release(spin, lock.id(), &rules::OBJECT_LOCK);
        }
        CallbackLock::Mutex(mutex) => mutex.release(host, lock.id()),
        CallbackLock::None => {}
    }
}
