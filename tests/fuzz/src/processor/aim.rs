//! Aiming a random instruction at memory that it may access.

use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, Instruction, Register};
use kmdf_host::access::Registers;

use super::{native::WINDOW, numbers::Numbers};

/// Changes registers, and the address in the instruction, so that it accesses the window.
pub(super) fn aim(
    numbers: &mut Numbers<'_>,
    code: &mut [u8],
    registers: &mut Registers,
    start: u64,
) -> Instruction {
    let rip = registers.rip;
    let (instruction, displacement) = decode(code, rip);
    let target = start + numbers.below(WINDOW as u64 - 64);
    // Mostly aligned, as device registers are.
    let target = if numbers.below(4) == 0 {
        target
    } else {
        target & !15
    };
    if instruction.is_string_instruction() {
        registers.gpr[Registers::RSI] = target;
        registers.gpr[Registers::RDI] = start + numbers.below(WINDOW as u64);
        registers.gpr[Registers::RCX] = numbers.below(24);
        return instruction;
    }
    let base = instruction.memory_base();
    let index = instruction.memory_index();
    let by_rip = instruction.is_ip_rel_memory_operand();
    if by_rip || (base == Register::None && index == Register::None) {
        let next = rip + instruction.len() as u64;
        let address = if by_rip {
            target.wrapping_sub(next)
        } else {
            target
        };
        let length = displacement.len();
        if let Some(bytes) = code.get_mut(displacement) {
            bytes.copy_from_slice(&address.to_le_bytes()[..length]);
        }
        return decode(code, rip).0;
    }
    if index.is_gpr() {
        registers.gpr[index.full_register().number()] = numbers.below(16);
    }
    if base.is_gpr() {
        let number = base.full_register().number();
        let scaled = if index.is_gpr() && index.full_register().number() != number {
            registers.gpr[index.full_register().number()]
                * u64::from(instruction.memory_index_scale())
        } else {
            0
        };
        registers.gpr[number] = target
            .wrapping_sub(scaled)
            .wrapping_sub(instruction.memory_displacement64());
    }
    // Pushes and pops need a stack, too.
    if base.full_register() != Register::RSP {
        registers.gpr[Registers::RSP] = start + WINDOW as u64 / 2;
    }
    instruction
}

/// Decodes an instruction; and where in it the displacement is.
fn decode(code: &[u8], rip: u64) -> (Instruction, Range<usize>) {
    let mut decoder = Decoder::with_ip(64, code, rip, DecoderOptions::NONE);
    let instruction = decoder.decode();
    let offsets = decoder.get_constant_offsets(&instruction);
    let start = offsets.displacement_offset();
    (instruction, start..start + offsets.displacement_size())
}
