//! Work items: what a driver does later at PASSIVE_LEVEL, in a thread of the system's.

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_PARAMETER,
    },
    types::WDF_WORKITEM_CONFIG,
};
use kmdf_machine::{Edge, Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::object::Body;
use crate::host::{Host, services};

/// Work for a system thread.
pub(crate) struct Work {
    name: &'static str,
    state: Rc<State>,
    routine: Rc<dyn Fn(&Host)>,
}

#[derive(Default)]
struct State {
    queued: Cell<bool>,
    running: Cell<u32>,
    /// What was done before it was queued comes before it.
    before: Edge,
    /// What it does comes before the end of a wait for it.
    after: Edge,
}

impl Work {
    /// Work that is called `name` in reports.
    pub(crate) fn new(name: &'static str, routine: impl Fn(&Host) + 'static) -> Self {
        Self {
            name,
            state: Rc::default(),
            routine: Rc::new(routine),
        }
    }

    /// Queues it; `false` when it is queued already.
    pub(crate) fn enqueue(&self, host: &Host) -> bool {
        self.follows(host);
        if self.state.queued.replace(true) {
            return false;
        }
        let (state, routine) = (Rc::clone(&self.state), Rc::clone(&self.routine));
        host.spawn(self.name, move |host| {
            state.queued.set(false);
            state.running.set(state.running.get() + 1);
            host.acquires(&state.before);
            routine(host);
            host.releases(&state.after);
            state.running.set(state.running.get() - 1);
        });
        true
    }

    /// Waits until it neither waits nor runs.
    pub(crate) fn flush(&self, host: &Host) {
        let state = Rc::clone(&self.state);
        host.block_until(move |_| !state.queued.get() && state.running.get() == 0);
        host.acquires(&self.state.after);
    }

    /// What is done before this comes before its next run, though something else queues it.
    pub(crate) fn follows(&self, host: &Host) {
        host.releases(&self.state.before);
    }
}

/// WDFWORKITEM
pub(crate) struct WorkItem {
    handle: u64,
    parent: u64,
    work: OnceCell<Work>,
}

impl Body for WorkItem {
    const KIND: &'static str = "WDFWORKITEM";

    fn dispose(&self, host: &Host) {
        let mine = host.runs_callback("EvtWorkItemFunc", self.handle);
        if let Some(work) = self.work.get()
            && host.irql() == Irql::PASSIVE
            && !mine
        {
            work.flush(host);
        }
    }
}

impl Host {
    /// Whether the running flow is in a callback of that name of an object.
    pub(super) fn runs_callback(&self, what: &str, object: u64) -> bool {
        self.scheduler.current().is_some_and(|(_, flow)| {
            let activations = flow.activations.borrow();
            activations
                .iter()
                .any(|activation| activation.what == what && activation.object == object)
        })
    }
}

impl WorkItem {
    fn work(&self) -> &Work {
        self.work.get().expect("set when it was created")
    }
}

services! {
    WdfWorkItemCreate <= DISPATCH => create;
    WdfWorkItemEnqueue <= DISPATCH => enqueue;
    WdfWorkItemGetParentObject <= DISPATCH => parent;
    WdfWorkItemFlush <= PASSIVE => flush;
}

/// WdfWorkItemCreate(Config, Attributes, WorkItem)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let parent = host.required_parent(call.arg(1))?;
    let config: WDF_WORKITEM_CONFIG = host.memory.read(call.arg(0));
    if config.Size as usize != size_of::<WDF_WORKITEM_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    if config.EvtWorkItemFunc.0 == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = host.attributes(call.arg(1))?;
    let parent = host.parent_object(parent)?;
    if host.device_above(&parent).is_none() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let lock = host.effective_lock(&parent, config.AutomaticSerialization != 0, true)?;
    let (object, body) = host.create_object(Some(&parent), &attributes, |handle| WorkItem {
        handle,
        parent: parent.handle,
        work: OnceCell::new(),
    });
    let (handle, callback) = (object.handle, config.EvtWorkItemFunc.0);
    let work = Work::new("work item", move |host| {
        host.count(|counts| counts.work_item_calls += 1);
        lock.hold(host, || {
            host.call_driver("EvtWorkItemFunc", handle, callback, &[handle]);
        });
    });
    let _ = body.work.set(work);
    host.memory.write(call.arg(2), &handle);
    Ok(())
}

/// WdfWorkItemEnqueue(WorkItem): one that is queued already runs once.
fn enqueue(host: &Host, call: &Call) {
    host.body::<WorkItem>(call.arg(0)).work().enqueue(host);
}

fn parent(host: &Host, call: &Call) -> u64 {
    host.body::<WorkItem>(call.arg(0)).parent
}

/// WdfWorkItemFlush(WorkItem)
fn flush(host: &Host, call: &Call) {
    let item = host.body::<WorkItem>(call.arg(0));
    if host.runs_callback("EvtWorkItemFunc", item.handle) {
        host.violation(
            &rules::WORK_ITEM_DEADLOCK,
            "a work item waits for itself: WdfWorkItemFlush is called from its own callback",
        );
    }
    item.work().flush(host);
}
