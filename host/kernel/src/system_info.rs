//! What the system says of itself.

use kmdf_abi::ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_INFO_CLASS};
use kmdf_machine::cpu::stub::Call;

use crate::{Kernel, services};

services! {
    ZwQuerySystemInformation <= PASSIVE => query;
}

/// ZwQuerySystemInformation(SystemInformationClass, SystemInformation, SystemInformationLength, ReturnLength):
/// of the classes that are documented what is said of them; the rest of their structures is opaque, and zero.
fn query(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    /// `SystemBasicInformation`, its length, and where NumberOfProcessors is in it.
    const BASIC: u32 = 0;
    const BASIC_BYTES: usize = 64;
    const PROCESSORS: usize = 56;
    /// `SystemPerformanceInformation`
    const PERFORMANCE: u32 = 2;
    const PERFORMANCE_BYTES: usize = 312;
    let mut bytes = match call.arg32(0) {
        BASIC => vec![0; BASIC_BYTES],
        PERFORMANCE => vec![0; PERFORMANCE_BYTES],
        _ => return Err(STATUS_INVALID_INFO_CLASS),
    };
    if call.arg32(0) == BASIC {
        bytes[PROCESSORS] = kernel.scheduler.processors().len() as u8;
    }
    if call.arg(3) != 0 {
        kernel.memory.write(call.arg(3), &(bytes.len() as u32));
    }
    if (call.arg32(2) as usize) < bytes.len() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    kernel.memory.write_bytes(call.arg(1), &bytes);
    Ok(())
}
