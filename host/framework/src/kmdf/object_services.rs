//! The functions that work on any object: contexts, references, deletion.

use std::rc::Rc;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_DELETE_PENDING, STATUS_OBJECT_NAME_EXISTS, STATUS_OBJECT_NAME_INVALID,
    STATUS_SUCCESS, STATUS_WDF_PARENT_NOT_SPECIFIED,
};
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    attributes::Allowed,
    device::Device,
    object::{Body, Object},
    queue::Queue,
    request::Request,
};
use crate::host::{Host, services};

services! {
    WdfObjectGetTypedContextWorker <= HIGH => get_typed_context;
    WdfObjectAllocateContext <= DISPATCH => allocate_context;
    WdfObjectDelete <= DISPATCH => delete;
    WdfObjectReferenceActual <= HIGH => reference;
    WdfObjectDereferenceActual <= DISPATCH => dereference;
    WdfObjectCreate <= DISPATCH => create;
    WdfObjectContextGetObject <= HIGH => context_get_object;
}

/// Fetches context space: NULL when the object has none of that type.
fn get_typed_context(host: &Host, call: &Call) -> u64 {
    let object = host.object(call.arg(0));
    let unique = host.unique_type(call.arg(1));
    let contexts = object.contexts.borrow();
    let context = contexts
        .iter()
        .find(|context| context.unique_type == unique)
        .and_then(|context| context.address);
    context.unwrap_or_else(|| {
        host.note_null(format!(
            "the last WdfObjectGetTypedContext gave NULL: the {} {:#x} has no context of that type{}",
            object.kind,
            object.handle,
            host.made_at(host.call_site())
        ));
        0
    })
}

fn allocate_context(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let object = host.object(call.arg(0));
    if call.arg(1) == 0 {
        return Err(STATUS_WDF_PARENT_NOT_SPECIFIED);
    }
    let attributes = host.attributes_with(call.arg(1), Allowed::PLAIN.without_parent())?;
    if attributes.unique_type == 0 {
        return Err(STATUS_OBJECT_NAME_INVALID);
    }
    if object.deleted.get() {
        return Err(STATUS_DELETE_PENDING);
    }
    let existing = object
        .contexts
        .borrow()
        .iter()
        .find(|context| context.unique_type == attributes.unique_type)
        .and_then(|context| context.address);
    let out = call.arg(2);
    let (address, status) = match existing {
        Some(address) => (Some(address), STATUS_OBJECT_NAME_EXISTS),
        None => (host.add_context(&object, &attributes), STATUS_SUCCESS),
    };
    if out != 0 {
        host.memory.write(out, &address.unwrap_or(0));
    }
    if status == STATUS_SUCCESS {
        Ok(())
    } else {
        Err(status)
    }
}

fn delete(host: &Host, call: &Call) {
    let object = host.object(call.arg(0));
    if object.kind == "WDFDEVICE" && host.body::<Device>(object.handle).is_control() {
        return host.delete_control_device(object.handle);
    }
    if object.kind == "WDFDEVICE" && host.is_unlisted_static(object.handle) {
        return host.delete_device(&host.body::<Device>(object.handle));
    }
    if object.kind == "WDFQUEUE" {
        return host.delete_queue(object.handle);
    }
    if object.kind == "WDFREQUEST" {
        let request = host.body::<Request>(object.handle);
        if !request.made_by_driver {
            host.violation(
                &rules::REQ_DELETE,
                "a request of a queue is deleted: it has to be completed",
            );
        }
        host.driver_request(object.handle, "WdfObjectDelete");
    }
    if matches!(
        object.kind,
        "WDFINTERRUPT"
            | "WDFDEVICE"
            | "WDFDRIVER"
            | "WDFFILEOBJECT"
            | "WDFCHILDLIST"
            | "WDFCMRESLIST"
            | "WDFWMIPROVIDER"
    ) {
        host.violation(
            &rules::BAD_DELETE,
            format!("a {} is the framework's to delete", object.kind),
        );
    }
    // What waits for its end in EvtCleanupCallback or itself does so in a system thread.
    if host.irql() > Irql::PASSIVE && matches!(object.kind, "WDFDPC" | "WDFTIMER" | "WDFWORKITEM") {
        host.spawn("deletion", move |host| host.delete_object(&object));
    } else {
        host.delete_object(&object);
    }
}

/// WdfObjectContextGetObject(ContextPointer)
fn context_get_object(host: &Host, call: &Call) -> u64 {
    match host.framework().objects.with_context(call.arg(0)) {
        Some(handle) => handle,
        None => host.violation(
            &rules::INVALID_HANDLE,
            format!("{:#x} is not a context space", call.arg(0)),
        ),
    }
}

fn reference(host: &Host, call: &Call) {
    let object = host.object(call.arg(0));
    object.references.set(object.references.get() + 1);
}

fn dereference(host: &Host, call: &Call) {
    if call.arg(0) == 0
        && host
            .bodies::<Queue>()
            .iter()
            .any(|queue| queue.found_none.get())
    {
        host.violation(
            &rules::FIND_REQUEST_FAILED,
            "WdfObjectDereference is called, and WdfIoQueueFindRequest has found no request",
        );
    }
    let object = host.object(call.arg(0));
    if object.kind == Request::KIND {
        host.body::<Request>(call.arg(0)).found.set(false);
    }
    host.release_reference(&object);
}

impl Host {
    /// Gives a reference of an object back; the last one of a deleted object ends it.
    pub(crate) fn release_reference(&self, object: &Rc<Object>) {
        let Some(references) = object.references.get().checked_sub(1) else {
            self.violation(
                &rules::BAD_DEREFERENCE,
                format!(
                    "a {} is dereferenced more often than it was referenced",
                    object.kind
                ),
            );
        };
        object.references.set(references);
        self.releases_at(object.handle);
        if references == 0 && object.released.get() {
            self.destroy(object);
        }
    }
}

/// A general object (`WDFOBJECT`).
struct General;

impl Body for General {
    const KIND: &'static str = "WDFOBJECT";
}

fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes_with(call.arg(0), Allowed::LEVEL)?;
    let parent = host.parent_or_driver(attributes.parent)?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| General);
    host.memory.write(call.arg(1), &object.handle);
    Ok(())
}
