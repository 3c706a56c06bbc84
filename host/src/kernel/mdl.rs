//! MDLs that a driver makes itself.

use kmdf_abi::types::MDL;
use kmdf_rules::rules;

use crate::{cpu::stub::Call, host::Host, memory::Purpose, service::services};

services! {
    IoAllocateMdl <= DISPATCH => allocate;
    IoFreeMdl <= DISPATCH => free;
    MmBuildMdlForNonPagedPool <= DISPATCH => build;
    MmMapLockedPagesSpecifyCache <= DISPATCH => map;
    MmUnmapLockedPages <= DISPATCH => unmap;
    MmGetPhysicalAddress <= HIGH => physical_address;
}

/// IoAllocateMdl(VirtualAddress, Length, SecondaryBuffer, ChargeQuota, Irp)
fn allocate(host: &Host, call: &Call) -> u64 {
    if call.arg(4) != 0 {
        host.unsupported("an MDL for an IRP");
    }
    let purpose = Purpose::Kernel {
        what: "an MDL of IoAllocateMdl",
    };
    let mdl = host.make_mdl(call.arg(0), call.arg32(1).into(), false, purpose);
    host.memory.set_site(mdl, host.call_site());
    mdl
}

fn free(host: &Host, call: &Call) {
    if let Err(text) = host.memory.free(call.arg(0)) {
        host.violation(&rules::BAD_FREE, text);
    }
}

/// MmBuildMdlForNonPagedPool(MemoryDescriptorList): IoAllocateMdl has filled it in already.
fn build(host: &Host, call: &Call) {
    host.memory.read::<MDL>(call.arg(0));
}

/// MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, CacheType, RequestedAddress,
/// BugCheckOnFailure, Priority): every MDL here is mapped.
fn map(host: &Host, call: &Call) -> u64 {
    let mdl: MDL = host.memory.read(call.arg(0));
    mdl.MappedSystemVa.0
}

fn unmap(host: &Host, call: &Call) {
    host.memory.read::<MDL>(call.arg(1));
}

fn physical_address(host: &Host, call: &Call) -> u64 {
    host.physical_address(call.arg(0))
}
