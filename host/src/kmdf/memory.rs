//! Memory objects.

use std::cell::Cell;

use kmdf_abi::ntstatus::{NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER};

use super::object::{Attributes, Body};
use crate::{check::rules, cpu::stub::Call, host::Host, memory::Purpose, service::services};

/// WDFMEMORY
pub(crate) struct Memory {
    buffer: Cell<u64>,
    bytes: Cell<u64>,
    /// Whether its buffer is freed with it.
    owned: bool,
    /// Whether its buffer may be another one later.
    assignable: bool,
}

impl Body for Memory {
    const KIND: &'static str = "WDFMEMORY";

    fn dispose(&self, host: &Host) {
        if self.owned
            && let Err(text) = host.memory.free(self.buffer.get())
        {
            host.violation(&rules::BUFFER_OVERRUN, text);
        }
    }
}

impl Memory {
    /// The buffer of a request, which the request frees.
    pub(crate) fn of_request(buffer: u64, bytes: u64) -> Self {
        Self {
            buffer: Cell::new(buffer),
            bytes: Cell::new(bytes),
            owned: false,
            assignable: false,
        }
    }

    /// Memory of its own.
    pub(crate) fn new(host: &Host, bytes: u64) -> Self {
        let purpose = Purpose::System {
            what: "the buffer of a WDFMEMORY",
        };
        let buffer = host
            .memory
            .allocate(bytes, false, purpose)
            .expect("a run has address space for its memory objects");
        Self {
            buffer: Cell::new(buffer),
            bytes: Cell::new(bytes),
            owned: true,
            assignable: false,
        }
    }

    /// Where its buffer is.
    pub(crate) fn buffer(&self) -> u64 {
        self.buffer.get()
    }

    /// How many bytes it has.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.get()
    }
}

services! {
    WdfMemoryCreate <= DISPATCH => create;
    WdfMemoryCreatePreallocated <= DISPATCH => create_preallocated;
    WdfMemoryGetBuffer <= HIGH => buffer;
    WdfMemoryAssignBuffer <= HIGH => assign;
    WdfMemoryCopyToBuffer <= HIGH => copy_to;
    WdfMemoryCopyFromBuffer <= HIGH => copy_from;
}

impl Host {
    /// Makes a memory object with a copy of these bytes, for functions that allocate what they give.
    /// Returns its handle.
    pub(super) fn memory_with(&self, attributes: &Attributes, bytes: &[u8]) -> u64 {
        let parent = self.parent_or_driver(attributes.parent);
        let memory = Memory::new(self, bytes.len() as u64);
        self.memory.write_bytes(memory.buffer(), bytes);
        let (object, _) = self.create_object(Some(&parent), attributes, |_| memory);
        object.handle
    }
}

/// WdfMemoryCreate(Attributes, PoolType, PoolTag, BufferSize, Memory, Buffer)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(0))?;
    if call.arg(3) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let parent = host.parent_or_driver(attributes.parent);
    let memory = Memory::new(host, call.arg(3));
    let address = memory.buffer();
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| memory);
    host.memory.write(call.arg(4), &object.handle);
    if call.arg(5) != 0 {
        host.memory.write(call.arg(5), &address);
    }
    Ok(())
}

/// WdfMemoryCreatePreallocated(Attributes, Buffer, BufferSize, Memory)
fn create_preallocated(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let attributes = host.attributes(call.arg(0))?;
    if call.arg(1) == 0 || call.arg(2) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let parent = host.parent_or_driver(attributes.parent);
    let (object, _) = host.create_object(Some(&parent), &attributes, |_| Memory {
        buffer: Cell::new(call.arg(1)),
        bytes: Cell::new(call.arg(2)),
        owned: false,
        assignable: true,
    });
    host.memory.write(call.arg(3), &object.handle);
    Ok(())
}

/// WdfMemoryGetBuffer(Memory, BufferSize)
fn buffer(host: &Host, call: &Call) -> u64 {
    let memory = host.body::<Memory>(call.arg(0));
    if call.arg(1) != 0 {
        host.memory.write(call.arg(1), &memory.bytes());
    }
    memory.buffer()
}

/// WdfMemoryAssignBuffer(Memory, Buffer, BufferSize)
fn assign(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let memory = host.body::<Memory>(call.arg(0));
    if call.arg(1) == 0 || call.arg(2) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    if !memory.assignable {
        host.violation(
            &rules::MEMORY_ASSIGN,
            "WdfMemoryAssignBuffer is called for memory that has a buffer of its own",
        );
    }
    memory.buffer.set(call.arg(1));
    memory.bytes.set(call.arg(2));
    Ok(())
}

/// The address of `bytes` from an offset of a memory object on.
fn range(memory: &Memory, offset: u64, bytes: u64) -> Result<u64, NtStatus> {
    if bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    match offset.checked_add(bytes) {
        Some(end) if end <= memory.bytes() => Ok(memory.buffer() + offset),
        _ => Err(STATUS_BUFFER_TOO_SMALL),
    }
}

/// WdfMemoryCopyToBuffer(SourceMemory, SourceOffset, Buffer, NumBytesToCopyTo)
fn copy_to(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let memory = host.body::<Memory>(call.arg(0));
    let source = range(&memory, call.arg(1), call.arg(3))?;
    let bytes = host.memory.read_bytes(source, call.arg(3) as usize);
    host.memory.write_bytes(call.arg(2), &bytes);
    Ok(())
}

/// WdfMemoryCopyFromBuffer(DestinationMemory, DestinationOffset, Buffer, NumBytesToCopyFrom)
fn copy_from(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let memory = host.body::<Memory>(call.arg(0));
    let target = range(&memory, call.arg(1), call.arg(3))?;
    let bytes = host.memory.read_bytes(call.arg(2), call.arg(3) as usize);
    host.memory.write_bytes(target, &bytes);
    Ok(())
}
