//! Exceptions that the kernel raises at the driver.

use kmdf_abi::ntstatus::{NtStatus, STATUS_ACCESS_VIOLATION, STATUS_DATATYPE_MISALIGNMENT};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::{Kernel, services};

services! {
    ExRaiseStatus <= HIGH => raise;
    ExRaiseAccessViolation <= HIGH => access_violation;
    ExRaiseDatatypeMisalignment <= HIGH => misalignment;
}

impl Kernel {
    /// Raises an exception in the driver: handlers of the driver's are not played.
    pub(crate) fn raise_status(&self, status: NtStatus) -> ! {
        if self.imported("__C_specific_handler").is_some() {
            self.unsupported(format!(
                "a handler of the driver's for the exception {status}"
            ));
        }
        self.violation(
            &rules::UNHANDLED_EXCEPTION,
            format!("the exception {status} is raised, and the driver has no handler"),
        )
    }
}

/// ExRaiseStatus(Status)
fn raise(kernel: &Kernel, call: &Call) {
    kernel.raise_status(NtStatus(call.arg32(0).cast_signed()))
}

fn access_violation(kernel: &Kernel, _: &Call) {
    kernel.raise_status(STATUS_ACCESS_VIOLATION)
}

fn misalignment(kernel: &Kernel, _: &Call) {
    kernel.raise_status(STATUS_DATATYPE_MISALIGNMENT)
}
