//! Exceptions that the kernel raises at the driver, and the handler that compilers of C name for their
//! `__try` blocks.

use kmdf_abi::ntstatus::{NtStatus, STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT};
use kmdf_machine::{
    cpu::stub::Call,
    exception::{
        CONTINUE_EXECUTION, CONTINUE_SEARCH, DispatcherContext, Exception, ExceptionRecord,
        TARGET_UNWIND, UNWINDING,
    },
};
use kmdf_rules::{Rule, rules};

use crate::{Kernel, services};

/// The address of a filter that always wants the exception: no code, but this number.
const EXECUTE_HANDLER: u32 = 1;

services! {
    ExRaiseStatus <= HIGH => raise;
    ExRaiseAccessViolation <= HIGH => access_violation;
    ExRaiseDatatypeMisalignment <= HIGH => misalignment;
    __C_specific_handler <= HIGH => c_specific_handler;
}

impl Kernel {
    /// Raises an exception in the code that called a service. The service returns after that: if a handler
    /// of the driver's takes the exception, its caller goes on there.
    pub(crate) fn raise_status(&self, call: &Call, status: NtStatus) {
        let text =
            format!("the exception {status} is raised, and no handler of the driver's takes it");
        let exception = Exception::raised(status);
        self.raise_or_end(call, &exception, &rules::UNHANDLED_EXCEPTION, text);
    }

    /// As [`Self::raise_status`], for an access of the kernel's on the driver's behalf.
    pub(crate) fn raise_fault(&self, call: &Call, address: u64, is_write: bool) {
        let text = format!(
            "the driver accesses {address:#x}: {}",
            self.memory.describe(address)
        );
        let exception = Exception::access_violation(address, is_write);
        self.raise_or_end(call, &exception, &rules::ACCESS_VIOLATION, text);
    }

    fn raise_or_end(&self, call: &Call, exception: &Exception, rule: &'static Rule, text: String) {
        if !self.raise(call, exception) {
            self.violation(rule, text);
        }
    }
}

/// ExRaiseStatus(Status)
fn raise(kernel: &Kernel, call: &Call) {
    kernel.raise_status(call, NtStatus(call.arg32(0).cast_signed()));
}

fn access_violation(kernel: &Kernel, call: &Call) {
    kernel.raise_status(call, STATUS_ACCESS_VIOLATION);
}

fn misalignment(kernel: &Kernel, call: &Call) {
    kernel.raise_status(call, STATUS_DATATYPE_MISALIGNMENT);
}

/// One `__try` of a function: an entry of the table that the compiler made.
#[derive(Clone, Copy)]
struct Scope {
    begin: u32,
    end: u32,
    /// The filter, or the termination handler.
    handler: u32,
    /// The `__except` block; 0 for a `__finally`.
    target: u32,
}

/// __C_specific_handler(ExceptionRecord, EstablisherFrame, ContextRecord, DispatcherContext)
fn c_specific_handler(kernel: &Kernel, call: &Call) -> u32 {
    let [record, frame, context, dispatcher] = [0, 1, 2, 3].map(|index| call.arg(index));
    let exception: ExceptionRecord = kernel.memory.read(record);
    let mut about: DispatcherContext = kernel.memory.read(dispatcher);
    let is_left = exception.flags & UNWINDING != 0;
    let is_target = exception.flags & TARGET_UNWIND != 0;
    let relative = |address: u64| u32::try_from(address.wrapping_sub(about.image_base)).ok();
    let (Some(at), target) = (relative(about.control_pc), relative(about.target)) else {
        return CONTINUE_SEARCH;
    };
    let scopes: u32 = kernel.memory.read(about.handler_data);
    for index in about.scope..scopes {
        let scope = scope(kernel, about.handler_data, index);
        if !(scope.begin..scope.end).contains(&at) {
            continue;
        }
        let handler = about.image_base + u64::from(scope.handler);
        match (is_left, scope.target) {
            (true, 0) => {
                // A block around the handler itself is not left.
                if is_target && target.is_some_and(|at| (scope.begin..scope.end).contains(&at)) {
                    break;
                }
                about.scope = index + 1;
                kernel.memory.write(dispatcher, &about);
                kernel.call_handler(handler, &[1, frame]);
            }
            (true, handler) => {
                if is_target && target == Some(handler) {
                    break;
                }
            }
            (false, 0) => {}
            (false, block) => {
                let pointers = kernel.lend("EXCEPTION_POINTERS", 16);
                kernel.memory.write(pointers, &[record, context]);
                let answer = if scope.handler == EXECUTE_HANDLER {
                    1
                } else {
                    kernel.call_handler(handler, &[pointers, frame]) as i32
                };
                if let Err(text) = kernel.memory.free(pointers) {
                    kernel.violation(&rules::BUFFER_OVERRUN, text);
                }
                if answer < 0 {
                    return CONTINUE_EXECUTION;
                }
                if answer > 0 {
                    about.target = about.image_base + u64::from(block);
                    kernel.memory.write(dispatcher, &about);
                    break;
                }
            }
        }
    }
    CONTINUE_SEARCH
}

/// An entry of the table at `data`, which begins with their number.
fn scope(kernel: &Kernel, data: u64, index: u32) -> Scope {
    const BYTES: u64 = 16;
    let [begin, end, handler, target] = kernel.memory.read(data + 4 + BYTES * u64::from(index));
    Scope {
        begin,
        end,
        handler,
        target,
    }
}
