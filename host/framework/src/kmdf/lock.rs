//! WDFSPINLOCK.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::ntstatus::NtStatus;
use kmdf_kernel::SpinLock;
use kmdf_machine::{HeldLock, Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::object::Body;
use crate::host::{Host, services};

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
            "the spin lock of an interrupt is acquired as a spin lock, below the interrupt's IRQL",
        );
    }
    let held = HeldLock {
        id: handle,
        name: WdfSpinLock::KIND,
        kept: &rules::WDF_SPINLOCK,
        rank: None,
        order: Some(body.lock.order()),
    };
    host.acquire_for_callback(&body.lock, Irql::DISPATCH, held, &rules::WDF_SPINLOCK);
}

fn release(host: &Host, call: &Call) {
    let handle = call.arg(0);
    let body = host.body::<WdfSpinLock>(handle);
    host.release(&body.lock, handle, &rules::WDF_SPINLOCK_RELEASE);
}
