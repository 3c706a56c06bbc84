//! How an IRP is completed: up through its stack locations, whose completion routines are called.

use kmdf_abi::ntstatus::{NtStatus, STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING};

use super::{
    CANCEL, COMPLETION_ROUTINE, CONTEXT, CONTROL, CURRENT_LOCATION, DEVICE_OBJECT, INFORMATION,
    INVOKE_ON_CANCEL, INVOKE_ON_ERROR, INVOKE_ON_SUCCESS, PENDING, PENDING_RETURNED, STACK_COUNT,
    STATUS, SYSTEM_BUFFER, Synchronous,
};
use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::host::Host;

/// IofCompleteRequest(Irp, PriorityBoost)
pub(super) fn complete(host: &Host, call: &Call) {
    let irp = call.arg(0);
    if let Some(request) = host.request_of_irp(irp) {
        let status = NtStatus(host.memory.read(irp + STATUS));
        let information = host.memory.read(irp + INFORMATION);
        return host.complete_request_irp(request, status, information);
    }
    host.require_irp(irp, "IoCompleteRequest");
    host.complete_irp(irp);
}

impl Host {
    /// The driver below is done with an IRP.
    pub(super) fn finish_below(&self, irp: u64, status: NtStatus, information: u64) {
        self.memory.write(irp + STATUS, &status.0);
        self.memory.write(irp + INFORMATION, &information);
        self.complete_irp(irp);
    }

    /// Takes an IRP up to who made it, or to the completion routine that keeps it.
    fn complete_irp(&self, irp: u64) {
        let status = NtStatus(self.memory.read::<i32>(irp + STATUS));
        if status == STATUS_PENDING {
            self.violation(&rules::IRP, "an IRP is completed with STATUS_PENDING");
        }
        let stack: i8 = self.memory.read(irp + STACK_COUNT);
        while self.memory.read::<i8>(irp + CURRENT_LOCATION) <= stack {
            let location = self.location(irp);
            let control: u8 = self.memory.read(location + CONTROL);
            let pending = control & PENDING;
            self.memory.write(irp + PENDING_RETURNED, &pending);
            self.move_location(irp, 1);
            if self.is_invoked(irp, control) {
                let routine: u64 = self.memory.read(location + COMPLETION_ROUTINE);
                let context: u64 = self.memory.read(location + CONTEXT);
                let is_last = self.memory.read::<i8>(irp + CURRENT_LOCATION) > stack;
                let device: u64 = if is_last {
                    0
                } else {
                    self.memory.read(self.location(irp) + DEVICE_OBJECT)
                };
                let value = self.call_driver(
                    "IoCompletionRoutine",
                    device,
                    routine,
                    &[device, irp, context],
                );
                if NtStatus(value as u32 as i32) == STATUS_MORE_PROCESSING_REQUIRED {
                    return;
                }
            } else if pending != 0 && self.memory.read::<i8>(irp + CURRENT_LOCATION) <= stack {
                self.mark_pending(irp);
            }
        }
        self.end_irp(irp);
    }

    /// Whether the completion routine of a location with these bits is called.
    fn is_invoked(&self, irp: u64, control: u8) -> bool {
        let status = NtStatus(self.memory.read::<i32>(irp + STATUS));
        let canceled = self.memory.read::<u8>(irp + CANCEL) != 0;
        let wanted = if status.is_success() {
            INVOKE_ON_SUCCESS
        } else {
            INVOKE_ON_ERROR
        };
        control & wanted != 0 || canceled && control & INVOKE_ON_CANCEL != 0
    }

    /// An IRP is complete, and no completion routine has kept it.
    fn end_irp(&self, irp: u64) {
        let Some(synchronous) = self.known_irp(irp).synchronous else {
            self.violation(
                &rules::IRP,
                "an IRP of IoAllocateIrp is complete, and no completion routine has kept it with \
                 STATUS_MORE_PROCESSING_REQUIRED",
            )
        };
        let Synchronous {
            result,
            event,
            output,
            output_length,
        } = synchronous;
        let status: i32 = self.memory.read(irp + STATUS);
        let information: u64 = self.memory.read(irp + INFORMATION);
        let system: u64 = self.memory.read(irp + SYSTEM_BUFFER);
        if system != 0 {
            if output != 0 && !NtStatus(status).is_error() {
                let length = information.min(output_length) as usize;
                let bytes = self.memory.read_bytes(system, length);
                self.memory.write_bytes(output, &bytes);
            }
            // It is the I/O manager's own.
            let _ = self.memory.free(system);
        }
        self.memory.write(result, &status);
        self.memory.write(result + 8, &information);
        self.forget_irp(irp);
        if event != 0 {
            self.set_event_at(event);
        }
    }
}
