//! DMA enablers: what a device can reach, and in how many pieces.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::{
    ntstatus::{NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER},
    types::WDF_DMA_ENABLER_CONFIG,
};

use crate::{
    check::rules,
    cpu::stub::Call,
    host::Host,
    kmdf::{device::Device, object::Body},
    physical::Physical,
    service::services,
};

/// Size of WDF_DMA_ENABLER_CONFIG before KMDF 1.11.
const OLDER_SIZE: u32 = 64;
/// `WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS`
const UNLIMITED: u32 = u32::MAX;

/// WDFDMAENABLER
pub(crate) struct Enabler {
    pub(super) device: Rc<Device>,
    pub(super) physical: Rc<Physical>,
    /// Whether it takes a transfer in one piece only.
    pub(super) packet: bool,
    /// The highest address that the device reaches.
    pub(super) mask: u64,
    /// The longest transfer, in bytes.
    pub(super) maximum: u64,
    pub(super) elements: Cell<u32>,
}

impl Body for Enabler {
    const KIND: &'static str = "WDFDMAENABLER";
}

services! {
    WdfDmaEnablerCreate <= PASSIVE => create;
    WdfDmaEnablerGetMaximumLength <= DISPATCH => maximum_length;
    WdfDmaEnablerGetFragmentLength <= DISPATCH => maximum_length;
    WdfDmaEnablerGetMaximumScatterGatherElements <= DISPATCH => elements;
    WdfDmaEnablerSetMaximumScatterGatherElements <= DISPATCH => set_elements;
}

/// WdfDmaEnablerCreate(Device, Config, Attributes, DmaEnablerHandle)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    let size: u32 = host.memory.read(call.arg(1));
    let config = match size {
        OLDER_SIZE => {
            let bytes = host.memory.read_bytes(call.arg(1), OLDER_SIZE as usize);
            older(&bytes)
        }
        _ if size as usize == size_of::<WDF_DMA_ENABLER_CONFIG>() => host.memory.read(call.arg(1)),
        _ => return Err(STATUS_INFO_LENGTH_MISMATCH),
    };
    let attributes = host.attributes(call.arg(2))?;
    let (packet, bits) = match config.Profile.0 {
        1 => (true, 32),
        3 => (true, 64),
        2 | 5 => (false, 32),
        4 | 6 => (false, 64),
        7 | 8 => host.unsupported("DMA by a controller of the system's"),
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    if config.MaximumLength == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let bits = match (config.AddressWidthOverride, config.WdmDmaVersionOverride) {
        (0, _) => bits,
        (width @ 1..=64, 3) => width,
        // Only version 3 of the operations takes a width.
        _ => return Err(STATUS_INVALID_PARAMETER),
    };
    let callbacks = [
        config.EvtDmaEnablerFill,
        config.EvtDmaEnablerFlush,
        config.EvtDmaEnablerEnable,
        config.EvtDmaEnablerDisable,
        config.EvtDmaEnablerSelfManagedIoStart,
        config.EvtDmaEnablerSelfManagedIoStop,
    ];
    if callbacks.iter().any(|callback| callback.0 != 0) {
        host.unsupported("the power callbacks of a DMA enabler");
    }
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    let physical = host.physical_memory(device.slot);
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| Enabler {
        device,
        physical,
        packet,
        mask: u64::MAX >> (64 - bits),
        maximum: config.MaximumLength,
        elements: Cell::new(if packet { 1 } else { UNLIMITED }),
    });
    host.memory.write(call.arg(3), &object.handle);
    Ok(())
}

/// A configuration in its older form, which ends before the overrides.
fn older(bytes: &[u8]) -> WDF_DMA_ENABLER_CONFIG {
    use zerocopy::FromBytes;
    let mut whole = [0; size_of::<WDF_DMA_ENABLER_CONFIG>()];
    whole[..bytes.len()].copy_from_slice(bytes);
    WDF_DMA_ENABLER_CONFIG::read_from_bytes(&whole).unwrap_or_default()
}

fn maximum_length(host: &Host, call: &Call) -> u64 {
    host.body::<Enabler>(call.arg(0)).maximum
}

fn elements(host: &Host, call: &Call) -> u64 {
    host.body::<Enabler>(call.arg(0)).elements.get().into()
}

/// WdfDmaEnablerSetMaximumScatterGatherElements(DmaEnabler, MaximumFragments)
fn set_elements(host: &Host, call: &Call) {
    let enabler = host.body::<Enabler>(call.arg(0));
    if enabler.packet || call.arg(1) == 0 {
        host.violation(
            &rules::DMA_ENABLER,
            "a number of elements is set for an enabler without scatter/gather, or it is 0",
        );
    }
    enabler
        .elements
        .set(u32::try_from(call.arg(1)).unwrap_or(UNLIMITED));
}
