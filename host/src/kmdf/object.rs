//! Framework objects: handles, context spaces, the tree, lifetimes.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_OBJECT_NAME_EXISTS, STATUS_SUCCESS},
    types::{WDF_OBJECT_ATTRIBUTES, WDF_OBJECT_CONTEXT_TYPE_INFO},
};

use crate::{cpu::stub::Call, host::Host, memory::Purpose, service::services};

/// What a kind of framework object is made of.
pub(crate) trait Body: Any {
    /// The type of its handle.
    const KIND: &'static str;

    /// Called when the object is deleted, after its cleanup callbacks and before its destroy
    /// callbacks.
    fn dispose(&self, _host: &Host) {}
}

/// A framework object.
pub(crate) struct Object {
    pub(crate) handle: u64,
    pub(crate) kind: &'static str,
    parent: RefCell<Weak<Self>>,
    children: RefCell<Vec<Rc<Self>>>,
    contexts: RefCell<Vec<Context>>,
    references: Cell<u32>,
    deleted: Cell<bool>,
    body: Rc<dyn Any>,
    dispose: fn(&dyn Any, &Host),
}

/// A context space.
#[derive(Clone, Copy, Debug)]
struct Context {
    /// Identifies its type: the address of the type's unique WDF_OBJECT_CONTEXT_TYPE_INFO, or 0
    /// for attributes without a context.
    unique_type: u64,
    address: Option<u64>,
    cleanup: u64,
    destroy: u64,
}

/// The attributes that a driver passes for a new object.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attributes {
    pub(crate) parent: u64,
    unique_type: u64,
    context_bytes: u64,
    cleanup: u64,
    destroy: u64,
}

/// All objects by handle.
#[derive(Default)]
pub(crate) struct Objects {
    live: RefCell<BTreeMap<u64, Rc<Object>>>,
    /// What handles of deleted objects were.
    dead: RefCell<BTreeMap<u64, &'static str>>,
}

impl Objects {
    /// Whether the handle is that of a deleted object of that kind.
    pub(crate) fn was(&self, handle: u64, kind: &str) -> bool {
        self.dead
            .borrow()
            .get(&handle)
            .is_some_and(|dead| *dead == kind)
    }

    /// How many objects there are, by kind.
    pub(crate) fn census(&self) -> BTreeMap<&'static str, usize> {
        let mut census = BTreeMap::new();
        for object in self.live.borrow().values() {
            *census.entry(object.kind).or_insert(0) += 1;
        }
        census
    }
}

impl Host {
    /// Makes an object. `body` is given the new handle.
    pub(crate) fn create_object<T: Body>(
        &self,
        parent: Option<&Rc<Object>>,
        attributes: &Attributes,
        body: impl FnOnce(u64) -> T,
    ) -> (Rc<Object>, Rc<T>) {
        let handle = self.memory.new_handle();
        let body = Rc::new(body(handle));
        let object = Rc::new(Object {
            handle,
            kind: T::KIND,
            parent: RefCell::new(parent.map_or_else(Weak::new, Rc::downgrade)),
            children: RefCell::default(),
            contexts: RefCell::default(),
            references: Cell::new(0),
            deleted: Cell::new(false),
            body: Rc::clone(&body) as Rc<dyn Any>,
            dispose: |body, host| {
                body.downcast_ref::<T>()
                    .expect("the body it was made with")
                    .dispose(host);
            },
        });
        if let Some(parent) = parent {
            parent.children.borrow_mut().push(Rc::clone(&object));
        }
        self.framework
            .objects
            .live
            .borrow_mut()
            .insert(handle, Rc::clone(&object));
        self.add_context(&object, attributes);
        (object, body)
    }

