//! Decoding, operands, and the instructions that only move data.

use iced_x86::{
    Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, Mnemonic, OpKind, Register,
};
use kmdf_bus::Width;

use super::{Bus, Outcome, Registers, alu, flags::Flags, port, sse, string};

/// Why an instruction was not carried out.
pub(super) enum Stop<F> {
    /// The bus refused an access.
    Fault(F),
    /// There is something else to tell the caller.
    Outcome(Outcome),
}

/// The result of a part of an instruction.
pub(super) type Step<T, F> = Result<T, Stop<F>>;

/// Carries out the instruction in `code`, which holds the bytes at `registers.rip` (15 suffice).
///
/// Accesses happen in the processor's order, each once, of the operand's width; a 16-byte SSE
/// operand is two accesses of 8 bytes, the lower first. Registers change after the last access, so
/// an instruction whose access is refused has changed none; a repeated string instruction keeps
/// the elements it has done. A locked instruction is a load followed by a store.
///
/// # Errors
/// The bus refused an access.
pub fn emulate<B: Bus>(
    code: &[u8],
    registers: &mut Registers,
    bus: &mut B,
) -> Result<Outcome, B::Fault> {
    let mut decoder = Decoder::with_ip(64, code, registers.rip, DecoderOptions::NONE);
    let instruction = decoder.decode();
    if instruction.is_invalid() {
        let bytes = code.get(..15).unwrap_or(code);
        return Ok(Outcome::Unsupported(format!(
            "no valid instruction: {bytes:02x?}"
        )));
    }
    let next = registers.rip.wrapping_add(instruction.len() as u64);
    let mut emulator = Emulator {
        instruction,
        registers,
        bus,
    };
    match emulator.execute() {
        Ok(()) => {
            registers.rip = next;
            Ok(Outcome::Done)
        }
        Err(Stop::Outcome(outcome)) => {
            if matches!(outcome, Outcome::ReadCr8 { .. } | Outcome::WriteCr8 { .. }) {
                registers.rip = next;
            }
            Ok(outcome)
        }
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// One instruction on its way.
pub(super) struct Emulator<'a, B: Bus> {
    pub instruction: Instruction,
    pub registers: &'a mut Registers,
    pub bus: &'a mut B,
}

impl<B: Bus> Emulator<'_, B> {
    fn execute(&mut self) -> Step<(), B::Fault> {
        use Mnemonic as M;

        let instruction = self.instruction;
        if instruction.is_string_instruction() && !instruction.is_privileged() {
            return string::execute(self);
        }
        match instruction.mnemonic() {
            M::Mov if is_control(instruction.op0_register()) => Err(self.control_write()),
            M::Mov if is_control(instruction.op1_register()) => Err(self.control_read()),
            M::Mov | M::Movnti | M::Movzx => {
                let value = self.read(1)?;
                self.write(0, value)
            }
            M::Movsx | M::Movsxd => {
                let value = self.read(1)?;
                let value = sign_extend(value, self.bits(1)?);
                self.write(0, value)
            }
            M::Movbe => {
                let value = self.read(1)?;
                let bits = self.bits(0)?;
                self.write(0, value.swap_bytes() >> (64 - bits))
            }
            M::Xchg => {
                // The memory operand, if there is one, is the first.
                let (first, second) = (self.read(0)?, self.read(1)?);
                self.write(0, second)?;
                self.write(1, first)
            }
            M::Push => {
                let value = self.read(0)?;
                let width = self.stack_width()?;
                let stack = self.registers.gpr[Registers::RSP].wrapping_sub(width.bytes() as u64);
                self.store(stack, width, value)?;
                self.registers.gpr[Registers::RSP] = stack;
                Ok(())
            }
            M::Pop => self.pop(),
            // Hints: no access that a device sees.
            M::Nop
            | M::Clflush
            | M::Clflushopt
            | M::Clwb
            | M::Prefetchnta
            | M::Prefetcht0
            | M::Prefetcht1
            | M::Prefetcht2
            | M::Prefetchw => Ok(()),
            M::Int3 => Err(Stop::Outcome(Outcome::Breakpoint)),
            M::Ud2 => Err(Stop::Outcome(Outcome::Trap)),
            M::Int => Err(Stop::Outcome(match instruction.immediate8() {
                0x29 => {
                    let code = self.registers.gpr[Registers::RCX] & Width::Dword.all_ones();
                    Outcome::FastFail(u32::try_from(code).unwrap_or(u32::MAX))
                }
                0x2c => Outcome::AssertionFailure,
                _ => return Err(self.unsupported("not emulated")),
            })),
            _ if instruction.is_privileged() => {
                if port::execute(self)? {
                    Ok(())
                } else {
                    Err(self.privileged())
                }
            }
            _ => {
                if sse::execute(self)? || alu::execute(self)? {
                    Ok(())
                } else {
                    Err(self.unsupported("not emulated"))
                }
            }
        }
    }

    /// `pop [m]`: an address by rsp is by the rsp after the pop.
    fn pop(&mut self) -> Step<(), B::Fault> {
        let width = self.stack_width()?;
        let stack = self.registers.gpr[Registers::RSP];
        let value = self.load(stack, width)?;
        let popped = stack.wrapping_add(width.bytes() as u64);
        self.registers.gpr[Registers::RSP] = popped;
        let written = self.write(0, value);
        if written.is_err() {
            self.registers.gpr[Registers::RSP] = stack;
        }
        written
    }

    fn stack_width(&self) -> Step<Width, B::Fault> {
        let bytes = self.instruction.stack_pointer_increment().unsigned_abs();
        self.width_of(bytes as usize)
    }

    fn control_write(&self) -> Stop<B::Fault> {
        Stop::Outcome(match self.instruction.op0_register() {
            Register::CR8 => Outcome::WriteCr8 {
                value: self.register(self.instruction.op1_register()),
            },
            other => Outcome::Privileged(format!("mov to {other:?}").to_lowercase()),
        })
    }

    fn control_read(&self) -> Stop<B::Fault> {
        Stop::Outcome(match self.instruction.op1_register() {
            Register::CR8 => Outcome::ReadCr8 {
                register: self.instruction.op0_register().number(),
            },
            other => Outcome::Privileged(format!("mov from {other:?}").to_lowercase()),
        })
    }

    /// The outcome for an instruction that only the kernel may execute.
    pub fn privileged(&self) -> Stop<B::Fault> {
        let name = format!("{:?}", self.instruction.mnemonic());
        Stop::Outcome(Outcome::Privileged(name.to_lowercase()))
    }

    /// The outcome for an instruction that is not emulated, with its text.
    pub fn unsupported(&self, why: &str) -> Stop<B::Fault> {
        Stop::Outcome(Outcome::Unsupported(format!("{why}: {}", self.text())))
    }

    /// The instruction as an assembler writes it.
    pub fn text(&self) -> String {
        let mut text = String::new();
        IntelFormatter::new().format(&self.instruction, &mut text);
        text
    }

    fn width_of(&self, bytes: usize) -> Step<Width, B::Fault> {
        Width::of(bytes).ok_or_else(|| self.unsupported("an operand of no usual width"))
    }

    /// The width of an operand. An immediate has its instruction's.
    pub fn width(&self, operand: u32) -> Step<Width, B::Fault> {
        match self.instruction.op_kind(operand) {
            OpKind::Register => {
                let register = self.instruction.op_register(operand);
                if !register.is_gpr() {
                    return Err(self.unsupported("not a general register"));
                }
                self.width_of(register.size())
            }
            OpKind::Memory => self.width_of(self.instruction.memory_size().size()),
            _ if operand > 0 => self.width(0),
            _ => Err(self.unsupported("an operand of no usual kind")),
        }
    }

    /// The width of an operand in bits.
    pub fn bits(&self, operand: u32) -> Step<u32, B::Fault> {
        self.width(operand).map(bits)
    }

    /// The address of the memory operand.
    pub fn address(&self) -> Step<u64, B::Fault> {
        let operand = (0..self.instruction.op_count())
            .find(|operand| self.instruction.op_kind(*operand) == OpKind::Memory);
        let address =
            self.instruction
                .virtual_address(operand.unwrap_or(0), 0, |register, _, _| {
                    match register {
                        Register::ES | Register::CS | Register::SS | Register::DS => Some(0),
                        general if general.is_gpr() => Some(self.register(general)),
                        // FS and GS: what they point to is the kernel's own business.
                        _ => None,
                    }
                });
        address.ok_or_else(|| self.unsupported("an address in the kernel's own data"))
    }

    /// Reads an operand: a register, memory, or an immediate extended to the width.
    pub fn read(&mut self, operand: u32) -> Step<u64, B::Fault> {
        let width = self.width(operand)?;
        match self.instruction.op_kind(operand) {
            OpKind::Register => Ok(self.register(self.instruction.op_register(operand))),
            OpKind::Memory => self.load(self.address()?, width),
            _ => match self.instruction.try_immediate(operand) {
                Ok(value) => Ok(value & width.all_ones()),
                Err(_) => Err(self.unsupported("an operand of no usual kind")),
            },
        }
    }

    /// Writes an operand: a register or memory. What is too wide is cut off.
    pub fn write(&mut self, operand: u32, value: u64) -> Step<(), B::Fault> {
        let width = self.width(operand)?;
        match self.instruction.op_kind(operand) {
            OpKind::Register => {
                self.set_register(self.instruction.op_register(operand), value);
                Ok(())
            }
            OpKind::Memory => self.store(self.address()?, width, value & width.all_ones()),
            _ => Err(self.unsupported("an operand of no usual kind")),
        }
    }

    pub fn load(&mut self, address: u64, width: Width) -> Step<u64, B::Fault> {
        let value = self.bus.load(address, width).map_err(Stop::Fault)?;
        Ok(value & width.all_ones())
    }

    pub fn store(&mut self, address: u64, width: Width, value: u64) -> Step<(), B::Fault> {
        self.bus
            .store(address, width, value & width.all_ones())
            .map_err(Stop::Fault)
    }

    /// The value of a general register, 0 for anything else.
    pub fn register(&self, register: Register) -> u64 {
        if !register.is_gpr() {
            return 0;
        }
        let full = self.registers.gpr[register.full_register().number()];
        let value = if is_high_byte(register) {
            full >> 8
        } else {
            full
        };
        value & Width::of(register.size()).map_or(0, Width::all_ones)
    }

    /// Sets a general register as the processor does: 4 bytes clear the upper half, 1 and 2 leave
    /// the rest as it is.
    pub fn set_register(&mut self, register: Register, value: u64) {
        if !register.is_gpr() {
            return;
        }
        let full = &mut self.registers.gpr[register.full_register().number()];
        *full = match register.size() {
            8 => value,
            4 => value & 0xffff_ffff,
            2 => *full & !0xffff | value & 0xffff,
            _ if is_high_byte(register) => *full & !0xff00 | (value & 0xff) << 8,
            _ => *full & !0xff | value & 0xff,
        };
    }

    /// Whether a flag is set.
    pub fn flag(&self, flag: u64) -> bool {
        self.registers.rflags & flag != 0
    }

    /// Changes flags.
    pub fn set_flags(&mut self, flags: Flags) {
        self.registers.rflags = flags.apply(self.registers.rflags);
    }
}

/// A width in bits.
pub(super) const fn bits(width: Width) -> u32 {
    match width {
        Width::Byte => 8,
        Width::Word => 16,
        Width::Dword => 32,
        Width::Qword => 64,
    }
}

/// A value of `bits` bits as one of 64 with the same sign.
pub(super) const fn sign_extend(value: u64, bits: u32) -> u64 {
    let shift = 64 - bits;
    ((value << shift).cast_signed() >> shift).cast_unsigned()
}

fn is_control(register: Register) -> bool {
    register.is_cr() || register.is_dr()
}

fn is_high_byte(register: Register) -> bool {
    matches!(
        register,
        Register::AH | Register::BH | Register::CH | Register::DH
    )
}
