//! Stubs: the addresses that the driver calls when it calls the kernel or the framework.
//!
//! Each service has one stub, a few bytes of code that name it by its index and jump to one common
//! entry, which hands the call over as a [`Call`]: a number and the arguments in memory. x64
//! Windows passes every argument in 8 bytes, the first four in registers with a home reserved for
//! them on the stack just below the others, so that all of them become one array, variadic ones
//! included.

use std::{arch::naked_asm, ptr};

use kmdf_instructions::Registers;

use super::{frame::TrapFrame, trap};

/// The registers that a caller expects to be preserved, as they were when it called; with the
/// stack pointer and the return address they are what unwinding needs.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct CallerRegisters {
    pub(crate) rbx: u64,
    pub(crate) rbp: u64,
    pub(crate) rsi: u64,
    pub(crate) rdi: u64,
    pub(crate) r12: u64,
    pub(crate) r13: u64,
    pub(crate) r14: u64,
    pub(crate) r15: u64,
}

/// A call from the driver.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Which stub was called.
    pub index: u32,
    /// The first argument; the others follow.
    arguments: *const u64,
    /// How many leading arguments are not the service's own (the framework's globals).
    hidden: usize,
    /// The registers of the caller.
    pub(crate) registers: CallerRegisters,
    /// xmm6 to xmm15, which are preserved, too.
    vectors: *const [u128; VECTORS],
}

/// How many SSE registers a callee preserves, and which is the first.
const VECTORS: usize = 10;
const FIRST_VECTOR: usize = 6;

impl Call {
    /// Argument number `index`, counted from 0, without the framework's globals.
    #[must_use]
    pub fn arg(&self, index: usize) -> u64 {
        // SAFETY: a `Call` lives while the driver waits for the service to return, so its stack
        // frame is there, and the arguments in it are one array.
        let argument = unsafe { self.arguments.add(self.hidden + index) };
        // SAFETY: as above; reading more arguments than were passed reads other parts of that
        // frame, which is what a real callee would do.
        unsafe { argument.read() }
    }

    /// The low half of an argument.
    #[must_use]
    pub fn arg32(&self, index: usize) -> u32 {
        self.arg(index) as u32
    }

    /// The low byte of an argument.
    #[must_use]
    pub fn arg8(&self, index: usize) -> u8 {
        self.arg(index) as u8
    }

    /// The lowest byte of an argument as a BOOLEAN.
    #[must_use]
    pub fn flag(&self, index: usize) -> bool {
        self.arg8(index) != 0
    }

    /// The call with that many leading arguments hidden.
    pub(crate) fn hiding(self, hidden: usize) -> Self {
        Self { hidden, ..self }
    }

    /// Where the call returns to.
    pub(crate) fn return_address(&self) -> u64 {
        // SAFETY: the return address lies in the same frame, just below the first argument's home.
        let address = unsafe { self.arguments.sub(1) };
        // SAFETY: as above.
        unsafe { address.read() }
    }

    /// The registers that a call preserves, as they are when it has returned.
    pub(crate) fn registers_at_return(&self) -> Registers {
        let mut registers = Registers {
            gpr: self.preserved(),
            rip: self.return_address(),
            ..Registers::default()
        };
        registers.gpr[Registers::RSP] = self.stack_pointer();
        // SAFETY: the entry saved them in its frame, which is there while the service runs.
        let vectors = unsafe { self.vectors.read() };
        registers.xmm[FIRST_VECTOR..].copy_from_slice(&vectors);
        registers
    }

    /// The general registers that a call preserves, in the order of their encoding; zero for others.
    pub(crate) fn preserved(&self) -> [u64; 16] {
        let registers = self.registers;
        let mut gpr = [0; 16];
        gpr[3] = registers.rbx;
        gpr[5] = registers.rbp;
        gpr[6] = registers.rsi;
        gpr[7] = registers.rdi;
        gpr[12] = registers.r12;
        gpr[13] = registers.r13;
        gpr[14] = registers.r14;
        gpr[15] = registers.r15;
        gpr
    }

    /// The caller's stack pointer once the call has returned.
    pub(crate) fn stack_pointer(&self) -> u64 {
        self.arguments.addr() as u64
    }
}

/// Bytes of one stub.
const STUB_BYTES: usize = 32;

/// A table of stubs in executable memory.
#[derive(Debug)]
pub struct Stubs {
    base: *mut u8,
    bytes: usize,
    count: u32,
}

