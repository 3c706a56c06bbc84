//! DPC objects of the driver's own.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST},
    types::WDF_DPC_CONFIG,
};
use kmdf_rules::rules;

use super::{object::Body, serial::CallbackLock};
use crate::{
    cpu::{Irql, stub::Call},
    host::Host,
    sched::Dpc,
    service::services,
};

/// A DPC that can be taken back before it runs.
pub(crate) struct Deferred {
    armed: Rc<Cell<bool>>,
    dpc: Rc<Dpc>,
}

impl Deferred {
    /// A DPC that runs `routine` at DISPATCH_LEVEL.
    pub(crate) fn new(name: String, routine: impl Fn(&Host) + 'static) -> Self {
        let armed = Rc::new(Cell::new(false));
        let flag = Rc::clone(&armed);
        let dpc = Dpc::new(name, move |host| {
            if flag.replace(false) {
                routine(host);
            }
        });
        Self { armed, dpc }
    }

    /// Queues it; `false` when it is queued already.
    pub(crate) fn enqueue(&self, host: &Host) -> bool {
        if self.armed.replace(true) {
            return false;
        }
        host.queue_dpc(&self.dpc);
        true
    }

    /// Whether it is queued.
    pub(crate) fn is_queued(&self) -> bool {
        self.armed.get()
    }

    /// Takes it back; `false` when it was not queued.
    pub(crate) fn cancel(&self) -> bool {
        self.armed.replace(false)
    }

    /// Waits until it runs nowhere.
    pub(crate) fn flush(&self, host: &Host) {
        let dpc = Rc::clone(&self.dpc);
        host.block_until(move |_| !dpc.is_active());
    }
}

/// WDFDPC
pub(crate) struct WdfDpc {
    parent: u64,
    deferred: OnceCell<Deferred>,
}

impl Body for WdfDpc {
    const KIND: &'static str = "WDFDPC";

    fn dispose(&self, host: &Host) {
        // One that is queued runs first.
        if let Some(deferred) = self.deferred.get()
            && host.irql() == Irql::PASSIVE
        {
            deferred.flush(host);
        }
    }
}

impl WdfDpc {
    fn deferred(&self) -> &Deferred {
        self.deferred.get().expect("set when it was created")
    }
}

services! {
    WdfDpcCreate <= DISPATCH => create;
    WdfDpcEnqueue <= HIGH => enqueue;
    WdfDpcCancel <= DISPATCH => cancel;
    WdfDpcGetParentObject <= HIGH => parent;
}

/// WdfDpcCreate(Config, Attributes, Dpc)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let config: WDF_DPC_CONFIG = host.memory.read(call.arg(0));
    let parent = host.required_parent(call.arg(1))?;
    if config.Size as usize != size_of::<WDF_DPC_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let attributes = host.attributes(call.arg(1))?;
    let parent = host.parent_object(parent)?;
    if host.device_above(&parent).is_none() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let lock: CallbackLock =
        host.effective_lock(&parent, config.AutomaticSerialization != 0, false)?;
    let (object, body) = host.create_object(Some(&parent), &attributes, |_| WdfDpc {
        parent: parent.handle,
        deferred: OnceCell::new(),
    });
    let (handle, callback) = (object.handle, config.EvtDpcFunc.0);
    let deferred = Deferred::new(format!("WDFDPC {handle:#x}"), move |host| {
        lock.hold(host, || {
            if callback != 0 {
                host.call_driver("EvtDpcFunc", handle, callback, &[handle]);
            }
        });
    });
    let _ = body.deferred.set(deferred);
    host.memory.write(call.arg(2), &handle);
    Ok(())
}

/// WdfDpcEnqueue(Dpc): FALSE when it is queued already.
fn enqueue(host: &Host, call: &Call) -> bool {
    host.body::<WdfDpc>(call.arg(0)).deferred().enqueue(host)
}

/// WdfDpcCancel(Dpc, Wait): TRUE when it was queued. Only when it was not does Wait wait until it
/// runs nowhere.
fn cancel(host: &Host, call: &Call) -> bool {
    let dpc = host.body::<WdfDpc>(call.arg(0));
    let wait = call.flag(1);
    if wait && host.irql() > Irql::PASSIVE {
        host.violation(
            &rules::KMDF_IRQL,
            format!("WdfDpcCancel waits, and is called at {}", host.irql()),
        );
    }
    let was_queued = dpc.deferred().cancel();
    if wait && !was_queued {
        dpc.deferred().flush(host);
    }
    was_queued
}

fn parent(host: &Host, call: &Call) -> u64 {
    host.body::<WdfDpc>(call.arg(0)).parent
}
