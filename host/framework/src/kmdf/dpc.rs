//! DPC objects of the driver's own.

use std::cell::OnceCell;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST},
    types::WDF_DPC_CONFIG,
};
use kmdf_kernel::Deferred;
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{object::Body, serial::CallbackLock};
use crate::host::{Host, services};

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
    let deferred = Deferred::new(format!("WDFDPC {handle:#x}"), move |host: &Host| {
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
