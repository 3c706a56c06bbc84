//! The PCI bus driver, as the driver of a function meets it below: its interfaces, which lead to the
//! function's configuration space and to its MSI-X table.

use std::{cell::RefCell, collections::BTreeMap};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INVALID_PARAMETER, STATUS_SUCCESS},
    types::{BUS_INTERFACE_STANDARD, PCI_MSIX_TABLE_CONFIG_INTERFACE},
};
use zerocopy::IntoBytes as _;

use kmdf_machine::cpu::stub::Call;
use kmdf_rules::rules;

use crate::{
    host::{Host, services},
    kmdf::query_interface::{Guid, Query},
};

/// `GUID_BUS_INTERFACE_STANDARD`
const BUS: Guid = [
    0x80, 0x82, 0x6B, 0x49, 0x25, 0x6F, 0xD0, 0x11, 0xBE, 0xAF, 0x08, 0x00, 0x2B, 0xE2, 0x09, 0x2F,
];
/// `GUID_MSIX_TABLE_CONFIG_INTERFACE`
const MSIX: Guid = [
    0x0B, 0x46, 0x6A, 0x1A, 0x4F, 0x19, 0x5D, 0x45, 0xB3, 0x4B, 0xB8, 0x4C, 0x5B, 0x05, 0x71, 0x2B,
];
/// The version of both.
const VERSION: u16 = 1;
/// `PCI_WHICHSPACE_CONFIG`
pub(crate) const CONFIGURATION: u32 = 0;

/// What the bus driver has given out of its interfaces for one function.
#[derive(Clone, Copy, Debug, Default)]
struct BusInterface {
    /// What stands for the context.
    context: u64,
    /// How many references are held.
    references: u64,
    /// Where driver code asked for the last one.
    site: u64,
}

/// What it has given out, by slot.
#[derive(Debug, Default)]
pub(crate) struct BusInterfaces(RefCell<BTreeMap<usize, BusInterface>>);

// The routines of BUS_INTERFACE_STANDARD and PCI_MSIX_TABLE_CONFIG_INTERFACE.
services! {
    InterfaceReferenceNoOp <= HIGH => nothing;
    BusInterfaceReference <= DISPATCH => reference;
    BusInterfaceDereference <= DISPATCH => dereference;
    TranslateBusAddress <= DISPATCH => translate;
    GetDmaAdapter <= PASSIVE => dma_adapter;
    SetBusData <= DISPATCH => set_data;
    GetBusData <= DISPATCH => get_data;
    SetTableEntry <= DISPATCH => set_entry;
    MaskTableEntry <= HIGH => mask_entry;
    UnmaskTableEntry <= HIGH => unmask_entry;
    GetTableEntry <= DISPATCH => get_entry;
    GetTableSize <= DISPATCH => table_size;
}

fn nothing(_: &Host, _: &Call) {}

/// The slot of the function that a routine is called for.
fn slot_of(host: &Host, call: &Call) -> usize {
    let context = call.arg(0);
    let given = host.framework().bus.0.borrow();
    let mut given = given.iter();
    let found = given.find(|(_, bus)| bus.context == context);
    let Some((&slot, bus)) = found else {
        host.violation(
            &rules::BUS_INTERFACE,
            format!("{context:#x} is not the context of an interface of the bus driver"),
        )
    };
    if bus.references == 0 {
        host.violation(
            &rules::BUS_INTERFACE,
            "an interface of the bus driver is used or released after its last reference was released",
        );
    }
    slot
}

/// InterfaceReference(Context)
fn reference(host: &Host, call: &Call) {
    let slot = slot_of(host, call);
    host.change_bus(slot, |bus| bus.references += 1);
}

/// InterfaceDereference(Context)
fn dereference(host: &Host, call: &Call) {
    let slot = slot_of(host, call);
    host.change_bus(slot, |bus| bus.references -= 1);
}

/// TranslateBusAddress(Context, BusAddress, Length, AddressSpace, TranslatedAddress): 1 in AddressSpace is
/// for ports.
fn translate(host: &Host, call: &Call) -> bool {
    let slot = slot_of(host, call);
    let window = match host.memory.read::<u32>(call.arg(3)) {
        0 => host.slots[slot].window,
        _ => 0,
    };
    host.memory
        .write(call.arg(4), &call.arg(1).wrapping_add(window));
    true
}

/// GetDmaAdapter(Context, DeviceDescriptor, NumberOfMapRegisters)
fn dma_adapter(host: &Host, _: &Call) -> u64 {
    host.unsupported(
        "a DMA adapter of the bus driver's: drivers of this framework have WDFDMAENABLERs",
    )
}

/// SetBusData(Context, DataType, Buffer, Offset, Length): how much was written.
fn set_data(host: &Host, call: &Call) -> u32 {
    let slot = slot_of(host, call);
    if call.arg32(1) != CONFIGURATION {
        return 0;
    }
    let bytes = host.memory.read_bytes(call.arg(2), call.arg32(4) as usize);
    host.write_config(slot, call.arg32(3), &bytes)
}

/// GetBusData(Context, DataType, Buffer, Offset, Length): how much was read. Nothing has an expansion ROM
/// that a driver could read.
fn get_data(host: &Host, call: &Call) -> u32 {
    let slot = slot_of(host, call);
    if call.arg32(1) != CONFIGURATION {
        return 0;
    }
    let read = host.read_config(slot, call.arg32(3), call.arg32(4));
    host.memory.write_bytes(call.arg(2), &read);
    read.len() as u32
}

/// The slot and the entry of its MSI-X table that a routine is called for.
fn entry_of(host: &Host, call: &Call) -> Result<(usize, u32), NtStatus> {
    let (slot, entry) = (slot_of(host, call), call.arg32(1));
    if entry < host.message_entries(slot) {
        Ok((slot, entry))
    } else {
        Err(STATUS_INVALID_PARAMETER)
    }
}

