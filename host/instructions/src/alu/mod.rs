//! Arithmetic, logic, bits and conditions: with a memory operand as source, as destination, or as
//! both.

mod bits;
mod condition;
mod exchange;
mod multiply;
mod shift;

use iced_x86::{ConditionCode, Mnemonic};

use self::{
    bits::{bit_test, count_bits},
    condition::conditional,
    exchange::{cmpxchg, cmpxchg_pair, xadd},
    multiply::{divide, multiply, multiply_wide},
    shift::{double_shift, shift},
};
use super::{
    Bus,
    emulate::{Emulator, Step},
    flags::{self, CF, Flags},
};

/// Carries out an instruction of this family; `false` if it is of another.
pub(super) fn execute<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<bool, B::Fault> {
    use Mnemonic as M;

    let instruction = emulator.instruction;
    match instruction.mnemonic() {
        M::Add | M::Adc | M::Sub | M::Sbb | M::And | M::Or | M::Xor | M::Cmp | M::Test => {
            two_operands(emulator)?;
        }
        M::Inc | M::Dec | M::Not | M::Neg => one_operand(emulator)?,
        M::Xadd => xadd(emulator)?,
        M::Cmpxchg => cmpxchg(emulator)?,
        M::Cmpxchg8b | M::Cmpxchg16b => cmpxchg_pair(emulator)?,
        M::Bt | M::Bts | M::Btr | M::Btc => bit_test(emulator)?,
        M::Shl | M::Sal | M::Shr | M::Sar | M::Rol | M::Ror | M::Rcl | M::Rcr => shift(emulator)?,
        M::Shld | M::Shrd => double_shift(emulator)?,
        M::Imul if instruction.op_count() > 1 => multiply(emulator)?,
        M::Imul | M::Mul => multiply_wide(emulator)?,
        M::Bsf | M::Bsr | M::Tzcnt | M::Lzcnt | M::Popcnt => count_bits(emulator)?,
        M::Div | M::Idiv => divide(emulator)?,
        _ if instruction.condition_code() != ConditionCode::None => {
            return conditional(emulator);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn two_operands<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    use Mnemonic as M;

    let bits = emulator.bits(0)?;
    let (a, b) = (emulator.read(0)?, emulator.read(1)?);
    let carry = emulator.flag(CF);
    let logic = |result: u64| (result, flags::logic(result, bits));
    let mnemonic = emulator.instruction.mnemonic();
    let (result, flags) = match mnemonic {
        M::Add => flags::add(a, b, false, bits),
        M::Adc => flags::add(a, b, carry, bits),
        M::Sub | M::Cmp => flags::sub(a, b, false, bits),
        M::Sbb => flags::sub(a, b, carry, bits),
        M::Or => logic(a | b),
        M::Xor => logic(a ^ b),
        _ => logic(a & b),
    };
    if !matches!(mnemonic, M::Cmp | M::Test) {
        emulator.write(0, result)?;
    }
    emulator.set_flags(flags);
    Ok(())
}

fn one_operand<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let bits = emulator.bits(0)?;
    let value = emulator.read(0)?;
    let (result, flags) = match emulator.instruction.mnemonic() {
        Mnemonic::Inc => {
            let (result, flags) = flags::add(value, 1, false, bits);
            (result, flags.without(CF))
        }
        Mnemonic::Dec => {
            let (result, flags) = flags::sub(value, 1, false, bits);
            (result, flags.without(CF))
        }
        Mnemonic::Neg => flags::sub(0, value, false, bits),
        _ => (!value, Flags::default()),
    };
    emulator.write(0, result)?;
    emulator.set_flags(flags);
    Ok(())
}

/// The lower 64 bits.
const fn low(value: u128) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower half is asked for"
    )]
    {
        value as u64
    }
}