    fn add_context(&self, object: &Object, attributes: &Attributes) -> Option<u64> {
        let address = (attributes.unique_type != 0).then(|| {
            let purpose = Purpose::Context {
                object: format!("{} {:#x}", object.kind, object.handle),
            };
            self.memory
                .allocate(attributes.context_bytes, true, purpose)
                .expect("a run has address space for its contexts")
        });
        object.contexts.borrow_mut().push(Context {
            unique_type: attributes.unique_type,
            address,
            cleanup: attributes.cleanup,
            destroy: attributes.destroy,
        });
        address
    }

    /// The object with that handle. A handle of no object, or of a deleted one, is a violation.
    pub(crate) fn object(&self, handle: u64) -> Rc<Object> {
        if let Some(object) = self.framework.objects.live.borrow().get(&handle) {
            return Rc::clone(object);
        }
        if let Some(kind) = self.framework.objects.dead.borrow().get(&handle) {
            self.violation(
                "UseAfterDelete",
                format!("the handle {handle:#x} was a {kind} that has been deleted"),
            );
        }
        self.violation(
            "InvalidHandle",
            format!("{handle:#x} is no framework handle"),
        );
    }

    /// The body of the object with that handle. Another kind of object is a violation.
    pub(crate) fn body<T: Body>(&self, handle: u64) -> Rc<T> {
        let object = self.object(handle);
        match Rc::downcast(Rc::clone(&object.body)) {
            Ok(body) => body,
            Err(_) => self.violation(
                "InvalidHandle",
                format!(
                    "{handle:#x} is a {}, where a {} is needed",
                    object.kind,
                    T::KIND
                ),
            ),
        }
    }

    /// The bodies of all objects of a kind, in the order they were made in.
    pub(crate) fn bodies<T: Body>(&self) -> Vec<Rc<T>> {
        self.framework
            .objects
            .live
            .borrow()
            .values()
            .filter_map(|object| Rc::downcast(Rc::clone(&object.body)).ok())
            .collect()
    }

    /// Reads the attributes at an address; NULL (`WDF_NO_OBJECT_ATTRIBUTES`) gives the defaults.
    pub(crate) fn attributes(&self, address: u64) -> Result<Attributes, NtStatus> {
        if address == 0 {
            return Ok(Attributes::default());
        }
        let attributes: WDF_OBJECT_ATTRIBUTES = self.memory.read(address);
        if attributes.Size as usize != size_of::<WDF_OBJECT_ATTRIBUTES>() {
            return Err(STATUS_INFO_LENGTH_MISMATCH);
        }
        let mut result = Attributes {
            parent: attributes.ParentObject.0,
            cleanup: attributes.EvtCleanupCallback.0,
            destroy: attributes.EvtDestroyCallback.0,
            ..Attributes::default()
        };
        if attributes.ContextTypeInfo.0 != 0 {
            let info: WDF_OBJECT_CONTEXT_TYPE_INFO = self.memory.read(attributes.ContextTypeInfo.0);
            if info.Size as usize != size_of::<WDF_OBJECT_CONTEXT_TYPE_INFO>() {
                return Err(STATUS_INFO_LENGTH_MISMATCH);
            }
            result.unique_type = self.unique_type(attributes.ContextTypeInfo.0);
            result.context_bytes = match attributes.ContextSizeOverride {
                0 => info.ContextSize,
                bytes => bytes,
            };
        }
        Ok(result)
    }

    fn unique_type(&self, info: u64) -> u64 {
        match self
            .memory
            .read::<WDF_OBJECT_CONTEXT_TYPE_INFO>(info)
            .UniqueType
            .0
        {
            0 => info,
            unique => unique,
        }
    }

    /// Deletes an object and its children: cleanup callbacks from the leaves up, then destroy
    /// callbacks for what nobody references.
    pub(crate) fn delete_object(&self, object: &Rc<Object>) {
        self.clean_up(object);
        if let Some(parent) = object.parent.borrow().upgrade() {
            parent
                .children
                .borrow_mut()
                .retain(|child| !Rc::ptr_eq(child, object));
        }
        self.destroy(object);
    }

