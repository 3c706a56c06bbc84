//! Memory objects.

use std::cell::Cell;

use kmdf_abi::ntstatus::{
    NtStatus, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_BUFFER_SIZE, STATUS_INVALID_PARAMETER,
};
use kmdf_machine::{Irql, Purpose, cpu::stub::Call};
use kmdf_rules::rules;

use super::{attributes::Attributes, object::Body};
use crate::host::{Host, services};

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

    fn destroy(&self, host: &Host) {
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

/// The lowest bit of a POOL_TYPE: PagedPool and relatives.
pub(super) const PAGED_POOL: u32 = 1;

impl Host {
    /// Checks that pool of a type may be allocated at this IRQL.
    pub(super) fn check_pool_irql(&self, pool: u32, what: &str) {
        if pool & PAGED_POOL != 0 && self.irql() > Irql::APC {
            self.violation(
                &rules::PAGED_POOL_IRQL,
                format!("{what} is called for paged pool at {}", self.irql()),
            );
        }
    }

    /// Checks a pointer that the framework demands: for NULL it ends the system.
    pub(super) fn demand(&self, pointer: u64, what: &str) {
        if pointer == 0 {
            self.violation(&rules::INVALID_POINTER, format!("{what} is NULL"));
        }
    }

    /// Makes a memory object with a copy of these bytes, for functions that allocate what they give.
    /// Returns its handle.
    pub(super) fn memory_with(
        &self,
        attributes: &Attributes,
        bytes: &[u8],
    ) -> Result<u64, NtStatus> {
        let parent = self.parent_or_driver(attributes.parent)?;
        let memory = Memory::new(self, bytes.len() as u64);
        self.memory.write_bytes(memory.buffer(), bytes);
        let (object, _) = self.create_object(Some(&parent), attributes, |_| memory);
        Ok(object.handle)
    }
}

/// WdfMemoryCreate(Attributes, PoolType, PoolTag, BufferSize, Memory, Buffer)
fn create(host: &Host, call: &Call) -> Result<(), NtStatus> {
    host.check_pool_irql(call.arg32(1), "WdfMemoryCreate");
    if call.arg(3) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    host.memory.write(call.arg(4), &0_u64);
    let attributes = host.attributes(call.arg(0))?;
    let parent = host.parent_or_driver(attributes.parent)?;
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
    host.demand(call.arg(1), "the Buffer of WdfMemoryCreatePreallocated");
    host.memory.write(call.arg(3), &0_u64);
    if call.arg(2) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = host.attributes(call.arg(0))?;
    let parent = host.parent_or_driver(attributes.parent)?;
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
    if !memory.assignable {
        host.violation(
            &rules::MEMORY_ASSIGN,
            "WdfMemoryAssignBuffer is called for memory that has a buffer of its own",
        );
    }
    host.demand(call.arg(1), "the Buffer of WdfMemoryAssignBuffer");
    if call.arg(2) == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    memory.buffer.set(call.arg(1));
    memory.bytes.set(call.arg(2));
    Ok(())
}

/// The address of `bytes` from an offset of a memory object on, or what it is if they are too many.
fn range(memory: &Memory, offset: u64, bytes: u64, too_many: NtStatus) -> Result<u64, NtStatus> {
    if bytes == 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    match offset.checked_add(bytes) {
        Some(end) if end <= memory.bytes() => Ok(memory.buffer() + offset),
        _ => Err(too_many),
    }
}

/// WdfMemoryCopyToBuffer(SourceMemory, SourceOffset, Buffer, NumBytesToCopyTo)
fn copy_to(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let memory = host.body::<Memory>(call.arg(0));
    let source = range(&memory, call.arg(1), call.arg(3), STATUS_BUFFER_TOO_SMALL)?;
    let bytes = host.memory.read_bytes(source, call.arg(3) as usize);
    host.memory.write_bytes(call.arg(2), &bytes);
    Ok(())
}

/// WdfMemoryCopyFromBuffer(DestinationMemory, DestinationOffset, Buffer, NumBytesToCopyFrom)
fn copy_from(host: &Host, call: &Call) -> Result<(), NtStatus> {
    let memory = host.body::<Memory>(call.arg(0));
    let target = range(
        &memory,
        call.arg(1),
        call.arg(3),
        STATUS_INVALID_BUFFER_SIZE,
    )?;
    let bytes = host.memory.read_bytes(call.arg(2), call.arg(3) as usize);
    host.memory.write_bytes(target, &bytes);
    Ok(())
}
