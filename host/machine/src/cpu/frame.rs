//! The state of the processor where driver code was interrupted by a trap.

use std::mem::offset_of;

use kmdf_instructions::Registers;

/// Everything a trap interrupts, in memory on the interrupted stack.
///
/// The trap handler fills it, [`super::trap`]'s trampoline resumes from it, and what the host
/// changes in between is what the driver goes on with.
#[derive(Clone, Debug)]
#[repr(C, align(16))]
pub struct TrapFrame {
    /// x87 and SSE state as `fxsave64` lays it out.
    pub(crate) fx: [u8; 512],
    /// General registers in encoding order: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15.
    /// The slot of rsp is not used: see `rsp`.
    pub gpr: [u64; 16],
    /// What trapped.
    pub(crate) trap: Trap,
    /// The address a memory access named, where the processor told it.
    pub(crate) fault_address: u64,
    /// Instruction pointer. From here on the order is that of `iretq`.
    pub rip: u64,
    pub(crate) cs: u64,
    /// Flags.
    pub rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) ss: u64,
    /// The processor's error code: of a page fault, what kind of access it was.
    pub(crate) error: u64,
}

/// What kind of trap it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Trap {
    /// A memory access the page tables forbid.
    PageFault,
    /// A privileged instruction, or an address that is not canonical.
    GeneralProtection,
    /// `int3`
    Breakpoint,
    /// The trap flag: one instruction was executed.
    Step,
    /// An instruction the processor does not know, or `ud2`.
    InvalidOpcode,
    /// A division by zero or one whose quotient is too large.
    DivideError,
    /// An access that is misaligned, or to a page that cannot be had.
    Alignment,
    /// The watchdog: driver code has not come to the host for too long.
    Watchdog,
}

impl TrapFrame {
    /// A frame to go on from, with what else the processor holds now.
    pub(crate) fn to_resume(registers: &Registers) -> Self {
        /// The selectors of every 64-bit Linux process.
        const CODE_SEGMENT: u64 = 0x33;
        const STACK_SEGMENT: u64 = 0x2B;
        /// Interrupts are enabled, and the bit is set that always is.
        const FLAGS: u64 = 0x202;
        let mut frame = Self {
            fx: [0; 512],
            gpr: [0; 16],
            trap: Trap::Step,
            fault_address: 0,
            rip: 0,
            cs: CODE_SEGMENT,
            rflags: 0,
            rsp: 0,
            ss: STACK_SEGMENT,
            error: 0,
        };
        // SAFETY: the field has the size and, as the first of a structure with that alignment, the
        // alignment that the instruction wants.
        unsafe { std::arch::x86_64::_fxsave64(frame.fx.as_mut_ptr()) };
        frame.set_registers(registers);
        frame.rflags = FLAGS;
        frame
    }

    /// Whether a page fault was a write.
    pub(crate) const fn is_write(&self) -> bool {
        self.error & 2 != 0
    }

    /// Where xmm0 lies in what `fxsave64` saves.
    const XMM: usize = 160;
    /// Index of rsp among the general registers.
    const RSP: usize = 4;

    /// The registers for emulation.
    #[must_use]
    pub fn registers(&self) -> Registers {
        let mut xmm = [0; 16];
        for (register, bytes) in xmm.iter_mut().zip(self.fx[Self::XMM..].chunks_exact(16)) {
            *register = bytes
                .iter()
                .rev()
                .fold(0, |value, &byte| value << 8 | u128::from(byte));
        }
        Registers {
            xmm,
            ..self.general_registers()
        }
    }

    /// The registers without those of SSE, for decoding.
    #[must_use]
    pub fn general_registers(&self) -> Registers {
        let mut gpr = self.gpr;
        gpr[Self::RSP] = self.rsp;
        Registers {
            gpr,
            rip: self.rip,
            rflags: self.rflags,
            xmm: [0; 16],
        }
    }

    /// Resumes with these registers.
    pub(crate) fn set_registers(&mut self, registers: &Registers) {
        self.gpr = registers.gpr;
        self.rsp = registers.gpr[Self::RSP];
        self.rip = registers.rip;
        self.rflags = registers.rflags;
        for (register, bytes) in registers
            .xmm
            .iter()
            .zip(self.fx[Self::XMM..].chunks_exact_mut(16))
        {
            bytes.copy_from_slice(&register.to_le_bytes());
        }
    }

    /// Offset of the fields that the trampoline needs.
    pub(crate) const FX: usize = offset_of!(Self, fx);
    pub(crate) const GPR: usize = offset_of!(Self, gpr);
    pub(crate) const IRET: usize = offset_of!(Self, rip);
}

const _: () = assert!(TrapFrame::FX == 0);
const _: () = assert!(TrapFrame::GPR == 512);
const _: () = assert!(TrapFrame::IRET == 512 + 16 * 8 + 16);
const _: () = assert!(size_of::<TrapFrame>().is_multiple_of(16));
