//! The kernel's own DPCs, timers and work items.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ops::RangeBounds,
    rc::Rc,
    time::Duration,
};

use kmdf_bus::time::VirtualTime;
use kmdf_rules::rules;

use crate::{
    cpu::stub::Call,
    host::Host,
    kmdf::{alarm::Alarm, dpc::Deferred},
    service::services,
};

/// What the kernel keeps for them, by address.
#[derive(Default)]
pub(crate) struct DeferredObjects {
    dpcs: RefCell<BTreeMap<u64, Rc<KernelDpc>>>,
    timers: RefCell<BTreeMap<u64, Rc<Cell<Option<Alarm>>>>>,
    work_items: RefCell<BTreeMap<u64, WorkItem>>,
}

/// An IO_WORKITEM.
#[derive(Clone, Copy)]
struct WorkItem {
    device: u64,
    /// Where driver code was when it asked for it.
    site: u64,
}

/// A KDPC.
struct KernelDpc {
    deferred: Deferred,
    /// SystemArgument1 and SystemArgument2 of the call that queued it.
    arguments: Rc<Cell<(u64, u64)>>,
}

impl DeferredObjects {
    /// Where the work items were allocated that are not freed.
    pub(crate) fn work_item_sites(&self) -> Vec<u64> {
        let items = self.work_items.borrow();
        items.values().map(|item| item.site).collect()
    }

    /// Timers that are set and DPCs that are queued, of those that lie at these addresses.
    fn pending(&self, addresses: impl RangeBounds<u64> + Clone) -> Option<String> {
        let timers = self.timers.borrow();
        let timer = timers
            .range(addresses.clone())
            .find(|(_, alarm)| alarm.get().is_some())
            .map(|(address, _)| format!("the KTIMER at {address:#x} is set"));
        timer.or_else(|| {
            let dpcs = self.dpcs.borrow();
            dpcs.range(addresses)
                .find(|(_, dpc)| dpc.deferred.is_queued())
                .map(|(address, _)| format!("the KDPC at {address:#x} is queued"))
        })
    }
}

impl Host {
    /// Checks that nothing in memory that is being freed is still to go off.
    pub(crate) fn check_freed(&self, address: u64, bytes: u64) {
        let objects = &self.framework.kernel.deferred;
        if let Some(what) = objects.pending(address..address + bytes) {
            self.violation(
                &rules::TIMER_OR_DPC_FREED,
                format!("memory is freed while {what} in it"),
            );
        }
    }

    /// What of the driver's is still to go off.
    pub(crate) fn pending_deferred(&self) -> Option<String> {
        self.framework.kernel.deferred.pending(..)
    }
}

services! {
    KeInitializeDpc <= HIGH => initialize_dpc;
    KeInsertQueueDpc <= HIGH => insert_dpc;
    KeRemoveQueueDpc <= HIGH => remove_dpc;
    KeFlushQueuedDpcs <= PASSIVE => flush_dpcs;
    KeInitializeTimer <= DISPATCH => initialize_timer;
    KeInitializeTimerEx <= DISPATCH => initialize_timer;
    KeSetTimer <= DISPATCH => set_timer;
    KeSetTimerEx <= DISPATCH => set_timer_ex;
    KeCancelTimer <= DISPATCH => cancel_timer;
    IoAllocateWorkItem <= DISPATCH => allocate_work_item;
    IoQueueWorkItem <= DISPATCH => queue_work_item;
    IoQueueWorkItemEx <= DISPATCH => queue_work_item_ex;
    IoFreeWorkItem <= DISPATCH => free_work_item;
}

/// KeInitializeDpc(Dpc, DeferredRoutine, DeferredContext)
fn initialize_dpc(host: &Host, call: &Call) {
    let (address, routine, context) = (call.arg(0), call.arg(1), call.arg(2));
    let arguments = Rc::new(Cell::new((0, 0)));
    let given = Rc::clone(&arguments);
    let deferred = Deferred::new(format!("KDPC {address:#x}"), move |host| {
        let (first, second) = given.get();
        let all = [address, context, first, second];
        host.call_driver("DeferredRoutine", address, routine, &all);
    });
    let dpc = KernelDpc {
        deferred,
        arguments,
    };
    let mut dpcs = host.framework.kernel.deferred.dpcs.borrow_mut();
    dpcs.insert(address, Rc::new(dpc));
}

fn dpc_at(host: &Host, address: u64) -> Rc<KernelDpc> {
    let dpcs = &host.framework.kernel.deferred.dpcs;
    let dpc = dpcs.borrow().get(&address).cloned();
    match dpc {
        Some(dpc) => dpc,
        None => host.violation(
            &rules::INVALID_DPC,
            format!("{address:#x} is no DPC that KeInitializeDpc has initialized"),
        ),
    }
}

/// KeInsertQueueDpc(Dpc, SystemArgument1, SystemArgument2): FALSE when it is queued already.
fn insert_dpc(host: &Host, call: &Call) -> bool {
    let dpc = dpc_at(host, call.arg(0));
    let arguments = dpc.arguments.replace((call.arg(1), call.arg(2)));
    let queued = dpc.deferred.enqueue(host);
    if !queued {
        dpc.arguments.set(arguments);
    }
    queued
}

