//! Interfaces between drivers: those that a driver offers, and what it is told when it asks for one.

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_BUFFER_SIZE,
        STATUS_INVALID_DEVICE_REQUEST, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED,
        STATUS_SUCCESS,
    },
    types::{GUID, INTERFACE, WDF_QUERY_INTERFACE_CONFIG},
};

use super::{device::Device, target::IoTarget};
use kmdf_machine::cpu::stub::Call;

use crate::host::{Host, services};

/// An interface that the driver offers (WdfDeviceAddQueryInterface).
#[derive(Clone, Debug)]
pub(crate) struct OfferedInterface {
    kind: Guid,
    /// The interface with its routines, as the driver gave it; empty where it gave none.
    interface: Vec<u8>,
    /// Whether its callback fills in what is asked for.
    import: bool,
    /// EvtDeviceProcessQueryInterfaceRequest, or 0.
    callback: u64,
}

/// The bytes of a GUID.
pub(crate) type Guid = [u8; size_of::<GUID>()];

/// What is asked for: the parameters of IRP_MN_QUERY_INTERFACE.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    /// The address of the GUID.
    pub(crate) kind: u64,
    /// Where the interface is wanted.
    pub(crate) interface: u64,
    pub(crate) size: u16,
    pub(crate) version: u16,
    pub(crate) specific: u64,
}

services! {
    WdfFdoQueryForInterface <= PASSIVE => query_fdo;
    WdfIoTargetQueryForInterface <= PASSIVE => query_target;
    WdfDeviceAddQueryInterface <= PASSIVE => add;
}

fn query(call: &Call) -> Query {
    Query {
        kind: call.arg(1),
        interface: call.arg(2),
        size: call.arg32(3) as u16,
        version: call.arg32(4) as u16,
        specific: call.arg(5),
    }
}

/// WdfFdoQueryForInterface(Fdo, InterfaceType, Interface, Size, Version, InterfaceSpecificData): asks the
/// whole stack, from its top on.
fn query_fdo(host: &Host, call: &Call) -> NtStatus {
    let device = host.body::<Device>(call.arg(0));
    if device.is_control() {
        return STATUS_INVALID_PARAMETER;
    }
    host.query_stack(&device, query(call))
}

/// WdfIoTargetQueryForInterface(IoTarget, …): the same, from the top of the target's stack on.
fn query_target(host: &Host, call: &Call) -> NtStatus {
    let target = host.body::<IoTarget>(call.arg(0));
    let Some(device) = target.leads_to(host) else {
        host.invalid_operation("a target that is not open is asked for an interface");
    };
    host.query_stack(&device, query(call))
}

/// WdfDeviceAddQueryInterface(Device, InterfaceConfig): what is asked for is looked at in the order of
/// fxqueryinterfaceapi.cpp.
fn add(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    if device.is_control() {
        return Err(STATUS_INVALID_DEVICE_REQUEST);
    }
    let config: WDF_QUERY_INTERFACE_CONFIG = host.memory.read(call.arg(1));
    if config.Size as usize != size_of::<WDF_QUERY_INTERFACE_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let import = config.ImportInterface != 0;
    let callback = config.EvtDeviceProcessQueryInterfaceRequest.0;
    // Only the device of a child has a parent's stack to send to.
    let nothing = config.Interface.0 == 0 && !import;
    if config.SendQueryToParentStack != 0 || nothing || (import && callback == 0) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let interface = match config.Interface.0 {
        0 => Vec::new(),
        address => offered(host, address)?,
    };
    device.offered.borrow_mut().push(OfferedInterface {
        kind: host.memory.read(config.InterfaceType.0),
        interface,
        import,
        callback,
    });
    Ok(())
}

/// A copy of the interface at an address. What counts references does nothing where the driver does not.
fn offered(host: &Host, address: u64) -> Result<Vec<u8>, NtStatus> {
    const REFERENCE: usize = std::mem::offset_of!(INTERFACE, InterfaceReference);
    const DEREFERENCE: usize = std::mem::offset_of!(INTERFACE, InterfaceDereference);
    let size: u16 = host.memory.read(address);
    if usize::from(size) < size_of::<INTERFACE>() {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let mut bytes = host.memory.read_bytes(address, size.into());
    for at in [REFERENCE, DEREFERENCE] {
        let routine = &mut bytes[at..at + 8];
        if routine == [0; 8] {
            let nothing = host.routine_of("InterfaceReferenceNoOp");
            routine.copy_from_slice(&nothing.to_le_bytes());
        }
    }
    Ok(bytes)
}

impl Host {
    /// Asks a device's stack for an interface: the device first, then its bus. The bus may change what the
    /// device has answered, but this one does not.
    pub(crate) fn query_stack(&self, device: &Device, query: Query) -> NtStatus {
        match self.query_device(device, query) {
            Some(status) if !status.is_success() && status != STATUS_NOT_SUPPORTED => status,
            found => {
                let before = found.unwrap_or(STATUS_NOT_SUPPORTED);
                self.query_bus(device.slot, query).unwrap_or(before)
            }
        }
    }

    /// What a device says to a query (`FxPkgPnp::HandleQueryInterface`); `None` if it has no such interface.
    fn query_device(&self, device: &Device, query: Query) -> Option<NtStatus> {
        let kind: Guid = self.memory.read(query.kind);
        let offered = device.offered.borrow().clone();
        let offered = offered.into_iter().find(|offered| offered.kind == kind)?;
        if let [size_low, size_high, version_low, version_high, ..] = offered.interface[..] {
            let size = u16::from_le_bytes([size_low, size_high]);
            let version = u16::from_le_bytes([version_low, version_high]);
            if size > query.size || version > query.version {
                return Some(STATUS_INVALID_BUFFER_SIZE);
            }
            if !offered.import {
                self.memory.write_bytes(query.interface, &offered.interface);
            }
        }
        let status = if offered.callback == 0 {
            STATUS_SUCCESS
        } else {
            let arguments = [device.handle, query.kind, query.interface, query.specific];
            let value = self.call_driver(
                "EvtDeviceProcessQueryInterfaceRequest",
                device.handle,
                offered.callback,
                &arguments,
            );
            NtStatus(value as u32 as i32)
        };
        if status.is_success() || status == STATUS_NOT_SUPPORTED {
            let exposed: INTERFACE = self.memory.read(query.interface);
            if exposed.InterfaceReference.0 != 0 {
                let reference = exposed.InterfaceReference.0;
                let context = [exposed.Context.0];
                self.call_driver("InterfaceReference", device.handle, reference, &context);
            }
        }
        Some(status)
    }
}
