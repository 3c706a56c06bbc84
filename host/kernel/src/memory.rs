//! Pool and mapped device memory.

use kmdf_bus::Bar;
use kmdf_machine::{Irql, Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, services};

/// `POOL_FLAG_UNINITIALIZED`: without it ExAllocatePool2 gives zeroed memory.
const POOL_FLAG_UNINITIALIZED: u64 = 0x2;
/// `POOL_FLAG_PAGED`
const POOL_FLAG_PAGED: u64 = 0x100;
/// `PagedPool`, the odd values of POOL_TYPE's lowest bit.
const PAGED_POOL: u32 = 1;
/// `NonPagedPoolMustSucceed`, also a bit of its cache-aligned relative.
const MUST_SUCCEED: u32 = 2;
/// `POOL_ZERO_ALLOCATION`: how ExAllocatePoolZero asks for zeroed memory.
const POOL_ZERO_ALLOCATION: u32 = 0x400;

services! {
    ExAllocatePool2 <= DISPATCH => allocate_pool2;
    ExAllocatePoolWithTag <= DISPATCH => allocate_pool_with_tag;
    ExFreePool <= DISPATCH => free_pool;
    ExFreePoolWithTag <= DISPATCH => free_pool_with_tag;
    MmMapIoSpace <= DISPATCH => map_io_space;
    MmMapIoSpaceEx <= DISPATCH => map_io_space_ex;
    MmUnmapIoSpace <= DISPATCH => unmap_io_space;
}

fn allocate_pool2(kernel: &Kernel, call: &Call) -> u64 {
    let flags = call.arg(0);
    let zeroed = flags & POOL_FLAG_UNINITIALIZED == 0;
    allocate(
        kernel,
        flags & POOL_FLAG_PAGED != 0,
        zeroed,
        call.arg(1),
        call.arg32(2),
    )
}

fn allocate_pool_with_tag(kernel: &Kernel, call: &Call) -> u64 {
    let kind = call.arg32(0);
    if kind & MUST_SUCCEED != 0 {
        kernel.violation(
            &rules::MUST_SUCCEED_POOL,
            "pool is allocated with a type that must succeed",
        );
    }
    allocate(
        kernel,
        kind & PAGED_POOL != 0,
        kind & POOL_ZERO_ALLOCATION != 0,
        call.arg(1),
        call.arg32(2),
    )
}

fn allocate(kernel: &Kernel, paged: bool, zeroed: bool, bytes: u64, tag: u32) -> u64 {
    if paged && kernel.irql() > Irql::APC {
        kernel.violation(
            &rules::PAGED_POOL_IRQL,
            format!("paged pool is allocated at {}", kernel.irql()),
        );
    }
    if tag == 0 {
        kernel.violation(&rules::POOL_TAG, "pool is allocated without a tag");
    }
    let address = kernel
        .memory
        .allocate(bytes, zeroed, Purpose::Pool { tag })
        .unwrap_or(0);
    kernel.memory.set_site(address, kernel.call_site());
    address
}

fn free_pool(kernel: &Kernel, call: &Call) {
    free(kernel, call.arg(0), None);
}

fn free_pool_with_tag(kernel: &Kernel, call: &Call) {
    let tag = call.arg32(1);
    free(kernel, call.arg(0), (tag != 0).then_some(tag));
}

fn free(kernel: &Kernel, address: u64, tag: Option<u32>) {
    match kernel.memory.free(address) {
        Err(text) => {
            let by = kernel.memory.freed_by(address);
            let by = by.map_or_else(String::new, |site| kernel.made_at(site));
            kernel.violation(&rules::BAD_FREE, text + &by)
        }
        Ok(allocation) => {
            kernel.memory.set_freed_by(address, kernel.call_site());
            kernel.check_freed(address, allocation.bytes);
            kernel.objects().unmapped.forget(address);
            match allocation.purpose {
                Purpose::Pool { tag: allocated } if tag.is_none_or(|tag| tag == allocated) => {}
                purpose => kernel.violation(
                    &rules::BAD_FREE,
                    format!(
                        "{address:#x} is freed as pool with the tag {tag:x?}, but is {purpose}"
                    ),
                ),
            }
        }
    }
}

/// MmMapIoSpace(PhysicalAddress, NumberOfBytes, CacheType)
fn map_io_space(kernel: &Kernel, call: &Call) -> u64 {
    /// `MmNonCached`
    const NON_CACHED: u32 = 0;
    map(kernel, call, call.arg32(2) == NON_CACHED)
}

/// MmMapIoSpaceEx(PhysicalAddress, NumberOfBytes, Protect)
fn map_io_space_ex(kernel: &Kernel, call: &Call) -> u64 {
    const PAGE_NOCACHE: u32 = 0x200;
    map(kernel, call, call.arg32(2) & PAGE_NOCACHE != 0)
}

impl Kernel {
    /// The BAR that a driver names a part of by a physical address, which must be given to it.
    pub(crate) fn check_device_range(&self, physical: u64, bytes: u64) -> Bar {
        let Some((bar, offset)) = self.bar_at(physical) else {
            let what = match self.bar_at_raw(physical) {
                Some(bar) => format!(
                    "the raw address of BAR {}, which is its bus's; the translated one is the \
                     processors'",
                    bar.index
                ),
                None => "where no device was given memory".to_owned(),
            };
            self.violation(
                &rules::MAP_IO_SPACE,
                format!("{bytes} bytes at {physical:#x} are mapped: {what}"),
            );
        };
        if bytes == 0 || bytes > bar.bytes - offset {
            self.violation(
                &rules::MAP_IO_SPACE,
                format!(
                    "{bytes} bytes are mapped from offset {offset:#x} of BAR {} on, which has {}",
                    bar.index, bar.bytes
                ),
            );
        }
        bar
    }
}

fn map(kernel: &Kernel, call: &Call, uncached: bool) -> u64 {
    let (physical, bytes) = (call.arg(0), call.arg(1));
    let bar = kernel.check_device_range(physical, bytes);
    if !uncached && !bar.prefetchable {
        kernel.violation(
            &rules::MAP_IO_SPACE_CACHED,
            format!(
                "BAR {} is mapped cached or write-combined, and is not prefetchable: reads and \
                 writes of its registers would not reach the device, or in another order",
                bar.index
            ),
        );
    }
    let site = kernel.call_site();
    kernel.memory.map_device(physical, bytes, site).unwrap_or(0)
}

fn unmap_io_space(kernel: &Kernel, call: &Call) {
    let (address, bytes) = (call.arg(0), call.arg(1));
    match kernel.memory.unmap_device(address, kernel.call_site()) {
        Some(mapping) if mapping.bytes == bytes => {}
        Some(mapping) => kernel.violation(
            &rules::UNMAP_IO_SPACE,
            format!(
                "{bytes} bytes are unmapped of a mapping of {}",
                mapping.bytes
            ),
        ),
        None => kernel.violation(
            &rules::UNMAP_IO_SPACE,
            format!("{address:#x} is not a mapping"),
        ),
    }
}