fn remove_dpc(host: &Host, call: &Call) -> bool {
    dpc_at(host, call.arg(0)).deferred.cancel()
}

/// KeFlushQueuedDpcs(): waits until no DPC that is queued now is left.
fn flush_dpcs(host: &Host, _: &Call) {
    let dpcs: Vec<_> = {
        let dpcs = host.framework.kernel.deferred.dpcs.borrow();
        dpcs.values().cloned().collect()
    };
    for dpc in dpcs {
        dpc.deferred.flush(host);
    }
}

fn timer_at(host: &Host, address: u64) -> Rc<Cell<Option<Alarm>>> {
    let timers = &host.framework.kernel.deferred.timers;
    let timer = timers.borrow().get(&address).cloned();
    match timer {
        Some(timer) => timer,
        None => host.violation(
            &rules::INVALID_TIMER,
            format!("{address:#x} is no timer that KeInitializeTimer has initialized"),
        ),
    }
}

fn initialize_timer(host: &Host, call: &Call) {
    let mut timers = host.framework.kernel.deferred.timers.borrow_mut();
    timers.insert(call.arg(0), Rc::default());
}

/// KeSetTimer(Timer, DueTime, Dpc)
fn set_timer(host: &Host, call: &Call) -> bool {
    set(host, call.arg(0), call.arg(1), 0, call.arg(2))
}

/// KeSetTimerEx(Timer, DueTime, Period, Dpc)
fn set_timer_ex(host: &Host, call: &Call) -> bool {
    set(host, call.arg(0), call.arg(1), call.arg32(2), call.arg(3))
}

fn set(host: &Host, timer: u64, due: u64, period_ms: u32, dpc: u64) -> bool {
    let timer = timer_at(host, timer);
    let was_set = disarm(host, &timer);
    let dpc = (dpc != 0).then(|| dpc_at(host, dpc));
    let period = (period_ms > 0).then(|| Duration::from_millis(period_ms.into()));
    arm(host, &timer, host.due_time(due.cast_signed()), period, dpc);
    was_set
}

fn arm(
    host: &Host,
    timer: &Rc<Cell<Option<Alarm>>>,
    due: VirtualTime,
    period: Option<Duration>,
    dpc: Option<Rc<KernelDpc>>,
) {
    let mine = Rc::clone(timer);
    let alarm = host.at(due, move |host| {
        mine.set(None);
        if let Some(dpc) = &dpc {
            dpc.deferred.enqueue(host);
        }
        if let Some(period) = period {
            arm(host, &mine, due + period, Some(period), dpc.clone());
        }
    });
    timer.set(Some(alarm));
}

fn disarm(host: &Host, timer: &Cell<Option<Alarm>>) -> bool {
    timer.take().is_some_and(|alarm| host.cancel_alarm(alarm))
}

fn cancel_timer(host: &Host, call: &Call) -> bool {
    disarm(host, &timer_at(host, call.arg(0)))
}

/// IoAllocateWorkItem(DeviceObject)
fn allocate_work_item(host: &Host, call: &Call) -> u64 {
    let item = host.memory.new_handle();
    let items = &host.framework.kernel.deferred.work_items;
    let allocated = WorkItem {
        device: call.arg(0),
        site: host.call_site(),
    };
    items.borrow_mut().insert(item, allocated);
    item
}

fn device_of(host: &Host, item: u64) -> u64 {
    let items = &host.framework.kernel.deferred.work_items;
    let found = items.borrow().get(&item).copied();
    match found {
        Some(found) => found.device,
        None => host.violation(
            &rules::INVALID_WORK_ITEM,
            format!("{item:#x} is no work item of IoAllocateWorkItem's"),
        ),
    }
}

/// IoQueueWorkItem(IoWorkItem, WorkerRoutine, QueueType, Context)
fn queue_work_item(host: &Host, call: &Call) {
    let device = device_of(host, call.arg(0));
    run_later(host, call.arg(0), call.arg(1), vec![device, call.arg(3)]);
}

/// IoQueueWorkItemEx: the routine gets the item, too, so that it can free it.
fn queue_work_item_ex(host: &Host, call: &Call) {
    let device = device_of(host, call.arg(0));
    let arguments = vec![device, call.arg(3), call.arg(0)];
    run_later(host, call.arg(0), call.arg(1), arguments);
}

fn run_later(host: &Host, item: u64, routine: u64, arguments: Vec<u64>) {
    host.spawn("work item", move |host| {
        host.events.count(|counts| counts.work_item_calls += 1);
        host.call_driver("WorkerRoutine", item, routine, &arguments);
    });
}

fn free_work_item(host: &Host, call: &Call) {
    device_of(host, call.arg(0));
    let items = &host.framework.kernel.deferred.work_items;
    items.borrow_mut().remove(&call.arg(0));
}
