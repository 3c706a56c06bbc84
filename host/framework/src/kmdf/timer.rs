//! Timers: one-shot and periodic, at DISPATCH_LEVEL and at PASSIVE_LEVEL.

use std::{
    cell::{Cell, OnceCell},
    rc::{Rc, Weak},
    time::Duration,
};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_DEVICE_REQUEST,
        STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED,
    },
    types::WDF_TIMER_CONFIG,
};
use kmdf_bus::time::VirtualTime;
use kmdf_kernel::Deferred;
use kmdf_machine::{Alarm, Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{attributes::Allowed, object::Body, work_item::Work};
use crate::host::{Host, services};

/// Sizes of WDF_TIMER_CONFIG before KMDF 1.11 and 1.13.
const OLDER_SIZES: [usize; 2] = [24, 32];
/// The longest period, in milliseconds.
const LONGEST: u32 = i32::MAX as u32;

/// WDFTIMER
pub(crate) struct Timer {
    handle: u64,
    parent: u64,
    period: Option<Duration>,
    alarm: Cell<Option<Alarm>>,
    /// How the callback is reached: from a DPC, or from a thread that the DPC starts.
    expire: OnceCell<Expire>,
    me: OnceCell<Weak<Self>>,
}

enum Expire {
    Dispatch(Deferred),
    Passive(Rc<Work>),
}

impl Body for Timer {
    const KIND: &'static str = "WDFTIMER";

    fn dispose(&self, host: &Host) {
        self.check_is_not_running(host, "it is deleted in its own callback");
        self.stop(host, host.irql() == Irql::PASSIVE);
    }
}

impl Timer {
    fn start(&self, host: &Host, due: VirtualTime) -> bool {
        match self.expire.get() {
            Some(Expire::Dispatch(deferred)) => deferred.follows(host),
            Some(Expire::Passive(work)) => work.follows(host),
            None => {}
        }
        let was_set = self.disarm(host);
        let me = self.me.get().cloned().unwrap_or_default();
        let alarm = host.at(due, move |host| {
            if let Some(timer) = me.upgrade() {
                timer.expired(host, due);
            }
        });
        self.alarm.set(Some(alarm));
        was_set
    }

    fn expired(&self, host: &Host, due: VirtualTime) {
        self.alarm.set(None);
        if let Some(period) = self.period {
            self.start(host, due + period);
        }
        match self.expire.get().expect("set when it was created") {
            Expire::Dispatch(deferred) => deferred.enqueue(host),
            Expire::Passive(work) => work.enqueue(host),
        };
    }

    fn disarm(&self, host: &Host) -> bool {
        self.alarm
            .take()
            .is_some_and(|alarm| host.cancel_alarm(alarm))
    }

    /// Stops it; `true` when it was set. What has expired is not taken back: its callback is called
    /// all the same, which is what is waited for.
    fn stop(&self, host: &Host, wait: bool) -> bool {
        let was_set = self.disarm(host);
        match self.expire.get() {
            Some(Expire::Dispatch(deferred)) if wait => deferred.flush(host),
            Some(Expire::Passive(work)) if wait => work.flush(host),
            _ => {}
        }
        was_set
    }

    /// Checks that who waits for the timer's end is not its callback.
    fn check_is_not_running(&self, host: &Host, why: &str) {
        if host.runs_callback("EvtTimerFunc", self.handle) {
            host.violation(
                &rules::TIMER_DEADLOCK,
                format!("a timer waits for itself: {why}"),
            );
        }
    }
}

services! {
    WdfTimerCreate <= DISPATCH => create;
    WdfTimerStart <= DISPATCH => start;
    WdfTimerStop <= DISPATCH => stop;
    WdfTimerGetParentObject <= DISPATCH => parent;
}

/// WdfTimerCreate(Config, Attributes, Timer)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let parent = host.required_parent(call.arg(1))?;
    let size: u32 = host.memory.read(call.arg(0));
    let known = size_of::<WDF_TIMER_CONFIG>();
    if size as usize != known && !OLDER_SIZES.contains(&(size as usize)) {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let callback: u64 = host.memory.read(call.arg(0) + 8);
    let period: u32 = host.memory.read(call.arg(0) + 16);
    let automatic = host.memory.read::<u8>(call.arg(0) + 20) != 0;
    if period > LONGEST {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if size as usize == known {
        let config: WDF_TIMER_CONFIG = host.memory.read(call.arg(0));
        if config.TolerableDelay > 0 && config.UseHighResolutionTimer != 0 {
            return Err(STATUS_INVALID_PARAMETER);
        }
    }
    let attributes = host.attributes_with(call.arg(1), Allowed::LEVEL)?;
    let passive = attributes.execution_level == 2;
    if passive && period > 0 {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let parent = host.parent_object(parent)?;
    if host.device_above(&parent).is_none() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let lock = host.effective_lock(&parent, automatic, passive)?;
    let (object, body) = host.create_object(Some(&parent), &attributes, |handle| Timer {
        handle,
        parent: parent.handle,
        period: (period > 0).then(|| Duration::from_millis(period.into())),
        alarm: Cell::new(None),
        expire: OnceCell::new(),
        me: OnceCell::new(),
    });
    let _ = body.me.set(Rc::downgrade(&body));
    let handle = object.handle;
    let run = move |host: &Host| {
        lock.hold(host, || {
            if callback != 0 {
                host.call_driver("EvtTimerFunc", handle, callback, &[handle]);
            }
        });
    };
    let expire = if passive {
        Expire::Passive(Rc::new(Work::new("timer", run)))
    } else {
        Expire::Dispatch(Deferred::new(format!("WDFTIMER {handle:#x}"), run))
    };
    let _ = body.expire.set(expire);
    host.memory.write(call.arg(2), &handle);
    Ok(())
}

/// WdfTimerStart(Timer, DueTime): TRUE when it was set already.
fn start(host: &Host, call: &Call) -> bool {
    let timer = host.body::<Timer>(call.arg(0));
    let due = host.due_time(call.arg(1).cast_signed());
    timer.start(host, due)
}

/// WdfTimerStop(Timer, Wait): TRUE when it was set.
fn stop(host: &Host, call: &Call) -> bool {
    let timer = host.body::<Timer>(call.arg(0));
    let wait = call.flag(1);
    if wait && host.irql() > Irql::PASSIVE {
        host.violation(
            &rules::KMDF_IRQL,
            format!("WdfTimerStop waits, and is called at {}", host.irql()),
        );
    }
    if wait {
        timer.check_is_not_running(
            host,
            "WdfTimerStop with Wait is called from its own callback",
        );
    }
    timer.stop(host, wait)
}

fn parent(host: &Host, call: &Call) -> u64 {
    host.body::<Timer>(call.arg(0)).parent
}
