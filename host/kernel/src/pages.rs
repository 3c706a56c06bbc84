//! Memory that an MDL describes without an address: pages of the system's, and device memory.

use std::{cell::RefCell, collections::BTreeMap};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER_2},
    types::{GuestPtr, MDL},
};
use kmdf_machine::{PAGE, Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, mdl, services};

/// What is behind the MDLs that have no address of their own, by the MDLs' addresses.
#[derive(Default)]
pub(crate) struct Unmapped {
    lists: RefCell<BTreeMap<u64, Behind>>,
}

#[derive(Clone, Copy)]
enum Behind {
    /// Pages of memory, at an address that the driver has only while it maps them.
    Pages { address: u64, given_back: bool },
    /// Memory whose pages the driver has locked.
    Locked { address: u64 },
    /// Device memory.
    Device { physical: u64, bytes: u64 },
}

services! {
    MmAllocatePagesForMdl <= DISPATCH => allocate;
    MmAllocatePagesForMdlEx <= DISPATCH => allocate;
    MmFreePagesFromMdl <= APC => free_pages;
    MmAllocateMdlForIoSpace <= DISPATCH => device_list;
    MmProbeAndLockPages <= DISPATCH => lock;
    MmUnlockPages <= DISPATCH => unlock;
}

/// MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, CacheType, Flags)
fn allocate(kernel: &Kernel, call: &Call) -> u64 {
    /// The tag that the memory manager allocates MDLs with.
    const TAG: u32 = u32::from_le_bytes(*b"Mdl ");
    let (highest, bytes) = (call.arg(1), call.arg(3).next_multiple_of(PAGE));
    let physical = kernel.physical_memory(0);
    let first = if highest < u64::from(u32::MAX) {
        match physical.contiguous(bytes, highest, PAGE) {
            Some(first) => Some(first),
            None => return 0,
        }
    } else {
        None
    };
    let what = "the pages of MmAllocatePagesForMdl";
    let purpose = Purpose::Kernel { what };
    let Some(address) = kernel.allocate_in_frames(&physical, bytes, first, purpose) else {
        return 0;
    };
    kernel.memory.set_site(address, kernel.call_site());
    let list = kernel.make_mdl(address, bytes, true, Purpose::Pool { tag: TAG });
    kernel.memory.set_site(list, kernel.call_site());
    let mut header: MDL = kernel.memory.read(list);
    header.MdlFlags &= !mdl::MAPPED;
    header.MappedSystemVa = GuestPtr(0);
    header.StartVa = GuestPtr(0);
    kernel.memory.write(list, &header);
    let pages = Behind::Pages {
        address,
        given_back: false,
    };
    kernel.objects().unmapped.put(list, pages);
    list
}

/// MmFreePagesFromMdl(MemoryDescriptorList): the MDL itself is the driver's to free.
fn free_pages(kernel: &Kernel, call: &Call) {
    let list = call.arg(0);
    let unmapped = &kernel.objects().unmapped;
    let Some(Behind::Pages {
        address,
        given_back: false,
    }) = unmapped.get(list)
    else {
        kernel.violation(
            &rules::BAD_FREE,
            format!("{list:#x} is no MDL with pages of MmAllocatePagesForMdl"),
        );
    };
    if let Err(text) = kernel.free_in_frames(address) {
        kernel.violation(&rules::BAD_FREE, text);
    }
    let given_back = Behind::Pages {
        address,
        given_back: true,
    };
    unmapped.put(list, given_back);
}

/// MmAllocateMdlForIoSpace(PhysicalAddressList, NumberOfEntries, NewMdl)
fn device_list(kernel: &Kernel, call: &Call) -> Result<(), NtStatus> {
    if call.arg(1) != 1 {
        kernel.unsupported("an MDL for several ranges of device memory");
    }
    let (physical, bytes): (u64, u64) = (
        kernel.memory.read(call.arg(0)),
        kernel.memory.read(call.arg(0) + 8),
    );
    if physical % PAGE != 0 || bytes % PAGE != 0 || bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER_2);
    }
    kernel.check_device_range(physical, bytes);
    let what = "an MDL of MmAllocateMdlForIoSpace";
    let header = MDL {
        MdlFlags: mdl::PAGES_LOCKED | mdl::IO_SPACE,
        ByteCount: u32::try_from(bytes).unwrap_or(u32::MAX),
        ..Default::default()
    };
    let frame = |page| physical / PAGE + page;
    let list = kernel
        .write_mdl(header, bytes / PAGE, frame, Purpose::Kernel { what })
        .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    kernel.memory.set_site(list, kernel.call_site());
    let device = Behind::Device { physical, bytes };
    kernel.objects().unmapped.put(list, device);
    kernel.memory.write(call.arg(2), &list);
    Ok(())
}

