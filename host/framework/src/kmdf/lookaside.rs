//! Look-aside lists: memory objects of one size, made again and again.

use std::rc::Rc;

use kmdf_abi::ntstatus::{NtStatus, STATUS_INVALID_PARAMETER};
use kmdf_machine::{Irql, cpu::stub::Call};
use kmdf_rules::rules;

use super::{
    attributes::Attributes,
    memory::{Memory, PAGED_POOL},
    object::Body,
};
use crate::host::{Host, services};

/// WDFLOOKASIDE
pub(crate) struct Lookaside {
    /// How many bytes each memory object has.
    bytes: u64,
    /// Whether they are pageable.
    paged: bool,
    /// What each memory object is made with.
    attributes: Attributes,
}

impl Body for Lookaside {
    const KIND: &'static str = "WDFLOOKASIDE";
}

services! {
    WdfLookasideListCreate <= DISPATCH => create;
    WdfMemoryCreateFromLookaside <= DISPATCH => create_memory;
}

/// WdfLookasideListCreate(LookasideAttributes, BufferSize, PoolType, MemoryAttributes, PoolTag,
/// Lookaside)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let (bytes, paged) = (call.arg(1), call.arg32(2) & PAGED_POOL != 0);
    host.memory.write(call.arg(5), &0_u64);
    if bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = host.attributes(call.arg(0))?;
    let memory_attributes = host.attributes(call.arg(3))?;
    if paged && host.irql() > Irql::PASSIVE {
        host.violation(
            &rules::KMDF_IRQL,
            format!(
                "WdfLookasideListCreate for pageable memory is called at {}",
                host.irql()
            ),
        );
    }
    let parents = [attributes.parent, memory_attributes.parent];
    let devices = parents.map(|parent| {
        let parent = (parent != 0).then(|| host.object(parent))?;
        host.device_above(&parent)
    });
    // Their buffers are not given back in the order in which two devices go.
    if let [Some(list), Some(memory)] = devices
        && paged
        && !Rc::ptr_eq(&list, &memory)
    {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let parent = host.parent_or_driver(attributes.parent)?;
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| Lookaside {
        bytes,
        paged,
        attributes: memory_attributes,
    });
    host.memory.write(call.arg(5), &object.handle);
    Ok(())
}

/// WdfMemoryCreateFromLookaside(Lookaside, Memory)
fn create_memory(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let list = host.body::<Lookaside>(call.arg(0));
    host.memory.write(call.arg(1), &0_u64);
    host.check_pool_irql(list.paged.into(), "WdfMemoryCreateFromLookaside");
    let parent = host.parent_or_driver(list.attributes.parent)?;
    let memory = Memory::new(host, list.bytes);
    let (object, _) = host.create_object(Some(&parent), &list.attributes, |_| memory);
    host.memory.write(call.arg(1), &object.handle);
    Ok(())
}
