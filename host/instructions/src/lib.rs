//! Executes a trapped instruction in software, as the processor would have executed it.
//!
//! Device registers are pages that the driver cannot access. An instruction that tries traps;
//! [`emulate()`] decodes it and executes it on a [`Registers`] file and a [`Bus`], with the
//! accesses, the order, the widths and the flags of the processor. Instructions of kernel code
//! that a user-mode processor refuses are distinguished, so that the host can play or report them.

#![cfg(unix)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "registers and addresses hold narrower values of either sign"
)]

mod alu;
mod emulate;
mod flags;
mod port;
mod sse;
mod string;
#[cfg(test)]
mod tests;

pub use emulate::emulate;

use kmdf_bus::Width;

/// The registers of a virtual processor that driver code uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// General registers in the order of their encoding: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi,
    /// r8 to r15.
    pub gpr: [u64; 16],
    /// Address of the instruction.
    pub rip: u64,
    /// Flags.
    pub rflags: u64,
    /// SSE registers.
    pub xmm: [u128; 16],
}

impl Registers {
    /// Index of rax in [`Registers::gpr`].
    pub const RAX: usize = 0;
    /// Index of rcx in [`Registers::gpr`].
    pub const RCX: usize = 1;
    /// Index of rdx in [`Registers::gpr`].
    pub const RDX: usize = 2;
    /// Index of rbx in [`Registers::gpr`].
    pub const RBX: usize = 3;
    /// Index of rsp in [`Registers::gpr`].
    pub const RSP: usize = 4;
    /// Index of rbp in [`Registers::gpr`].
    pub const RBP: usize = 5;
    /// Index of rsi in [`Registers::gpr`].
    pub const RSI: usize = 6;
    /// Index of rdi in [`Registers::gpr`].
    pub const RDI: usize = 7;
}

/// Where an instruction's accesses go: device registers, and the memory beside them.
///
/// An access may be unaligned and may reach beyond the page it begins in; the bus decides what
/// that means.
pub trait Bus {
    /// Why an access is refused. [`std::convert::Infallible`] where none is.
    type Fault;

    /// Reads. The upper bits of a value narrower than 8 bytes are 0.
    ///
    /// # Errors
    /// The access is refused; the instruction has not happened.
    fn load(&mut self, address: u64, width: Width) -> Result<u64, Self::Fault>;

    /// Writes. The upper bits of a value narrower than 8 bytes are 0.
    ///
    /// # Errors
    /// The access is refused; the instruction has not happened, but its earlier accesses have.
    fn store(&mut self, address: u64, width: Width, value: u64) -> Result<(), Self::Fault>;

    /// Reads an I/O port; `None` where the instruction is [`Outcome::Privileged`].
    ///
    /// # Errors
    /// The access is refused; the instruction has not happened.
    fn input(&mut self, port: u16, width: Width) -> Result<Option<u64>, Self::Fault> {
        let _ = (port, width);
        Ok(None)
    }

    /// Writes an I/O port; `false` where the instruction is [`Outcome::Privileged`].
    ///
    /// # Errors
    /// The access is refused; the instruction has not happened.
    fn output(&mut self, port: u16, width: Width, value: u64) -> Result<bool, Self::Fault> {
        let _ = (port, width, value);
        Ok(false)
    }
}

/// What a trapped instruction is or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out; the registers are those after it.
    Done,
    /// A repeated string instruction did as many elements as one call does and has more to do:
    /// `rip` is still its own, as when the processor takes an interrupt between two elements.
    Unfinished,
    /// `mov r64, cr8`: the caller writes the IRQL to this register ([`Registers::gpr`]). `rip` is
    /// the next instruction's.
    ReadCr8 {
        /// Index of the register.
        register: usize,
    },
    /// `mov cr8, r64`: the caller sets the IRQL. `rip` is the next instruction's.
    WriteCr8 {
        /// The value. More than 15 is a general protection fault on a processor.
        value: u64,
    },
    /// An instruction that only the kernel may execute, by its name; not carried out.
    Privileged(String),
    /// `int 29h`, `__fastfail`, with the code in ecx; not carried out. 2 is a stack overrun that
    /// the security cookie found.
    FastFail(u32),
    /// `int3`: `rip` is left as it was given.
    Breakpoint,
    /// `int 2Ch`, a failed assertion (`DbgRaiseAssertionFailure`); not carried out.
    AssertionFailure,
    /// `ud2`, by which compilers end what must not be reached; not carried out.
    Trap,
    /// The processor raises general protection, by this reason; not carried out.
    GeneralProtection(String),
    /// An instruction that is not emulated, in words; not carried out.
    Unsupported(String),
}
