//! What a handler of the driver's is told of an exception, laid out as x64 Windows does it.

use kmdf_instructions::Registers;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::memory::Memory;

/// `EXCEPTION_NONCONTINUABLE`: the code that raised it does not go on.
pub const NONCONTINUABLE: u32 = 0x1;
/// `EXCEPTION_UNWINDING`: a handler was found, and this frame is left on the way to it.
pub const UNWINDING: u32 = 0x2;
/// `EXCEPTION_TARGET_UNWIND`: this frame is the one with the handler.
pub const TARGET_UNWIND: u32 = 0x20;

/// `EXCEPTION_RECORD`
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct ExceptionRecord {
    /// The NTSTATUS that says what happened.
    pub code: u32,
    /// [`NONCONTINUABLE`] and the others.
    pub flags: u32,
    /// An exception that this one followed from.
    pub record: u64,
    /// Where it happened.
    pub address: u64,
    /// How many of the parameters there are.
    pub parameters: u32,
    pub(super) unused: u32,
    /// For an access violation: whether it was a write, and the address.
    pub information: [u64; 15],
}

/// `DISPATCHER_CONTEXT`: the frame that a language's handler is asked about.
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct DispatcherContext {
    /// Where the frame's function is.
    pub control_pc: u64,
    /// Where its image is.
    pub image_base: u64,
    pub(super) function_entry: u64,
    /// The frame.
    pub establisher: u64,
    /// Where execution goes on: while frames are left, and, once a handler has accepted the exception,
    /// while one is searched.
    pub target: u64,
    pub(super) context: u64,
    pub(super) language_handler: u64,
    /// The data that the compiler made for the handler.
    pub handler_data: u64,
    pub(super) history: u64,
    /// The scope to begin with.
    pub scope: u32,
    pub(super) fill: u32,
}

/// Bytes of a `CONTEXT`, and where its parts are.
pub(super) const CONTEXT_BYTES: u64 = 1232;
const CONTEXT_FLAGS: u64 = 0x30;
const RFLAGS: u64 = 0x44;
/// The general registers, in the order of their encoding.
const GPR: u64 = 0x78;
const RIP: u64 = 0xF8;
const XMM: u64 = 0x1A0;
/// `CONTEXT_FULL`
const FULL: u32 = 0x0010_000B;

/// Writes registers as a `CONTEXT`.
pub(super) fn write_context(memory: &Memory, address: u64, registers: &Registers) {
    memory.write(address + CONTEXT_FLAGS, &FULL);
    memory.write(address + RFLAGS, &(registers.rflags as u32));
    memory.write(address + GPR, &registers.gpr);
    memory.write(address + RIP, &registers.rip);
    memory.write(address + XMM, &registers.xmm);
}

/// The registers of a `CONTEXT`, which the driver may have changed.
pub(super) fn read_context(memory: &Memory, address: u64) -> Registers {
    Registers {
        gpr: memory.read(address + GPR),
        rip: memory.read(address + RIP),
        rflags: u64::from(memory.read::<u32>(address + RFLAGS)),
        xmm: memory.read(address + XMM),
    }
}
