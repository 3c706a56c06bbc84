//! The callback lock of a device or a queue, taken by the driver itself.

use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{device::Device, queue::Queue, serial::CallbackLock};
use crate::host::{Host, services};

services! {
    WdfObjectAcquireLock <= DISPATCH => acquire;
    WdfObjectReleaseLock <= DISPATCH => release;
}

/// What a held callback lock of a driver's own taking is called.
const NAME: &str = "callback lock";

impl Host {
    /// The callback lock of a device or a queue. One that no callback is called under has a lock all
    /// the same, of its own.
    fn object_lock(&self, handle: u64, what: &str) -> CallbackLock {
        let object = self.object(handle);
        match object.kind {
            "WDFDEVICE" => self.body::<Device>(handle).own_lock.clone(),
            "WDFQUEUE" => self.body::<Queue>(handle).own_lock.clone(),
            kind => self.violation(
                &rules::OBJECT_LOCK,
                format!("{what} is called for a {kind}, which has no lock"),
            ),
        }
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
    host.check_rank(&lock);
    let held = lock.held(NAME, &rules::OBJECT_LOCK, true);
    match &lock {
        CallbackLock::Spin(_, spin) => {
            host.acquire_for_callback(spin, Irql::DISPATCH, held, &rules::OBJECT_LOCK);
        }
        CallbackLock::Mutex(_, mutex) => {
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
            mutex.acquire(host, held);
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
            "WdfObjectReleaseLock is called by a flow that has not acquired the lock",
        );
    }
    match &lock {
        CallbackLock::Spin(_, spin) => {
            host.release(spin, lock.id(), &rules::OBJECT_LOCK);
        }
        CallbackLock::Mutex(_, mutex) => mutex.release(host, lock.id()),
        CallbackLock::None => {}
    }
}