    fn clean_up(&self, object: &Rc<Object>) {
        if object.deleted.replace(true) {
            return;
        }
        let children = object.children.borrow().clone();
        for child in children.iter().rev() {
            self.clean_up(child);
        }
        let contexts = object.contexts.borrow().clone();
        for context in contexts {
            self.object_callback("EvtCleanupCallback", object, context.cleanup);
        }
        (object.dispose)(&*object.body, self);
    }

    fn destroy(&self, object: &Rc<Object>) {
        let children = object.children.take();
        for child in children.iter().rev() {
            self.destroy(child);
        }
        if object.references.get() > 0 {
            return;
        }
        let contexts = object.contexts.take();
        for context in &contexts {
            self.object_callback("EvtDestroyCallback", object, context.destroy);
        }
        for address in contexts.iter().filter_map(|context| context.address) {
            if let Err(text) = self.memory.free(address) {
                self.violation("ContextOverrun", text);
            }
        }
        self.framework
            .objects
            .live
            .borrow_mut()
            .remove(&object.handle);
        self.framework
            .objects
            .dead
            .borrow_mut()
            .insert(object.handle, object.kind);
    }

    fn object_callback(&self, what: &'static str, object: &Object, callback: u64) {
        if callback != 0 {
            self.call_driver(what, object.handle, callback, &[object.handle]);
        }
    }
}

services! {
    WdfObjectGetTypedContextWorker <= HIGH => get_typed_context;
    WdfObjectAllocateContext <= DISPATCH => allocate_context;
    WdfObjectDelete <= DISPATCH => delete;
    WdfObjectReferenceActual <= HIGH => reference;
    WdfObjectDereferenceActual <= DISPATCH => dereference;
    WdfObjectCreate <= DISPATCH => create;
}

/// Fetches context space: NULL when the object has none of that type.
fn get_typed_context(host: &Host, call: &Call) -> u64 {
    let object = host.live_or_disposing(call.arg(0));
    let unique = host.unique_type(call.arg(1));
    let contexts = object.contexts.borrow();
    contexts
        .iter()
        .find(|context| context.unique_type == unique)
        .and_then(|context| context.address)
        .unwrap_or(0)
}

impl Host {
    /// The object with that handle, also while its callbacks of deletion run.
    fn live_or_disposing(&self, handle: u64) -> Rc<Object> {
        self.object(handle)
    }
}

fn allocate_context(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let object = host.object(call.arg(0));
    let attributes = host.attributes(call.arg(1))?;
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
    if matches!(
        object.kind,
        "WDFINTERRUPT" | "WDFDEVICE" | "WDFDRIVER" | "WDFREQUEST"
    ) {
        host.violation(
            "BadDelete",
            format!("a {} is the framework's to delete", object.kind),
        );
    }
    host.delete_object(&object);
}

fn reference(host: &Host, call: &Call) {
    let object = host.object(call.arg(0));
    object.references.set(object.references.get() + 1);
}

fn dereference(host: &Host, call: &Call) {
    let object = host.object(call.arg(0));
    let Some(references) = object.references.get().checked_sub(1) else {
        host.violation(
            "BadDereference",
            format!(
                "a {} is dereferenced more often than it was referenced",
                object.kind
            ),
        );
    };
    object.references.set(references);
    if references == 0 && object.deleted.get() {
        host.destroy(&object);
    }
}

/// A general object (`WDFOBJECT`).
struct General;

impl Body for General {
    const KIND: &'static str = "WDFOBJECT";
}

fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(0))?;
    let parent = host.parent_or_driver(attributes.parent);
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| General);
    host.memory.write(call.arg(1), &object.handle);
    Ok(())
}

impl Host {
    /// The parent that attributes name, or the driver object.
    pub(crate) fn parent_or_driver(&self, parent: u64) -> Rc<Object> {
        match parent {
            0 => self.object(self.framework.driver_handle()),
            parent => self.object(parent),
        }
    }
}
