//! Interlocked lists and look-aside lists, which lie in the driver's memory.

use kmdf_machine::cpu::stub::Call;

use crate::{Kernel, services};

services! {
    InitializeSListHead <= HIGH => initialize;
    ExQueryDepthSList <= HIGH => depth;
    ExpInterlockedPopEntrySList <= HIGH => pop;
    ExpInterlockedPushEntrySList <= HIGH => push;
    ExpInterlockedFlushSList <= HIGH => flush;
    ExInitializeNPagedLookasideList <= DISPATCH => initialize_nonpaged;
    ExInitializePagedLookasideList <= APC => initialize_paged;
    ExInitializeLookasideListEx <= DISPATCH => initialize_ex;
    ExDeleteNPagedLookasideList <= DISPATCH => delete;
    ExDeletePagedLookasideList <= APC => delete;
    ExDeleteLookasideListEx <= DISPATCH => delete;
}

/// SLIST_HEADER on x64: how many entries there are, in the low bits of a number that changes with each
/// operation; the first entry, without its low four bits.
const NEXT: u64 = 8;
/// Members of GENERAL_LOOKASIDE, at which the inline functions of the headers look. Its depth is 0: no entry
/// is kept, so that each is memory of its own while it is used, and no memory afterwards.
const LOOKASIDE_BYTES: usize = 96;
const POOL_TYPE: u64 = 36;
const TAG: u64 = 40;
const SIZE: u64 = 44;
const ALLOCATE: u64 = 48;
const FREE: u64 = 56;

/// `NonPagedPool`, `PagedPool`
const NON_PAGED: u32 = 0;
const PAGED: u32 = 1;

fn initialize(kernel: &Kernel, call: &Call) {
    kernel.memory.write(call.arg(0), &[0_u64; 2]);
}

fn depth(kernel: &Kernel, call: &Call) -> u32 {
    kernel.memory.read::<u16>(call.arg(0)).into()
}

/// How many entries the list has from now on, and the first of them.
fn set(kernel: &Kernel, head: u64, count: u16, first: u64) {
    let state: u64 = kernel.memory.read(head);
    let sequence = (state >> 16).wrapping_add(1) << 16;
    kernel.memory.write(head, &(sequence | u64::from(count)));
    let low: u64 = kernel.memory.read::<u64>(head + NEXT) & 0xF;
    kernel.memory.write(head + NEXT, &(first | low));
}

fn first(kernel: &Kernel, head: u64) -> u64 {
    kernel.memory.read::<u64>(head + NEXT) & !0xF
}

/// ExpInterlockedPopEntrySList(ListHead): NULL from an empty list.
fn pop(kernel: &Kernel, call: &Call) -> u64 {
    let head = call.arg(0);
    kernel.acquires_at(head);
    let entry = first(kernel, head);
    if entry != 0 {
        let count: u16 = kernel.memory.read(head);
        set(kernel, head, count - 1, kernel.memory.read(entry));
    }
    entry
}

/// ExpInterlockedPushEntrySList(ListHead, ListEntry): what was first before.
fn push(kernel: &Kernel, call: &Call) -> u64 {
    let (head, entry) = (call.arg(0), call.arg(1));
    kernel.acquires_at(head);
    kernel.releases_at(head);
    let before = first(kernel, head);
    let count: u16 = kernel.memory.read(head);
    kernel.memory.write(entry, &before);
    set(kernel, head, count.wrapping_add(1), entry);
    before
}

/// ExpInterlockedFlushSList(ListHead): all entries, linked.
fn flush(kernel: &Kernel, call: &Call) -> u64 {
    kernel.acquires_at(call.arg(0));
    let before = first(kernel, call.arg(0));
    set(kernel, call.arg(0), 0, 0);
    before
}

/// ExInitializeNPagedLookasideList(Lookaside, Allocate, Free, Flags, Size, Tag, Depth)
fn initialize_nonpaged(kernel: &Kernel, call: &Call) {
    lay_out(kernel, call, NON_PAGED, [4, 5]);
}

fn initialize_paged(kernel: &Kernel, call: &Call) {
    lay_out(kernel, call, PAGED, [4, 5]);
}

/// ExInitializeLookasideListEx(Lookaside, Allocate, Free, PoolType, Flags, Size, Tag, Depth)
fn initialize_ex(kernel: &Kernel, call: &Call) -> u32 {
    lay_out(kernel, call, call.arg32(3), [5, 6]);
    0
}

/// Writes a look-aside list; size and tag are arguments with these numbers.
fn lay_out(kernel: &Kernel, call: &Call, pool_type: u32, [size, tag]: [usize; 2]) {
    let routine = |index, default| match call.arg(index) {
        0 => kernel.routine(default).unwrap_or(0),
        own => own,
    };
    let list = call.arg(0);
    kernel.memory.write_bytes(list, &[0; LOOKASIDE_BYTES]);
    kernel.memory.write(list + POOL_TYPE, &pool_type);
    kernel.memory.write(list + SIZE, &call.arg32(size));
    kernel.memory.write(list + TAG, &call.arg32(tag));
    let allocate = routine(1, "ExAllocatePoolWithTag");
    kernel.memory.write(list + ALLOCATE, &allocate);
    let free = routine(2, "ExFreePool");
    kernel.memory.write(list + FREE, &free);
}

/// ExDeleteNPagedLookasideList(Lookaside): none of its entries is kept; it is not used any more.
fn delete(kernel: &Kernel, call: &Call) {
    kernel.memory.write(call.arg(0) + ALLOCATE, &[0_u64; 2]);
}
