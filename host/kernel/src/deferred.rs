//! The kernel's own DPCs, timers and work items.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ops::RangeBounds,
    rc::Rc,
    time::Duration,
};

use kmdf_machine::{Alarm, Edge, VirtualTime, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, dpc::Deferred, services};

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

impl Kernel {
    /// Checks that nothing in memory that is being freed is still to go off.
    pub fn check_freed(&self, address: u64, bytes: u64) {
        let objects = &self.objects().deferred;
        if let Some(what) = objects.pending(address..address + bytes) {
            self.violation(
                &rules::TIMER_OR_DPC_FREED,
                format!("memory is freed while {what} in it"),
            );
        }
    }

    /// What of the driver's is still to go off.
    pub fn pending_deferred(&self) -> Option<String> {
        self.objects().deferred.pending(..)
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
fn initialize_dpc(kernel: &Kernel, call: &Call) {
    let (address, routine, context) = (call.arg(0), call.arg(1), call.arg(2));
    let arguments = Rc::new(Cell::new((0, 0)));
    let given = Rc::clone(&arguments);
    let deferred = Deferred::new(format!("KDPC {address:#x}"), move |kernel: &Kernel| {
        let (first, second) = given.get();
        let all = [address, context, first, second];
        kernel.call_driver("DeferredRoutine", address, routine, &all);
    });
    let dpc = KernelDpc {
        deferred,
        arguments,
    };
    let mut dpcs = kernel.objects().deferred.dpcs.borrow_mut();
    dpcs.insert(address, Rc::new(dpc));
}

fn dpc_at(kernel: &Kernel, address: u64) -> Rc<KernelDpc> {
    let dpcs = &kernel.objects().deferred.dpcs;
    let dpc = dpcs.borrow().get(&address).cloned();
    match dpc {
        Some(dpc) => dpc,
        None => kernel.violation(
            &rules::INVALID_DPC,
            format!("{address:#x} is not a DPC that KeInitializeDpc has initialized"),
        ),
    }
}

/// KeInsertQueueDpc(Dpc, SystemArgument1, SystemArgument2): FALSE when it is queued already.
fn insert_dpc(kernel: &Kernel, call: &Call) -> bool {
    let dpc = dpc_at(kernel, call.arg(0));
    let arguments = dpc.arguments.replace((call.arg(1), call.arg(2)));
    let queued = dpc.deferred.enqueue(kernel);
    if !queued {
        dpc.arguments.set(arguments);
    }
    queued
}

fn remove_dpc(kernel: &Kernel, call: &Call) -> bool {
    dpc_at(kernel, call.arg(0)).deferred.cancel()
}

/// KeFlushQueuedDpcs(): waits until no DPC that is queued now is left.
fn flush_dpcs(kernel: &Kernel, _: &Call) {
    let dpcs: Vec<_> = {
        let dpcs = kernel.objects().deferred.dpcs.borrow();
        dpcs.values().cloned().collect()
    };
    for dpc in dpcs {
        dpc.deferred.flush(kernel);
    }
}

fn timer_at(kernel: &Kernel, address: u64) -> Rc<Cell<Option<Alarm>>> {
    let timers = &kernel.objects().deferred.timers;
    let timer = timers.borrow().get(&address).cloned();
    match timer {
        Some(timer) => timer,
        None => kernel.violation(
            &rules::INVALID_TIMER,
            format!("{address:#x} is not a timer that KeInitializeTimer has initialized"),
        ),
    }
}

fn initialize_timer(kernel: &Kernel, call: &Call) {
    let mut timers = kernel.objects().deferred.timers.borrow_mut();
    timers.insert(call.arg(0), Rc::default());
}

/// KeSetTimer(Timer, DueTime, Dpc)
fn set_timer(kernel: &Kernel, call: &Call) -> bool {
    set(kernel, call.arg(0), call.arg(1), 0, call.arg(2))
}

/// KeSetTimerEx(Timer, DueTime, Period, Dpc)
fn set_timer_ex(kernel: &Kernel, call: &Call) -> bool {
    set(kernel, call.arg(0), call.arg(1), call.arg32(2), call.arg(3))
}

fn set(kernel: &Kernel, timer: u64, due: u64, period_ms: u32, dpc: u64) -> bool {
    let timer = timer_at(kernel, timer);
    let was_set = disarm(kernel, &timer);
    let dpc = (dpc != 0).then(|| dpc_at(kernel, dpc));
    if let Some(dpc) = &dpc {
        dpc.deferred.follows(kernel);
    }
    let period = (period_ms > 0).then(|| Duration::from_millis(period_ms.into()));
    arm(
        kernel,
        &timer,
        kernel.due_time(due.cast_signed()),
        period,
        dpc,
    );
    was_set
}

fn arm(
    kernel: &Kernel,
    timer: &Rc<Cell<Option<Alarm>>>,
    due: VirtualTime,
    period: Option<Duration>,
    dpc: Option<Rc<KernelDpc>>,
) {
    let mine = Rc::clone(timer);
    let alarm = kernel.at(due, move |kernel| {
        mine.set(None);
        if let Some(dpc) = &dpc {
            dpc.deferred.enqueue(kernel);
        }
        if let Some(period) = period {
            arm(kernel, &mine, due + period, Some(period), dpc.clone());
        }
    });
    timer.set(Some(alarm));
}

fn disarm(kernel: &Kernel, timer: &Cell<Option<Alarm>>) -> bool {
    timer.take().is_some_and(|alarm| kernel.cancel_alarm(alarm))
}

fn cancel_timer(kernel: &Kernel, call: &Call) -> bool {
    disarm(kernel, &timer_at(kernel, call.arg(0)))
}

/// IoAllocateWorkItem(DeviceObject)
fn allocate_work_item(kernel: &Kernel, call: &Call) -> u64 {
    let item = kernel.memory.new_handle();
    let items = &kernel.objects().deferred.work_items;
    let allocated = WorkItem {
        device: call.arg(0),
        site: kernel.call_site(),
    };
    items.borrow_mut().insert(item, allocated);
    item
}

fn device_of(kernel: &Kernel, item: u64) -> u64 {
    let items = &kernel.objects().deferred.work_items;
    let found = items.borrow().get(&item).copied();
    match found {
        Some(found) => found.device,
        None => kernel.violation(
            &rules::INVALID_WORK_ITEM,
            format!("{item:#x} is not a work item of IoAllocateWorkItem's"),
        ),
    }
}

/// IoQueueWorkItem(IoWorkItem, WorkerRoutine, QueueType, Context)
fn queue_work_item(kernel: &Kernel, call: &Call) {
    let device = device_of(kernel, call.arg(0));
    run_later(kernel, call.arg(0), call.arg(1), vec![device, call.arg(3)]);
}

/// IoQueueWorkItemEx: the routine gets the item, too, so that it can free it.
fn queue_work_item_ex(kernel: &Kernel, call: &Call) {
    let device = device_of(kernel, call.arg(0));
    let arguments = vec![device, call.arg(3), call.arg(0)];
    run_later(kernel, call.arg(0), call.arg(1), arguments);
}

fn run_later(kernel: &Kernel, item: u64, routine: u64, arguments: Vec<u64>) {
    let queued = Edge::default();
    kernel.releases(&queued);
    kernel.spawn("work item", move |kernel| {
        kernel.acquires(&queued);
        kernel.count(|counts| counts.work_item_calls += 1);
        kernel.call_driver("WorkerRoutine", item, routine, &arguments);
    });
}

fn free_work_item(kernel: &Kernel, call: &Call) {
    device_of(kernel, call.arg(0));
    let items = &kernel.objects().deferred.work_items;
    items.borrow_mut().remove(&call.arg(0));
}
