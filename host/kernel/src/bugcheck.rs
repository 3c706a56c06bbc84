//! The end of the system by a driver's own will, and what drivers have called then.

use std::cell::RefCell;

use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, services};

/// What the driver has registered for a bug check.
#[derive(Default)]
pub(crate) struct BugCheckCallbacks {
    callbacks: RefCell<Vec<Callback>>,
}

/// One callback.
#[derive(Clone, Copy)]
struct Callback {
    /// The address of its record.
    record: u64,
    routine: u64,
    kind: Kind,
    /// Where driver code was when it was registered.
    site: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    /// KeRegisterBugCheckCallback, with its buffer and the length of that.
    Plain(u64, u64),
    /// KeRegisterBugCheckReasonCallback, with its reason.
    Reason(u32),
}

impl BugCheckCallbacks {
    /// Where those were registered that still are.
    pub(crate) fn sites(&self) -> Vec<u64> {
        let callbacks = self.callbacks.borrow();
        callbacks.iter().map(|callback| callback.site).collect()
    }

    fn add(&self, callback: Callback) -> bool {
        let mut callbacks = self.callbacks.borrow_mut();
        if callbacks
            .iter()
            .any(|other| other.record == callback.record)
        {
            return false;
        }
        callbacks.push(callback);
        true
    }

    fn remove(&self, record: u64) -> bool {
        let mut callbacks = self.callbacks.borrow_mut();
        let before = callbacks.len();
        callbacks.retain(|callback| callback.record != record);
        callbacks.len() < before
    }
}

services! {
    KeBugCheck <= HIGH => bug_check;
    KeBugCheckEx <= HIGH => bug_check_ex;
    KeRegisterBugCheckCallback <= HIGH => register;
    KeDeregisterBugCheckCallback <= HIGH => deregister;
    KeRegisterBugCheckReasonCallback <= HIGH => register_reason;
    KeDeregisterBugCheckReasonCallback <= HIGH => deregister;
}

/// KeBugCheck(BugCheckCode)
fn bug_check(kernel: &Kernel, call: &Call) {
    end(kernel, call.arg32(0), [0; 4]);
}

/// KeBugCheckEx(BugCheckCode, BugCheckParameter1, …)
fn bug_check_ex(kernel: &Kernel, call: &Call) {
    end(
        kernel,
        call.arg32(0),
        [1, 2, 3, 4].map(|index| call.arg(index)),
    );
}

/// Calls what is to be called, and ends the run.
fn end(kernel: &Kernel, code: u32, [first, second, third, fourth]: [u64; 4]) -> ! {
    let callbacks = kernel.objects().bug_checks.callbacks.take();
    kernel.raise_irql(Irql::HIGH);
    for callback in callbacks {
        call_back(kernel, callback);
    }
    kernel.violation(
        &rules::KE_BUG_CHECK,
        format!(
            "the driver ends the system: code {code:#x}, parameters {first:#x}, {second:#x}, {third:#x}, \
             {fourth:#x}"
        ),
    )
}

/// Calls one: what writes a dump is told that it is complete, for no dump is written.
fn call_back(kernel: &Kernel, callback: Callback) {
    /// `KbCallbackDumpIo`
    const DUMP_IO: u32 = 3;
    /// KBUGCHECK_DUMP_IO: its size, and its Type with `KbDumpIoComplete`.
    const DUMP_IO_BYTES: u64 = 32;
    const TYPE: u64 = 20;
    const COMPLETE: u32 = 4;
    let Callback {
        record,
        routine,
        kind,
        ..
    } = callback;
    match kind {
        Kind::Plain(buffer, length) => {
            kernel.call_driver("BugCheckCallback", record, routine, &[buffer, length]);
        }
        Kind::Reason(reason) if reason == DUMP_IO => {
            let data = kernel.lend("KBUGCHECK_DUMP_IO", DUMP_IO_BYTES);
            kernel.memory.write(data + TYPE, &COMPLETE);
            let arguments = [reason.into(), record, data, DUMP_IO_BYTES];
            kernel.call_driver("BugCheckReasonCallback", record, routine, &arguments);
        }
        // Reasons that concern a dump's contents.
        Kind::Reason(_) => {}
    }
}

/// KeRegisterBugCheckCallback(CallbackRecord, CallbackRoutine, Buffer, Length, Component): FALSE when the
/// record is in use.
fn register(kernel: &Kernel, call: &Call) -> bool {
    let kind = Kind::Plain(call.arg(2), call.arg32(3).into());
    add(kernel, call, kind)
}

/// KeRegisterBugCheckReasonCallback(CallbackRecord, CallbackRoutine, Reason, Component)
fn register_reason(kernel: &Kernel, call: &Call) -> bool {
    add(kernel, call, Kind::Reason(call.arg32(2)))
}

fn add(kernel: &Kernel, call: &Call, kind: Kind) -> bool {
    kernel.objects().bug_checks.add(Callback {
        record: call.arg(0),
        routine: call.arg(1),
        kind,
        site: kernel.call_site(),
    })
}

/// KeDeregisterBugCheckCallback(CallbackRecord): FALSE when it is not registered.
fn deregister(kernel: &Kernel, call: &Call) -> bool {
    kernel.objects().bug_checks.remove(call.arg(0))
}
