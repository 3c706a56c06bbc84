//! Framework objects: handles, context spaces, the tree, lifetimes.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::{Rc, Weak},
};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_DELETE_PENDING},
    types::WDF_OBJECT_CONTEXT_TYPE_INFO,
};
use kmdf_machine::Purpose;
use kmdf_rules::rules;

use super::attributes::Attributes;
use crate::host::Host;

/// What a kind of framework object is made of.
pub(crate) trait Body: Any {
    /// The type of its handle.
    const KIND: &'static str;

    /// Called when the object is deleted: after its children were, before its cleanup callbacks.
    fn dispose(&self, _host: &Host) {}

    /// Called when nobody references the object any more, after its destroy callbacks.
    fn destroy(&self, _host: &Host) {}
}

/// A framework object.
pub(crate) struct Object {
    pub(crate) handle: u64,
    pub(crate) kind: &'static str,
    parent: RefCell<Weak<Self>>,
    /// The kind of its parent, which may be gone before it; empty for none.
    above: &'static str,
    children: RefCell<Vec<Rc<Self>>>,
    pub(super) contexts: RefCell<Vec<Context>>,
    pub(crate) references: Cell<u32>,
    /// Where driver code was when it was made, or 0.
    pub(crate) site: u64,
    pub(super) deleted: Cell<bool>,
    /// Whether only references keep it: it and its parent have let go.
    pub(super) released: Cell<bool>,
    body: Rc<dyn Any>,
    dispose: fn(&dyn Any, &Host),
    destroy: fn(&dyn Any, &Host),
}

/// A context space.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    /// Identifies its type: the address of the type's unique WDF_OBJECT_CONTEXT_TYPE_INFO, or 0
    /// for attributes without a context.
    pub(super) unique_type: u64,
    pub(super) address: Option<u64>,
    cleanup: u64,
    destroy: u64,
}

impl Object {
    /// Where the context space is that it was made with.
    pub(super) fn first_context(&self) -> Option<u64> {
        self.contexts.borrow().first()?.address
    }

    /// From now on none of its callbacks is called: its creation has failed.
    pub(super) fn forget_callbacks(&self) {
        for context in self.contexts.borrow_mut().iter_mut() {
            (context.cleanup, context.destroy) = (0, 0);
        }
    }

    /// Whether the driver is called when it goes.
    pub(crate) fn has_end_callback(&self) -> bool {
        let contexts = self.contexts.borrow();
        contexts
            .iter()
            .any(|context| context.cleanup != 0 || context.destroy != 0)
    }

    /// The object above it.
    pub(crate) fn parent(&self) -> Option<Rc<Self>> {
        self.parent.borrow().upgrade()
    }
}

/// All objects by handle.
#[derive(Default)]
pub(crate) struct Objects {
    live: RefCell<BTreeMap<u64, Rc<Object>>>,
    /// What handles of deleted objects were.
    dead: RefCell<BTreeMap<u64, Dead>>,
}

/// What is known of an object that has gone.
#[derive(Clone, Copy, Debug)]
struct Dead {
    kind: &'static str,
    /// What kind of object it was below; empty for none.
    parent: &'static str,
}

impl Objects {
    /// Whether the handle is that of a deleted object of that kind.
    pub(crate) fn was(&self, handle: u64, kind: &str) -> bool {
        self.dead
            .borrow()
            .get(&handle)
            .is_some_and(|dead| dead.kind == kind)
    }

    /// The object that has a context space at that address.
    pub(crate) fn with_context(&self, address: u64) -> Option<u64> {
        let live = self.live.borrow();
        let mut objects = live.values();
        let object = objects.find(|object| {
            let contexts = object.contexts.borrow();
            contexts
                .iter()
                .any(|context| context.address == Some(address))
        })?;
        Some(object.handle)
    }