/// MmProbeAndLockPages(MemoryDescriptorList, AccessMode, Operation)
fn lock(kernel: &Kernel, call: &Call) {
    /// `IoReadAccess`: the others write.
    const READ: u32 = 0;
    let list = call.arg(0);
    let mut header: MDL = kernel.memory.read(list);
    if header.MdlFlags & mdl::PAGES_LOCKED != 0 {
        kernel.violation(
            &rules::MDL_PAGES,
            format!("MmProbeAndLockPages locks the pages of {list:#x}, which are locked"),
        );
    }
    let address = header.StartVa.0 + u64::from(header.ByteOffset);
    let bytes = u64::from(header.ByteCount);
    let is_write = call.arg32(2) != READ;
    let is_there = if call.arg8(1) == mdl::KERNEL_MODE {
        !kernel.is_user_hole(address) && !kernel.is_user_hole(address + bytes.saturating_sub(1))
    } else {
        kernel.memory.is_of_app(address, bytes)
    };
    if !is_there {
        return kernel.raise_fault(call, address, is_write);
    }
    header.MdlFlags &= !(mdl::NONPAGED_POOL | mdl::MAPPED);
    header.MdlFlags |= mdl::PAGES_LOCKED;
    header.MappedSystemVa = GuestPtr(0);
    kernel.memory.write(list, &header);
    kernel
        .objects()
        .unmapped
        .put(list, Behind::Locked { address });
}

/// MmUnlockPages(MemoryDescriptorList)
fn unlock(kernel: &Kernel, call: &Call) {
    let list = call.arg(0);
    let unmapped = &kernel.objects().unmapped;
    let Some(Behind::Locked { .. }) = unmapped.get(list) else {
        kernel.violation(
            &rules::MDL_PAGES,
            format!(
                "MmUnlockPages unlocks the pages of {list:#x}, which the driver has not locked"
            ),
        );
    };
    let mut header: MDL = kernel.memory.read(list);
    header.MdlFlags &= !(mdl::PAGES_LOCKED | mdl::MAPPED);
    header.MappedSystemVa = GuestPtr(0);
    kernel.memory.write(list, &header);
    unmapped.forget(list);
}

impl Unmapped {
    fn put(&self, list: u64, behind: Behind) {
        self.lists.borrow_mut().insert(list, behind);
    }

    fn get(&self, list: u64) -> Option<Behind> {
        self.lists.borrow().get(&list).copied()
    }

    /// Whether the driver has locked the pages of an MDL.
    pub(crate) fn is_locked(&self, list: u64) -> bool {
        matches!(self.get(list), Some(Behind::Locked { .. }))
    }

    /// Forgets an MDL that is freed.
    pub(crate) fn forget(&self, list: u64) {
        self.lists.borrow_mut().remove(&list);
    }
}

impl Kernel {
    /// Maps what such an MDL describes; `None` for any other.
    pub(crate) fn map_unmapped(&self, list: u64) -> Option<u64> {
        match self.objects().unmapped.get(list)? {
            Behind::Pages { address, .. } | Behind::Locked { address } => Some(address),
            Behind::Device { physical, bytes } => {
                let site = self.call_site();
                Some(self.memory.map_device(physical, bytes, site).unwrap_or(0))
            }
        }
    }

    /// Ends a mapping of such an MDL.
    pub(crate) fn unmap_unmapped(&self, address: u64, list: u64) {
        if let Some(Behind::Device { .. }) = self.objects().unmapped.get(list)
            && self
                .memory
                .unmap_device(address, self.call_site())
                .is_none()
        {
            self.violation(
                &rules::UNMAP_IO_SPACE,
                format!("{address:#x} is no mapping"),
            );
        }
    }
}
