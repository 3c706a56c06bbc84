//! DMA enablers: what a device can reach, and in how many pieces.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER, STATUS_UNSUCCESSFUL,
        STATUS_WDF_OBJECT_ATTRIBUTES_INVALID,
    },
    types::WDF_DMA_ENABLER_CONFIG,
};
use kmdf_machine::{PAGE, Physical, cpu::stub::Call};
use kmdf_rules::rules;

use crate::{
    host::{Host, services},
    kmdf::{
        device::Device,
        object::{Body, Object},
    },
};

/// Size of WDF_DMA_ENABLER_CONFIG before KMDF 1.11.
const OLDER_SIZE: u32 = 64;
/// `WDF_DMA_ENABLER_UNLIMITED_FRAGMENTS`
const UNLIMITED: u32 = u32::MAX;
/// `WDF_DMA_ENABLER_CONFIG_REQUIRE_SINGLE_TRANSFER`
const REQUIRE_SINGLE_TRANSFER: u32 = 2;

/// WDFDMAENABLER
pub(crate) struct Enabler {
    pub(super) device: Rc<Device>,
    pub(super) physical: Rc<Physical>,
    /// Whether it takes a transfer in one piece only.
    pub(super) packet: bool,
    /// Whether it uses version 3 of the DMA operations.
    pub(super) version_3: bool,
    /// Whether its transactions are of one transfer each.
    pub(super) single: bool,
    /// The highest address that the device reaches.
    pub(super) mask: u64,
    /// The longest transfer, in bytes.
    pub(super) maximum: u64,
    /// The most elements of a transfer.
    pub(super) elements: Cell<u32>,
}

impl Enabler {
    /// Whether a transfer of the memory may have too many elements. The framework counts pages, wherever
    /// they lie.
    pub(super) fn is_too_fragmented(&self, memory: u64, bytes: u64) -> bool {
        !self.packet && pages(memory, bytes) > self.elements.get().into()
    }
}

/// How many pages memory lies in.
pub(super) const fn pages(memory: u64, bytes: u64) -> u64 {
    (memory % PAGE + bytes).div_ceil(PAGE)
}

impl Body for Enabler {
    const KIND: &'static str = "WDFDMAENABLER";
}

services! {
    WdfDmaEnablerCreate <= PASSIVE => create;
    WdfDmaEnablerGetMaximumLength <= DISPATCH => maximum_length;
    WdfDmaEnablerGetFragmentLength <= DISPATCH => fragment_length;
    WdfDmaEnablerGetMaximumScatterGatherElements <= DISPATCH => elements;
    WdfDmaEnablerSetMaximumScatterGatherElements <= PASSIVE => set_elements;
}

/// WdfDmaEnablerCreate(Device, Config, Attributes, DmaEnablerHandle)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let device = host.body::<Device>(call.arg(0));
    host.memory.write(call.arg(3), &0_u64);
    let attributes = host.attributes(call.arg(2))?;
    let parent = match attributes.parent {
        0 => host.object(device.handle),
        parent => host.object(parent),
    };
    if above(&parent).is_none_or(|above| above != device.handle) {
        return Err(STATUS_WDF_OBJECT_ATTRIBUTES_INVALID);
    }
    let config = read_config(host, call.arg(1))?;
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
    if device.is_control() {
        host.unsupported("DMA of a control device");
    }
    let (version, bits) = version(&config, bits)?;
    let single = config.Flags & REQUIRE_SINGLE_TRANSFER != 0;
    if single && (version != 3 || !host.is_built_for(19)) {
        return Err(STATUS_INVALID_PARAMETER);
    }
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
    let physical = host.physical_memory(host.slot_below(&device));
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| Enabler {
        device,
        physical,
        packet,
        version_3: version == 3,
        single,
        mask: u64::MAX >> (64 - bits),
        maximum: config.MaximumLength & u64::from(u32::MAX),
        elements: Cell::new(UNLIMITED),
    });
    host.memory.write(call.arg(3), &object.handle);
    Ok(())
}

/// The device that an object is below, or is.
fn above(object: &Rc<Object>) -> Option<u64> {
    if object.kind == Device::KIND {
        return Some(object.handle);
    }
    above(&object.parent()?)
}

/// The version of the DMA operations that a configuration asks for, and how many address bits of the
/// profile's it leaves.
fn version(config: &WDF_DMA_ENABLER_CONFIG, bits: u32) -> Result<(u32, u32), NtStatus> {
    let least = if config.AddressWidthOverride == 0 {
        2
    } else {
        3
    };
    let bits = match config.AddressWidthOverride {
        0 => bits,
        width if width > 32 && bits == 32 => return Err(STATUS_INVALID_PARAMETER),
        // No adapter has more.
        width if width > 64 => return Err(STATUS_UNSUCCESSFUL),
        width => width,
    };
    match config.WdmDmaVersionOverride {
        0 => Ok((least, bits)),
        version if version < least => Err(STATUS_INVALID_PARAMETER),
        version if version > 3 => Err(STATUS_UNSUCCESSFUL),
        version => Ok((version, bits)),
    }
}

/// The configuration at an address, which is as long as that of the driver's version.
fn read_config(host: &Host, address: u64) -> Result<WDF_DMA_ENABLER_CONFIG, NtStatus> {
    let size: u32 = host.memory.read(address);
    if host.is_built_for(11) {
        let config: WDF_DMA_ENABLER_CONFIG = host.memory.read(address);
        return if size as usize == size_of_val(&config) {
            Ok(config)
        } else {
            Err(STATUS_INFO_LENGTH_MISMATCH)
        };
    }
    if size != OLDER_SIZE {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let bytes = host.memory.read_bytes(address, OLDER_SIZE as usize);
    Ok(older(&bytes))
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

/// WdfDmaEnablerGetFragmentLength(DmaEnabler, DmaDirection): there are map registers enough for the
/// longest transfer.
fn fragment_length(host: &Host, call: &Call) -> u64 {
    host.require(
        call.arg32(1) <= 1,
        "WdfDmaEnablerGetFragmentLength is called for a direction that there is not",
    );
    maximum_length(host, call)
}

/// WdfDmaEnablerSetMaximumScatterGatherElements(DmaEnabler, MaximumElements)
fn set_elements(host: &Host, call: &Call) {
    let enabler = host.body::<Enabler>(call.arg(0));
    if call.arg(1) == 0 {
        host.violation(
            &rules::DMA_ENABLER,
            "the number of elements of an enabler is set to 0",
        );
    }
    enabler
        .elements
        .set(u32::try_from(call.arg(1)).unwrap_or(UNLIMITED));
}
