//! Memory of apps: checks before it is accessed, and the routines for plain memory of a driver that
//! handles exceptions. An address of an app's that nothing is behind raises one.

use kmdf_abi::ntstatus::STATUS_DATATYPE_MISALIGNMENT;
use kmdf_machine::{PAGE, cpu::stub::Call};

use crate::{Kernel, services};

services! {
    ProbeForRead <= APC => probe_for_read;
    ProbeForWrite <= APC => probe_for_write;
    memcpy <= HIGH => copy;
    memmove <= HIGH => copy;
    RtlCopyMemory <= HIGH => copy;
    RtlMoveMemory <= HIGH => copy;
    memset <= HIGH => set;
    RtlFillMemory <= HIGH => fill;
    RtlZeroMemory <= HIGH => zero;
    memcmp <= HIGH => compare;
}

impl Kernel {
    /// Whether bytes can be accessed for the driver. If not, an exception was raised in the caller.
    fn touches(&self, call: &Call, address: u64, bytes: u64, is_write: bool) -> bool {
        let Some(last) = bytes.checked_sub(1) else {
            return true;
        };
        let hole = [address, address.wrapping_add(last)]
            .into_iter()
            .find(|address| self.is_user_hole(*address));
        match hole {
            Some(hole) if self.irql() < kmdf_machine::Irql::DISPATCH => {
                self.raise_fault(call, hole, is_write);
                false
            }
            _ => true,
        }
    }

    /// Whether an app could have these addresses.
    pub(crate) fn is_user_range(&self, address: u64, bytes: u64) -> bool {
        let Some(last) = address.checked_add(bytes.saturating_sub(1)) else {
            return false;
        };
        self.memory.is_of_app(address, bytes)
            || self.is_user_hole(address) && self.is_user_hole(last)
    }
}

/// ProbeForRead(Address, Length, Alignment): whether the addresses are an app's. Nothing is read.
fn probe_for_read(kernel: &Kernel, call: &Call) {
    let (address, bytes) = (call.arg(0), call.arg(1));
    if bytes == 0 || !aligned(kernel, call) {
        return;
    }
    if !kernel.is_user_range(address, bytes) {
        kernel.raise_status(call, kmdf_abi::ntstatus::STATUS_ACCESS_VIOLATION);
    }
}

/// ProbeForWrite(Address, Length, Alignment): every page is written to.
fn probe_for_write(kernel: &Kernel, call: &Call) {
    let (address, bytes) = (call.arg(0), call.arg(1));
    if bytes == 0 || !aligned(kernel, call) {
        return;
    }
    if kernel.memory.is_of_app(address, bytes) {
        return;
    }
    if !kernel.is_user_range(address, bytes) {
        return kernel.raise_status(call, kmdf_abi::ntstatus::STATUS_ACCESS_VIOLATION);
    }
    kernel.raise_fault(call, address / PAGE * PAGE, true);
}

/// Whether an address has the alignment that is asked for; if not, an exception was raised.
fn aligned(kernel: &Kernel, call: &Call) -> bool {
    let alignment = u64::from(call.arg32(2)).max(1);
    let is_aligned = call.arg(0).is_multiple_of(alignment);
    if !is_aligned {
        kernel.raise_status(call, STATUS_DATATYPE_MISALIGNMENT);
    }
    is_aligned
}

/// memcpy(Destination, Source, Length), and memmove
fn copy(kernel: &Kernel, call: &Call) -> u64 {
    let (to, from, bytes) = (call.arg(0), call.arg(1), call.arg(2));
    if kernel.touches(call, from, bytes, false) && kernel.touches(call, to, bytes, true) {
        let copied = kernel.memory.read_bytes(from, bytes as usize);
        kernel.memory.write_bytes(to, &copied);
    }
    to
}

/// memset(Destination, Value, Length)
fn set(kernel: &Kernel, call: &Call) -> u64 {
    write(kernel, call, call.arg8(1), call.arg(2));
    call.arg(0)
}

/// RtlFillMemory(Destination, Length, Value)
fn fill(kernel: &Kernel, call: &Call) {
    write(kernel, call, call.arg8(2), call.arg(1));
}

/// RtlZeroMemory(Destination, Length)
fn zero(kernel: &Kernel, call: &Call) {
    write(kernel, call, 0, call.arg(1));
}

fn write(kernel: &Kernel, call: &Call, value: u8, bytes: u64) {
    if kernel.touches(call, call.arg(0), bytes, true) {
        let bytes = vec![value; bytes as usize];
        kernel.memory.write_bytes(call.arg(0), &bytes);
    }
}

/// memcmp(Left, Right, Length)
fn compare(kernel: &Kernel, call: &Call) -> u32 {
    let (left, right, bytes) = (call.arg(0), call.arg(1), call.arg(2));
    if !kernel.touches(call, left, bytes, false) || !kernel.touches(call, right, bytes, false) {
        return 0;
    }
    let [left, right] =
        [left, right].map(|address| kernel.memory.read_bytes(address, bytes as usize));
    (left.cmp(&right) as i32).cast_unsigned()
}
