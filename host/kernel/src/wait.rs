//! Waiting: for dispatcher objects, and for time to pass.

use std::{rc::Rc, time::Duration};

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS, STATUS_TIMEOUT};
use kmdf_machine::{Irql, VirtualTime, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, dispatcher::Object, services};

/// The most objects that a thread waits for without wait blocks of the caller's.
const THREAD_WAIT_OBJECTS: u32 = 3;
/// The most with them.
const MAXIMUM_WAIT_OBJECTS: u32 = 64;

services! {
    KeWaitForSingleObject <= DISPATCH => single;
    KeWaitForMultipleObjects <= DISPATCH => multiple;
    KeDelayExecutionThread <= APC => delay;
}

/// The LARGE_INTEGER at an address; `None` for NULL.
fn timeout(kernel: &Kernel, address: u64) -> Option<i64> {
    (address != 0).then(|| kernel.memory.read(address))
}

impl Kernel {
    /// The moment that a LARGE_INTEGER due time means: negative is from now on, in units of 100 ns.
    pub fn due_time(&self, due: i64) -> VirtualTime {
        if due < 0 {
            let nanos = due.unsigned_abs().saturating_mul(100);
            self.now() + Duration::from_nanos(nanos)
        } else {
            let ticks = due
                .unsigned_abs()
                .saturating_sub(crate::processor::SWITCHED_ON);
            VirtualTime::from_nanos(ticks.saturating_mul(100))
        }
    }

    /// Waits for all of the objects or, as `all` says, any of them: the place of the first that was
    /// waited for. `None` when the time at the address `limit` is over.
    pub(crate) fn wait_for(
        &self,
        service: &str,
        objects: Vec<Rc<Object>>,
        all: bool,
        limit: u64,
    ) -> Option<usize> {
        let limit = timeout(self, limit);
        if limit != Some(0) && self.irql() > Irql::APC {
            self.violation(
                &rules::IRQL_TOO_HIGH,
                format!("{service} may wait, and is called at {}", self.irql()),
            );
        }
        let thread = self.thread();
        let objects = Rc::new(objects);
        let first = move |objects: &[Rc<Object>]| {
            let mut signaled = objects.iter().map(|object| object.is_signaled(thread));
            if all {
                signaled.all(|signaled| signaled).then_some(0)
            } else {
                signaled.position(|signaled| signaled)
            }
        };
        let waited = Rc::clone(&objects);
        let over = move |_: &Self| first(&waited).is_some();
        match limit {
            Some(0) => {}
            Some(due) => self.block_until_or(self.due_time(due), over),
            None => self.block_until(over),
        }
        let index = first(&objects)?;
        let satisfied = if all {
            0..objects.len()
        } else {
            index..index + 1
        };
        for object in &objects[satisfied] {
            object.satisfy(thread);
            self.acquires_at(object.place());
        }
        Some(index)
    }
}

/// KeWaitForSingleObject(Object, WaitReason, WaitMode, Alertable, Timeout)
fn single(kernel: &Kernel, call: &Call) -> NtStatus {
    let object = kernel.dispatcher_object(call.arg(0));
    match kernel.wait_for("KeWaitForSingleObject", vec![object], true, call.arg(4)) {
        Some(_) => STATUS_SUCCESS,
        None => STATUS_TIMEOUT,
    }
}

/// KeWaitForMultipleObjects(Count, Object[], WaitType, WaitReason, WaitMode, Alertable, Timeout,
/// WaitBlockArray)
fn multiple(kernel: &Kernel, call: &Call) -> NtStatus {
    /// `WaitAll`
    const ALL: u32 = 0;
    const NAME: &str = "KeWaitForMultipleObjects";
    let (count, array, blocks) = (call.arg32(0), call.arg(1), call.arg(7));
    let most = if blocks == 0 {
        THREAD_WAIT_OBJECTS
    } else {
        MAXIMUM_WAIT_OBJECTS
    };
    if count > most {
        kernel.violation(
            &rules::WAIT_OBJECTS,
            format!("{NAME} is to wait for {count} objects, and may for {most}"),
        );
    }
    let objects = (0..u64::from(count))
        .map(|index| kernel.dispatcher_object(kernel.memory.read(array + 8 * index)))
        .collect();
    match kernel.wait_for(NAME, objects, call.arg32(2) == ALL, call.arg(6)) {
        Some(index) => NtStatus(index as i32),
        None => STATUS_TIMEOUT,
    }
}

/// KeDelayExecutionThread(WaitMode, Alertable, Interval)
fn delay(kernel: &Kernel, call: &Call) -> NtStatus {
    let due = timeout(kernel, call.arg(2)).unwrap_or(0);
    let deadline = kernel.due_time(due);
    kernel.block_until_or(deadline, |_| false);
    STATUS_SUCCESS
}