/// SetTableEntry(Context, TableEntry, MessageNumber)
fn set_entry(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (slot, entry) = entry_of(host, call)?;
    if !host.has_message(slot, call.arg32(2)) {
        return Err(STATUS_INVALID_PARAMETER);
    }
    host.set_message(slot, entry, call.arg32(2));
    Ok(())
}

/// MaskTableEntry(Context, TableEntry)
fn mask_entry(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (slot, entry) = entry_of(host, call)?;
    host.mask_message(slot, entry, true);
    Ok(())
}

/// UnmaskTableEntry(Context, TableEntry)
fn unmask_entry(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (slot, entry) = entry_of(host, call)?;
    host.mask_message(slot, entry, false);
    Ok(())
}

/// GetTableEntry(Context, TableEntry, MessageNumber, Masked)
fn get_entry(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (slot, entry) = entry_of(host, call)?;
    let (message, masked) = host
        .message_entry(slot, entry)
        .ok_or(STATUS_INVALID_PARAMETER)?;
    host.memory.write(call.arg(2), &message);
    host.memory.write(call.arg(3), &u8::from(masked));
    Ok(())
}

/// GetTableSize(Context)
fn table_size(host: &Host, call: &Call) -> u32 {
    host.message_entries(slot_of(host, call))
}

impl Host {
    /// Whether the function in a slot is on the PCI bus.
    pub(crate) fn has_config(&self, slot: usize) -> bool {
        let slot = self.slots.get(slot);
        slot.is_some_and(|slot| slot.root_id.is_none())
    }

    fn change_bus(&self, slot: usize, change: impl FnOnce(&mut BusInterface)) {
        let mut given = self.framework().bus.0.borrow_mut();
        change(given.entry(slot).or_default());
    }

    /// What the bus driver says to a query; `None` if it has no such interface. One that is too short, or
    /// of another version, is none.
    pub(crate) fn query_bus(&self, slot: usize, query: Query) -> Option<NtStatus> {
        if !self.has_config(slot) || query.version > VERSION {
            return None;
        }
        let kind: Guid = self.memory.read(query.kind);
        let bytes = match kind {
            BUS => self.bus_interface(slot).as_bytes().to_vec(),
            MSIX if self.slots[slot].identity.msix.is_some() => {
                self.msix_interface(slot).as_bytes().to_vec()
            }
            _ => return None,
        };
        let least = if kind == MSIX {
            // The first version of the interface ends with UnmaskTableEntry.
            std::mem::offset_of!(PCI_MSIX_TABLE_CONFIG_INTERFACE, GetTableEntry)
        } else {
            bytes.len()
        };
        if usize::from(query.size) < least {
            return None;
        }
        let room = bytes.len().min(query.size.into());
        self.memory.write_bytes(query.interface, &bytes[..room]);
        self.memory.write(query.interface, &(room as u16));
        let site = self.call_site();
        self.change_bus(slot, |bus| {
            bus.references += 1;
            bus.site = site;
        });
        Some(STATUS_SUCCESS)
    }

    /// What stands for the context of a function's interfaces.
    fn bus_context(&self, slot: usize) -> u64 {
        let known = self.framework().bus.0.borrow().get(&slot).copied();
        let context = known.map_or(0, |bus| bus.context);
        if context != 0 {
            return context;
        }
        let context = self.memory.new_handle();
        self.change_bus(slot, |bus| bus.context = context);
        context
    }

    fn bus_interface(&self, slot: usize) -> BUS_INTERFACE_STANDARD {
        let mut interface = BUS_INTERFACE_STANDARD {
            Version: VERSION,
            ..BUS_INTERFACE_STANDARD::default()
        };
        interface.Context.0 = self.bus_context(slot);
        interface.InterfaceReference.0 = self.routine_of("BusInterfaceReference");
        interface.InterfaceDereference.0 = self.routine_of("BusInterfaceDereference");
        interface.TranslateBusAddress.0 = self.routine_of("TranslateBusAddress");
        interface.GetDmaAdapter.0 = self.routine_of("GetDmaAdapter");
        interface.SetBusData.0 = self.routine_of("SetBusData");
        interface.GetBusData.0 = self.routine_of("GetBusData");
        interface
    }

    fn msix_interface(&self, slot: usize) -> PCI_MSIX_TABLE_CONFIG_INTERFACE {
        let mut interface = PCI_MSIX_TABLE_CONFIG_INTERFACE {
            Version: VERSION,
            ..PCI_MSIX_TABLE_CONFIG_INTERFACE::default()
        };
        interface.Context.0 = self.bus_context(slot);
        interface.InterfaceReference.0 = self.routine_of("BusInterfaceReference");
        interface.InterfaceDereference.0 = self.routine_of("BusInterfaceDereference");
        interface.SetTableEntry.0 = self.routine_of("SetTableEntry");
        interface.MaskTableEntry.0 = self.routine_of("MaskTableEntry");
        interface.UnmaskTableEntry.0 = self.routine_of("UnmaskTableEntry");
        interface.GetTableEntry.0 = self.routine_of("GetTableEntry");
        interface.GetTableSize.0 = self.routine_of("GetTableSize");
        interface
    }

    /// The references to interfaces of the bus driver that are held still, and where driver code got the
    /// last one.
    pub(crate) fn bus_references(&self) -> Vec<(u64, u64)> {
        let given = self.framework().bus.0.borrow();
        let held = given.values().filter(|bus| bus.references > 0);
        held.map(|bus| (bus.references, bus.site)).collect()
    }
}
