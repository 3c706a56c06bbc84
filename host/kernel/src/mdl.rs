//! MDLs, and those that a driver makes itself.

use kmdf_abi::types::{GuestPtr, MDL};
use kmdf_machine::{PAGE, Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{Kernel, services};

/// `MDL_MAPPED_TO_SYSTEM_VA`
pub(crate) const MAPPED: i16 = 0x1;
/// `MDL_PAGES_LOCKED`
pub(crate) const PAGES_LOCKED: i16 = 0x2;
/// `MDL_SOURCE_IS_NONPAGED_POOL`
pub(crate) const NONPAGED_POOL: i16 = 0x4;
/// `MDL_IO_SPACE`
pub(crate) const IO_SPACE: i16 = 0x800;

/// `KernelMode`
pub(crate) const KERNEL_MODE: u8 = 0;

services! {
    IoAllocateMdl <= DISPATCH => allocate;
    IoFreeMdl <= DISPATCH => free;
    MmBuildMdlForNonPagedPool <= DISPATCH => build;
    MmMapLockedPagesSpecifyCache <= DISPATCH => map;
    MmUnmapLockedPages <= DISPATCH => unmap;
    MmGetPhysicalAddress <= HIGH => physical_address;
}

impl Kernel {
    /// An MDL for memory of the driver's, with the frames of its pages behind it.
    ///
    /// # Panics
    /// When there is no address space left, or the memory is longer than an MDL can say.
    pub fn make_mdl(&self, address: u64, bytes: u64, locked: bool, purpose: Purpose) -> u64 {
        let base = address / PAGE * PAGE;
        let pages = (address + bytes.max(1) - base).div_ceil(PAGE);
        let header = MDL {
            MdlFlags: if locked {
                PAGES_LOCKED | MAPPED
            } else {
                NONPAGED_POOL
            },
            MappedSystemVa: GuestPtr(address),
            StartVa: GuestPtr(base),
            ByteCount: u32::try_from(bytes).expect("a buffer below 4 GiB"),
            ByteOffset: u32::try_from(address - base).expect("below a page"),
            ..Default::default()
        };
        let frame = |page| self.physical_address(base + page * PAGE) / PAGE;
        self.write_mdl(header, pages, frame, purpose)
            .expect("a run has address space for its MDLs")
    }

    /// Allocates an MDL for that many pages, with their frames behind it.
    pub(crate) fn write_mdl(
        &self,
        header: MDL,
        pages: u64,
        frame: impl Fn(u64) -> u64,
        purpose: Purpose,
    ) -> Option<u64> {
        let size = size_of::<MDL>() as u64 + 8 * pages;
        let mdl = self.memory.allocate(size, true, purpose)?;
        let header = MDL {
            Size: i16::try_from(size).unwrap_or(i16::MAX),
            ..header
        };
        self.memory.write(mdl, &header);
        for page in 0..pages {
            let entry = mdl + size_of::<MDL>() as u64 + 8 * page;
            self.memory.write(entry, &frame(page));
        }
        Some(mdl)
    }
}

/// IoAllocateMdl(VirtualAddress, Length, SecondaryBuffer, ChargeQuota, Irp)
fn allocate(kernel: &Kernel, call: &Call) -> u64 {
    if call.arg(4) != 0 {
        kernel.unsupported("an MDL for an IRP");
    }
    let purpose = Purpose::Kernel {
        what: "an MDL of IoAllocateMdl",
    };
    let mdl = kernel.make_mdl(call.arg(0), call.arg32(1).into(), false, purpose);
    kernel.memory.set_site(mdl, kernel.call_site());
    mdl
}

fn free(kernel: &Kernel, call: &Call) {
    if kernel.objects().unmapped.is_locked(call.arg(0)) {
        kernel.violation(
            &rules::MDL_PAGES,
            format!("IoFreeMdl frees {:#x}, whose pages are locked", call.arg(0)),
        );
    }
    if let Err(text) = kernel.memory.free(call.arg(0)) {
        kernel.violation(&rules::BAD_FREE, text);
    }
    kernel.objects().unmapped.forget(call.arg(0));
}

/// MmBuildMdlForNonPagedPool(MemoryDescriptorList): IoAllocateMdl has filled it in already.
fn build(kernel: &Kernel, call: &Call) {
    kernel.memory.read::<MDL>(call.arg(0));
}

/// MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, CacheType, RequestedAddress,
/// BugCheckOnFailure, Priority): most MDLs here are mapped. A mapping for an app is at the same address.
fn map(kernel: &Kernel, call: &Call) -> u64 {
    let mut mdl: MDL = kernel.memory.read(call.arg(0));
    if mdl.MdlFlags & (MAPPED | NONPAGED_POOL) != 0 {
        return mdl.MappedSystemVa.0;
    }
    let address = kernel.map_unmapped(call.arg(0)).unwrap_or(0);
    if call.arg8(1) == KERNEL_MODE && address != 0 {
        mdl.MdlFlags |= MAPPED;
        mdl.MappedSystemVa = GuestPtr(address);
        kernel.memory.write(call.arg(0), &mdl);
    }
    address
}

/// MmUnmapLockedPages(BaseAddress, MemoryDescriptorList)
fn unmap(kernel: &Kernel, call: &Call) {
    let (address, list) = (call.arg(0), call.arg(1));
    let mut mdl: MDL = kernel.memory.read(list);
    kernel.unmap_unmapped(address, list);
    let is_locked = kernel.objects().unmapped.is_locked(list);
    if mdl.MappedSystemVa.0 == address && (mdl.MdlFlags & IO_SPACE != 0 || is_locked) {
        mdl.MdlFlags &= !MAPPED;
        mdl.MappedSystemVa = GuestPtr(0);
        kernel.memory.write(list, &mdl);
    }
}

fn physical_address(kernel: &Kernel, call: &Call) -> u64 {
    kernel.physical_address(call.arg(0))
}