impl Stubs {
    /// Makes `count` stubs, numbered from 0.
    pub(crate) fn new(count: u32) -> std::io::Result<Self> {
        let bytes = (count as usize * STUB_BYTES).next_multiple_of(4096);
        // SAFETY: a new private mapping has no other user.
        let base = unsafe {
            libc::mmap(
                ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        let stubs = Self {
            base: base.cast(),
            bytes,
            count,
        };
        for index in 0..count {
            let mut code = [0xCC_u8; STUB_BYTES];
            // mov eax, index
            code[0] = 0xB8;
            code[1..5].copy_from_slice(&index.to_le_bytes());
            // mov r11, common
            code[5..7].copy_from_slice(&[0x49, 0xBB]);
            code[7..15].copy_from_slice(&(common as *const () as u64).to_le_bytes());
            // jmp r11
            code[15..18].copy_from_slice(&[0x41, 0xFF, 0xE3]);
            // SAFETY: stub `index` of `count` lies inside the mapping.
            let stub = unsafe { stubs.base.add(index as usize * STUB_BYTES) };
            // SAFETY: `stub` has room for one stub, and the mapping is writable still.
            unsafe { ptr::copy_nonoverlapping(code.as_ptr(), stub, STUB_BYTES) };
        }
        // SAFETY: the mapping is ours; nothing executes in it yet.
        let result = unsafe { libc::mprotect(base, bytes, libc::PROT_READ | libc::PROT_EXEC) };
        if result == 0 {
            Ok(stubs)
        } else {
            Err(std::io::Error::last_os_error())
        }
    }

    /// Whether the address is that of a stub.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        let base = self.base.addr() as u64;
        (base..base + u64::from(self.count) * STUB_BYTES as u64).contains(&address)
    }

    /// The address of a stub.
    ///
    /// # Panics
    /// When there is no stub of that number.
    #[must_use]
    pub fn address(&self, index: u32) -> u64 {
        assert!(index < self.count, "stub {index} of {}", self.count);
        self.base.addr() as u64 + u64::from(index) * STUB_BYTES as u64
    }
}

impl Drop for Stubs {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no driver that could call it is left.
        unsafe { libc::munmap(self.base.cast(), self.bytes) };
    }
}

/// Entered from a stub with the index in eax and the Windows x64 calling convention otherwise.
///
/// # Safety
/// Only stubs jump here.
#[unsafe(naked)]
unsafe extern "C" fn common() {
    naked_asm!(
        // Each register argument to its home, so that all arguments are one array.
        "mov [rsp + 0x08], rcx",
        "mov [rsp + 0x10], rdx",
        "mov [rsp + 0x18], r8",
        "mov [rsp + 0x20], r9",
        "lea rdx, [rsp + 0x08]",
        "mov ecx, eax",
        // The caller's preserved registers, as `CallerRegisters`; then 8 bytes of alignment, the
        // preserved SSE registers, and the callee's home space.
        "push r15",
        "push r14",
        "push r13",
        "push r12",
        "push rdi",
        "push rsi",
        "push rbp",
        "push rbx",
        "mov r8, rsp",
        "sub rsp, 0xC8",
        "movaps [rsp + 0x20], xmm6",
        "movaps [rsp + 0x30], xmm7",
        "movaps [rsp + 0x40], xmm8",
        "movaps [rsp + 0x50], xmm9",
        "movaps [rsp + 0x60], xmm10",
        "movaps [rsp + 0x70], xmm11",
        "movaps [rsp + 0x80], xmm12",
        "movaps [rsp + 0x90], xmm13",
        "movaps [rsp + 0xA0], xmm14",
        "movaps [rsp + 0xB0], xmm15",
        "lea r9, [rsp + 0x20]",
        "call {dispatch}",
        // The callee preserves them all.
        "add rsp, 0x108",
        "ret",
        dispatch = sym dispatch,
    )
}

extern "win64" fn dispatch(
    index: u32,
    arguments: *const u64,
    registers: &CallerRegisters,
    vectors: *const [u128; VECTORS],
) -> u64 {
    let outcome = crate::crossing::on_call(&Call {
        index,
        arguments,
        hidden: 0,
        registers: *registers,
        vectors,
    });
    match outcome {
        Ok(value) => value,
        Err(elsewhere) => {
            let frame = TrapFrame::to_resume(&elsewhere);
            drop(elsewhere);
            // SAFETY: the registers are those of a handler of the driver's in a frame above this call. The
            // only frame of the host's below that is this one, which owns nothing any more.
            unsafe { trap::resume(&raw const frame) }
        }
    }
}
