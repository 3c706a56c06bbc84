//! Common buffers: memory that driver and device use at the same time.

use std::{cell::Cell, rc::Rc};

use kmdf_abi::{
    ntstatus::{
        NtStatus, STATUS_INFO_LENGTH_MISMATCH, STATUS_INSUFFICIENT_RESOURCES,
        STATUS_INVALID_PARAMETER,
    },
    types::WDF_COMMON_BUFFER_CONFIG,
};
use kmdf_machine::{PAGE, Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use super::enabler::Enabler;
use crate::{
    host::{Host, services},
    kmdf::{attributes::Allowed, object::Body},
};

/// WDFCOMMONBUFFER
pub(crate) struct CommonBuffer {
    /// Where the driver sees it.
    memory: Cell<u64>,
    /// Where the device does.
    address: u64,
    bytes: u64,
}

impl Body for CommonBuffer {
    const KIND: &'static str = "WDFCOMMONBUFFER";

    fn dispose(&self, host: &Host) {
        if let Err(text) = host.free_in_frames(self.memory.get()) {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }
}

services! {
    WdfCommonBufferCreate <= PASSIVE => create_default;
    WdfCommonBufferCreateWithConfig <= PASSIVE => create_with_config;
    WdfCommonBufferGetAlignedVirtualAddress <= DISPATCH => memory;
    WdfCommonBufferGetAlignedLogicalAddress <= DISPATCH => address;
    WdfCommonBufferGetLength <= DISPATCH => length;
}

/// WdfCommonBufferCreate(DmaEnabler, Length, Attributes, CommonBuffer)
fn create_default(host: &Host, call: &Call) -> Result<(), NtStatus> {
    create(host, call, PAGE, call.arg(2), call.arg(3))
}

/// WdfCommonBufferCreateWithConfig(DmaEnabler, Length, Config, Attributes, CommonBuffer)
fn create_with_config(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let config: WDF_COMMON_BUFFER_CONFIG = host.memory.read(call.arg(2));
    if config.Size as usize != size_of::<WDF_COMMON_BUFFER_CONFIG>() {
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    // FILE_BYTE_ALIGNMENT and relatives: the alignment less 1.
    let alignment = u64::from(config.AlignmentRequirement) + 1;
    create(host, call, alignment, call.arg(3), call.arg(4))
}

fn create(
    host: &Host,
    call: &Call,
    alignment: u64,
    attributes: u64,
    out: u64,
) -> Result<(), NtStatus> {
    let enabler = host.body::<Enabler>(call.arg(0));
    let bytes = call.arg(1);
    host.memory.write(out, &0_u64);
    if bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = host.attributes_with(attributes, Allowed::PLAIN.without_parent())?;
    let physical = Rc::clone(&enabler.physical);
    let address = physical
        .contiguous(bytes, enabler.mask, alignment.next_power_of_two())
        .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    let purpose = Purpose::System {
        what: "a common buffer",
    };
    let memory = host
        .allocate_in_frames(&physical, bytes, Some(address), purpose)
        .ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
    host.memory.fill_with_pattern(memory, bytes);
    let parent = host.object(call.arg(0));
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| CommonBuffer {
        memory: Cell::new(memory),
        address,
        bytes,
    });
    host.memory.write(out, &object.handle);
    Ok(())
}

fn memory(host: &Host, call: &Call) -> u64 {
    host.body::<CommonBuffer>(call.arg(0)).memory.get()
}

fn address(host: &Host, call: &Call) -> u64 {
    host.body::<CommonBuffer>(call.arg(0)).address
}

fn length(host: &Host, call: &Call) -> u64 {
    host.body::<CommonBuffer>(call.arg(0)).bytes
}