    /// All objects, in the order they were made in.
    pub(crate) fn live(&self) -> Vec<Rc<Object>> {
        self.live.borrow().values().cloned().collect()
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
            above: parent.map_or("", |parent| parent.kind),
            children: RefCell::default(),
            contexts: RefCell::default(),
            references: Cell::new(0),
            site: self.call_site(),
            deleted: Cell::new(false),
            released: Cell::new(false),
            body: Rc::clone(&body) as Rc<dyn Any>,
            dispose: |body, host| {
                body.downcast_ref::<T>()
                    .expect("the body it was made with")
                    .dispose(host);
            },
            destroy: |body, host| {
                body.downcast_ref::<T>()
                    .expect("the body it was made with")
                    .destroy(host);
            },
        });
        if let Some(parent) = parent {
            parent.children.borrow_mut().push(Rc::clone(&object));
        }
        self.framework()
            .objects
            .live
            .borrow_mut()
            .insert(handle, Rc::clone(&object));
        self.add_context(&object, attributes);
        (object, body)
    }

    pub(super) fn add_context(&self, object: &Object, attributes: &Attributes) -> Option<u64> {
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
        if let Some(object) = self.framework().objects.live.borrow().get(&handle) {
            return Rc::clone(object);
        }
        if let Some(dead) = self.framework().objects.dead.borrow().get(&handle) {
            let (rule, why) = match (dead.kind, dead.parent) {
                ("WDFMEMORY", "WDFREQUEST") => (
                    &rules::MEM_AFTER_REQ_COMPLETED,
                    "of a request that has been completed",
                ),
                _ => (&rules::USE_AFTER_DELETE, "that has been deleted"),
            };
            self.violation(
                rule,
                format!("the handle {handle:#x} was a {} {why}", dead.kind),
            );
        }
        self.violation(
            &rules::INVALID_HANDLE,
            format!("{handle:#x} is not a framework handle"),
        );
    }

    /// The body of the object with that handle. Another kind of object is a violation.
    pub(crate) fn body<T: Body>(&self, handle: u64) -> Rc<T> {
        let object = self.object(handle);
        match Rc::downcast(Rc::clone(&object.body)) {
            Ok(body) => body,
            Err(_) => self.violation(
                &rules::INVALID_HANDLE,
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
        self.framework()
            .objects
            .live
            .borrow()
            .values()
            .filter_map(|object| Rc::downcast(Rc::clone(&object.body)).ok())
            .collect()
    }

    pub(super) fn unique_type(&self, info: u64) -> u64 {
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

    /// Deletes an object and its children: cleanup callbacks from the leaves up, of children in the
    /// order they were made in, then destroy callbacks for what nobody references.
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
        for child in &children {
            self.clean_up(child);
        }
        (object.dispose)(&*object.body, self);
        let contexts = object.contexts.borrow().clone();
        for context in contexts {
            self.object_callback("EvtCleanupCallback", object, context.cleanup);
        }
    }

    pub(super) fn destroy(&self, object: &Rc<Object>) {
        let children = object.children.take();
        for child in &children {
            self.destroy(child);
        }
        object.released.set(true);
        if object.references.get() > 0 {
            self.releases_at(object.handle);
            return;
        }
        self.acquires_at(object.handle);
        // The callback is the last that sees the context spaces.
        let contexts = object.contexts.borrow().clone();
        for context in &contexts {
            self.object_callback("EvtDestroyCallback", object, context.destroy);
        }
        (object.destroy)(&*object.body, self);
        object.contexts.take();
        for address in contexts.iter().filter_map(|context| context.address) {
            match self.memory.free(address) {
                Ok(allocation) => self.check_freed(address, allocation.bytes),
                Err(text) => self.violation(&rules::CONTEXT_OVERRUN, text),
            }
        }
        self.framework()
            .objects
            .live
            .borrow_mut()
            .remove(&object.handle);
        let dead = Dead {
            kind: object.kind,
            parent: object.above,
        };
        self.framework()
            .objects
            .dead
            .borrow_mut()
            .insert(object.handle, dead);
    }

    fn object_callback(&self, what: &'static str, object: &Object, callback: u64) {
        if callback != 0 {
            self.call_driver(what, object.handle, callback, &[object.handle]);
        }
    }

    /// The parent that attributes name, or the driver object.
    ///
    /// # Errors
    /// It was deleted, and only references keep it.
    pub(crate) fn parent_or_driver(&self, parent: u64) -> Result<Rc<Object>, NtStatus> {
        match parent {
            0 => self.parent_object(self.framework().driver_handle()),
            parent => self.parent_object(parent),
        }
    }

    /// The object with that handle, for a new one below it.
    ///
    /// # Errors
    /// It was deleted, and only references keep it.
    pub(crate) fn parent_object(&self, handle: u64) -> Result<Rc<Object>, NtStatus> {
        let object = self.object(handle);
        if object.deleted.get() {
            return Err(STATUS_DELETE_PENDING);
        }
        Ok(object)
    }
}
