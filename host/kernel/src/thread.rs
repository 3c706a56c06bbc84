//! Threads that the driver starts.

use std::cell::Cell;

use kmdf_abi::ntstatus::{NtStatus, STATUS_SUCCESS};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::{Kernel, dispatcher::Object, handle::Kind, services};

/// The priority that a system thread begins with.
const NORMAL_PRIORITY: i32 = 8;

services! {
    PsCreateSystemThread <= PASSIVE => create;
    PsTerminateSystemThread <= PASSIVE => terminate;
    KeSetPriorityThread <= PASSIVE => set_priority;
    KeQueryPriorityThread <= DISPATCH => priority;
    KeGetCurrentThread <= HIGH => current;
    PsGetCurrentThread <= HIGH => current;
    IoIs32bitProcess <= APC => is_of_32_bits;
}

/// IoIs32bitProcess(Irp): no app is here.
fn is_of_32_bits(_: &Kernel, _: &Call) -> bool {
    false
}

/// PsCreateSystemThread(ThreadHandle, DesiredAccess, ObjectAttributes, ProcessHandle, ClientId, StartRoutine,
/// StartContext)
fn create(kernel: &Kernel, call: &Call) -> NtStatus {
    let (routine, context) = (call.arg(5), call.arg(6));
    let address = kernel.memory.new_handle();
    let thread = kernel.objects().dispatcher.add(
        address,
        Object::Thread {
            flow: Cell::new(None),
            ended: Cell::new(false),
            priority: Cell::new(NORMAL_PRIORITY),
            site: Some(kernel.call_site()),
        },
    );
    let handle = kernel.new_object(address, Kind::Thread);
    kernel.memory.write(call.arg(0), &handle);
    kernel.releases_at(thread.place());
    kernel.spawn("system thread", move |kernel: &Kernel| {
        kernel.acquires_at(thread.place());
        if let Object::Thread { flow, .. } = &*thread {
            flow.set(Some(kernel.thread()));
        }
        kernel.call_driver("StartRoutine", address, routine, &[context]);
        end(kernel, &thread);
    });
    STATUS_SUCCESS
}

fn end(kernel: &Kernel, thread: &Object) {
    kernel.releases_at(thread.place());
    if let Object::Thread { ended, .. } = thread {
        ended.set(true);
    }
}

/// PsTerminateSystemThread(ExitStatus): it does not return.
fn terminate(kernel: &Kernel, _: &Call) -> NtStatus {
    match kernel.objects().dispatcher.thread(kernel.thread()) {
        Some((_, thread)) if thread.is_drivers() => {
            end(kernel, &thread);
            kernel.end_thread()
        }
        _ => kernel.violation(
            &rules::SYSTEM_THREAD,
            "PsTerminateSystemThread is called in a thread that the driver has not created",
        ),
    }
}

/// KeGetCurrentThread(): a thread of the system's or of an app's is one that the driver has not created.
fn current(kernel: &Kernel, _: &Call) -> u64 {
    let (dispatcher, flow) = (&kernel.objects().dispatcher, kernel.thread());
    if let Some((address, _)) = dispatcher.thread(flow) {
        return address;
    }
    let address = kernel.memory.new_handle();
    let thread = Object::Thread {
        flow: Cell::new(Some(flow)),
        ended: Cell::new(false),
        priority: Cell::new(NORMAL_PRIORITY),
        site: None,
    };
    dispatcher.add(address, thread);
    address
}

/// KeSetPriorityThread(Thread, Priority): the priority before. It is not played: who runs next is for the
/// schedule to say, and a driver may not rely on it.
fn set_priority(kernel: &Kernel, call: &Call) -> u32 {
    match kernel.objects().dispatcher.get(call.arg(0)).as_deref() {
        Some(Object::Thread { priority, .. }) => priority
            .replace(call.arg32(1).cast_signed())
            .cast_unsigned(),
        _ => kernel.no_object(call.arg(0), "thread"),
    }
}

fn priority(kernel: &Kernel, call: &Call) -> u32 {
    match kernel.objects().dispatcher.get(call.arg(0)).as_deref() {
        Some(Object::Thread { priority, .. }) => priority.get().cast_unsigned(),
        _ => kernel.no_object(call.arg(0), "thread"),
    }
}
