//! Dispatcher objects: what a thread can wait for.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use kmdf_rules::rules;

use crate::Kernel;

/// The objects by their addresses: in the driver's memory, or, for those that it has by handles, the
/// kernel's.
#[derive(Default)]
pub(crate) struct Dispatcher {
    objects: RefCell<BTreeMap<u64, Rc<Object>>>,
}

/// A dispatcher object.
pub(crate) enum Object {
    /// KEVENT
    Event {
        /// Whether a wait that succeeds resets it.
        synchronization: bool,
        signaled: Cell<bool>,
    },
    /// KSEMAPHORE
    Semaphore { count: Cell<i32>, limit: i32 },
    /// KMUTEX: the thread that owns it, and how many times.
    Mutex {
        owner: Cell<Option<u32>>,
        depth: Cell<u32>,
    },
    /// A thread that PsCreateSystemThread has started.
    Thread {
        /// The number of its flow, once it runs.
        flow: Cell<Option<u32>>,
        ended: Cell<bool>,
        priority: Cell<i32>,
        /// Where driver code was when it created it; `None` for one of the system's or an app's.
        site: Option<u64>,
    },
}

impl Object {
    /// An event.
    pub(crate) fn event(synchronization: bool, signaled: bool) -> Self {
        Self::Event {
            synchronization,
            signaled: Cell::new(signaled),
        }
    }

    /// What it orders is known by this.
    pub(crate) fn place(&self) -> u64 {
        (&raw const *self).addr() as u64
    }

    /// Whether it is a thread that the driver has created.
    pub(crate) fn is_drivers(&self) -> bool {
        matches!(self, Self::Thread { site: Some(_), .. })
    }

    /// Whether a wait of that thread would succeed.
    pub(crate) fn is_signaled(&self, thread: u32) -> bool {
        match self {
            Self::Event { signaled, .. } => signaled.get(),
            Self::Semaphore { count, .. } => count.get() > 0,
            Self::Mutex { owner, .. } => owner.get().is_none_or(|owner| owner == thread),
            Self::Thread { ended, .. } => ended.get(),
        }
    }

    /// What a wait of that thread that has succeeded does to it.
    pub(crate) fn satisfy(&self, thread: u32) {
        match self {
            Self::Event {
                synchronization,
                signaled,
            } => signaled.set(signaled.get() && !synchronization),
            Self::Semaphore { count, .. } => count.set(count.get() - 1),
            Self::Mutex { owner, depth } => {
                owner.set(Some(thread));
                depth.set(depth.get() + 1);
            }
            Self::Thread { .. } => {}
        }
    }
}

impl Dispatcher {
    /// Takes an object in. One that was at its address before is forgotten.
    pub(crate) fn add(&self, address: u64, object: Object) -> Rc<Object> {
        let object = Rc::new(object);
        self.objects
            .borrow_mut()
            .insert(address, Rc::clone(&object));
        object
    }

    /// Forgets the object at an address.
    pub(crate) fn remove(&self, address: u64) {
        self.objects.borrow_mut().remove(&address);
    }

    /// The object at an address.
    pub(crate) fn get(&self, address: u64) -> Option<Rc<Object>> {
        self.objects.borrow().get(&address).cloned()
    }

    /// The thread that runs as that flow, with its address.
    pub(crate) fn thread(&self, number: u32) -> Option<(u64, Rc<Object>)> {
        let objects = self.objects.borrow();
        let runs = |object: &Object| match object {
            Object::Thread { flow, .. } => flow.get() == Some(number),
            _ => false,
        };
        let found = objects.iter().find(|(_, object)| runs(object));
        found.map(|(address, object)| (*address, Rc::clone(object)))
    }

    /// Where the driver created the threads that have not ended.
    pub(crate) fn thread_sites(&self) -> Vec<u64> {
        let objects = self.objects.borrow();
        let running = |object: &Rc<Object>| match &**object {
            Object::Thread { ended, site, .. } if !ended.get() => *site,
            _ => None,
        };
        objects.values().filter_map(running).collect()
    }
}

impl Kernel {
    /// The object at an address, which a service takes as one of these. Anything else breaks a rule.
    pub(crate) fn dispatcher_object(&self, address: u64) -> Rc<Object> {
        match self.objects().dispatcher.get(address) {
            Some(object) => object,
            None => self.no_object(address, "object that can be waited for"),
        }
    }

    /// The object at an address is not what a service takes.
    pub(crate) fn no_object(&self, address: u64, what: &str) -> ! {
        self.violation(
            &rules::INVALID_EVENT,
            format!("{address:#x} is not an initialized {what}"),
        )
    }

    /// The thread that runs.
    pub(crate) fn thread(&self) -> u32 {
        self.scheduler.current().map_or(0, |(_, flow)| flow.id)
    }
}
