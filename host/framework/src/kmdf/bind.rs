//! The binding of a driver to the framework: what WDFLDR.SYS exports.

use std::mem::offset_of;

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_REVISION_MISMATCH, STATUS_SUCCESS},
    types::WDF_DRIVER_GLOBALS,
};
use kmdf_machine::{Event, cpu::stub::Call};
use kmdf_rules::rules;

use super::driver::HIGHEST_MINOR;
use crate::host::{Host, services};

services! {
    WdfVersionBind <= PASSIVE => bind;
    WdfVersionUnbind <= PASSIVE => unbind;
}

/// `sizeof(WDF_BIND_INFO)` and `sizeof(WDF_BIND_INFO2)`.
const SIZE: u32 = 48;
const SIZE_2: u32 = 88;

/// `WDF_BIND_INFO`.
struct BindInfo {
    address: u64,
    size: u32,
    major: u32,
    minor: u32,
    functions: u32,
    table: u64,
}

impl BindInfo {
    fn read(host: &Host, address: u64) -> Self {
        Self {
            address,
            size: host.memory.read(address),
            major: host.memory.read(address + 16),
            minor: host.memory.read(address + 20),
            functions: host.memory.read(address + 28),
            table: host.memory.read(address + 32),
        }
    }

    /// A pointer of `WDF_BIND_INFO2`, in which a driver says that it may be newer than the framework.
    fn pointer(&self, host: &Host, at: u64) -> u64 {
        host.memory.read(self.address + at)
    }

    /// The oldest framework that the driver runs with.
    fn minimum(&self, host: &Host) -> u32 {
        /// Offset of MinimumVersionRequired.
        const MINIMUM: u64 = 48;
        match self.size {
            SIZE_2 => host.memory.read(self.pointer(host, MINIMUM)),
            _ => self.minor,
        }
    }

    /// Tells a driver that may be newer than the framework what the framework has.
    fn tell(&self, host: &Host) {
        /// Offsets of what follows MinimumVersionRequired.
        const IS_NEWER: u64 = 56;
        const FUNCTIONS: u64 = 64;
        const STRUCTURES: u64 = 72;
        const STRUCTURE_TABLE: u64 = 80;
        let newest = self.minor.min(HIGHEST_MINOR);
        let functions = kmdf_abi::function_count(newest).map_or(0, |count| count as u32);
        let structures = kmdf_abi::structure_count(newest).unwrap_or(0);
        let table = host.lend("the sizes of structures", 8 * structures.max(1) as u64);
        for one in kmdf_abi::structures() {
            let size = kmdf_abi::structure_size(one.name, newest);
            if let (Some(index), Some(size)) = (one.index, size)
                && index < structures
            {
                host.memory.write(table + 8 * index as u64, &(size as u64));
            }
        }
        let is_newer = u8::from(self.minor > HIGHEST_MINOR);
        host.memory.write(self.pointer(host, IS_NEWER), &is_newer);
        host.memory.write(self.pointer(host, FUNCTIONS), &functions);
        host.memory
            .write(self.pointer(host, STRUCTURES), &(structures as u32));
        host.memory
            .write(self.pointer(host, STRUCTURE_TABLE), &table);
    }
}

/// WdfVersionBind(DriverObject, RegistryPath, BindInfo, ComponentGlobals)
fn bind(host: &Host, call: &Call) -> NtStatus {
    let info = BindInfo::read(host, call.arg(2));
    if info.size != SIZE && info.size != SIZE_2 {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    let minimum = info.minimum(host);
    if info.major != 1 || minimum > HIGHEST_MINOR {
        host.record(Event::Host {
            text: format!(
                "the driver wants KMDF {}.{minimum}, which is not here",
                info.major
            ),
        });
        return STATUS_REVISION_MISMATCH;
    }
    let known = kmdf_abi::function_count(info.minor);
    if info.minor <= HIGHEST_MINOR && known != Some(info.functions as usize) {
        host.violation(
            &rules::FUNCTION_COUNT,
            format!(
                "the driver was built for KMDF 1.{} with {} functions; that version has {known:?}",
                info.minor, info.functions
            ),
        );
    }
    let address = host.lend(
        "the driver's globals",
        size_of::<WDF_DRIVER_GLOBALS>() as u64,
    );
    let displace = offset_of!(WDF_DRIVER_GLOBALS, DisplaceDriverUnload) as u64;
    host.memory.write(address + displace, &1_u8);
    host.framework().globals.set(address);
    host.framework().built_for.set(info.minor);
    if info.size == SIZE_2 {
        info.tell(host);
    }
    host.memory.write(info.table, &host.function_table());
    host.memory.write(call.arg(3), &address);
    host.record(Event::Host {
        text: format!("bound to KMDF 1.{}", info.minor),
    });
    STATUS_SUCCESS
}

impl Host {
    /// Whether the driver was built for that minor version, or a newer one.
    pub(crate) fn is_built_for(&self, minor: u32) -> bool {
        self.framework().built_for.get() >= minor
    }
}

/// WdfVersionUnbind(RegistryPath, BindInfo, ComponentGlobals)
fn unbind(host: &Host, call: &Call) -> NtStatus {
    if call.arg(2) != host.framework().globals.get() {
        host.violation(
            &rules::UNBIND,
            "WdfVersionUnbind is called with other globals than were bound",
        );
    }
    host.framework().globals.set(0);
    STATUS_SUCCESS
}
