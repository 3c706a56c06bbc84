//! What a driver gives an app: bytes that it has written.

use kmdf_abi::ntstatus::NtStatus;
use kmdf_rules::rules;

use crate::{
    host::Host,
    io::{Irp, Major},
    kmdf::request::Request,
};

/// `METHOD_BUFFERED` and `METHOD_IN_DIRECT`
const BUFFERED: u32 = 0;
const IN_DIRECT: u32 = 1;

/// How many of the first bytes of a request's output are the app's own, if it has an output: in
/// buffered I/O its input lies in the same buffer, and with METHOD_IN_DIRECT all of it is input.
fn given_by_app(irp: &Irp) -> Option<u64> {
    match (irp.major, irp.method()) {
        (Major::DeviceControl | Major::InternalControl, BUFFERED) => Some(irp.input.len() as u64),
        (Major::DeviceControl | Major::InternalControl, IN_DIRECT)
        | (Major::Write | Major::Create, _) => None,
        (Major::Read | Major::DeviceControl | Major::InternalControl, _) => Some(0),
    }
}

impl Host {
    /// Checks that the bytes with which the driver completes a request are not what memory held before:
    /// the I/O manager copies them, and so what others have left there reaches the app.
    pub(crate) fn check_output(&self, request: &Request, status: NtStatus, information: u64) {
        // What the driver below has written, or not, is not this driver's matter.
        let is_to_app = !request.irp.of_kernel && !request.was_sent();
        if !self.checks_all() || status.is_error() || !is_to_app {
            return;
        }
        let Some(given) = given_by_app(&request.irp) else {
            return;
        };
        let bytes = information.min(request.irp.output_length as u64);
        if bytes <= given {
            return;
        }
        let unwritten = match request.output_address() {
            Some(address) => self.memory.first_unwritten(address, given, bytes),
            None => Some((given, bytes)),
        };
        if let Some((from, to)) = unwritten {
            self.violation(
                &rules::OUTPUT_NOT_WRITTEN,
                format!(
                    "a request is completed with {bytes} bytes, and bytes {from} to {} were not \
                     written: the app is given what memory held before",
                    to - 1
                ),
            );
        }
    }
}
