//! Arithmetic, logic, bits and conditions: with a memory operand as source, as destination, or as
//! both.

use iced_x86::{ConditionCode, Mnemonic, OpKind, Register};

use super::{
    Bus, Outcome, Registers,
    emulate::{Emulator, Step, Stop, bits, sign_extend},
    flags::{self, AF, CF, Flags, OF, PF, SF, ZF, mask},
};
use crate::device::Width;

/// Carries out an instruction of this family; `false` if it is of another.
pub(super) fn execute<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<bool, B::Fault> {
    use Mnemonic as M;

    let instruction = emulator.instruction;
    match instruction.mnemonic() {
        M::Add | M::Adc | M::Sub | M::Sbb | M::And | M::Or | M::Xor | M::Cmp | M::Test => {
            two_operands(emulator)?;
        }
        M::Inc | M::Dec | M::Not | M::Neg => one_operand(emulator)?,
        M::Xadd => {
            let bits = emulator.bits(0)?;
            let (old, added) = (emulator.read(0)?, emulator.read(1)?);
            let (sum, flags) = flags::add(old, added, false, bits);
            if instruction.op0_kind() == OpKind::Memory {
                emulator.write(0, sum)?;
                emulator.write(1, old)?;
            } else {
                emulator.write(1, old)?;
                emulator.write(0, sum)?;
            }
            emulator.set_flags(flags);
        }
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

/// Memory is written in any case, with its own value when it differs, as the processor does; a
/// register is not, which shows in its upper half.
fn cmpxchg<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let width = emulator.width(0)?;
    let (old, new) = (emulator.read(0)?, emulator.read(1)?);
    let accumulator = match width {
        Width::Byte => Register::AL,
        Width::Word => Register::AX,
        Width::Dword => Register::EAX,
        Width::Qword => Register::RAX,
    };
    let expected = emulator.register(accumulator);
    let (_, flags) = flags::sub(expected, old, false, bits(width));
    if expected == old {
        emulator.write(0, new)?;
    } else {
        if emulator.instruction.op0_kind() == OpKind::Memory {
            emulator.write(0, old)?;
        }
        emulator.set_register(accumulator, old);
    }
    emulator.set_flags(flags);
    Ok(())
}

/// `cmpxchg8b`, and `cmpxchg16b` as two accesses of 8 bytes each way.
fn cmpxchg_pair<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let address = emulator.address()?;
    let (width, low, high) = if emulator.instruction.mnemonic() == Mnemonic::Cmpxchg8b {
        (Width::Dword, Register::EAX, Register::EDX)
    } else {
        if !address.is_multiple_of(16) {
            let reason = format!("{} at {address:#x}, which is not aligned", emulator.text());
            return Err(Stop::Outcome(Outcome::GeneralProtection(reason)));
        }
        (Width::Qword, Register::RAX, Register::RDX)
    };
    let part = width.bytes() as u64;
    let (new_low, new_high) = (
        emulator.registers.gpr[Registers::RBX],
        emulator.registers.gpr[Registers::RCX],
    );
    let old = if width == Width::Dword {
        let both = emulator.load(address, Width::Qword)?;
        (both & width.all_ones(), both >> 32)
    } else {
        let low = emulator.load(address, width)?;
        (low, emulator.load(address.wrapping_add(part), width)?)
    };
    let same = old == (emulator.register(low), emulator.register(high));
    let new = if same { (new_low, new_high) } else { old };
    if width == Width::Dword {
        let both = new.0 & width.all_ones() | new.1 << 32;
        emulator.store(address, Width::Qword, both)?;
    } else {
        emulator.store(address, width, new.0)?;
        emulator.store(address.wrapping_add(part), width, new.1)?;
    }
    if !same {
        emulator.set_register(low, old.0);
        emulator.set_register(high, old.1);
    }
    emulator.set_flags(Flags::default().with(ZF, same));
    Ok(())
}

/// A bit number in a register reaches beyond the operand: the operand that is accessed is the one
/// that holds the bit.
fn bit_test<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let width = emulator.width(0)?;
    let bits = bits(width);
    let number = emulator.read(1)?;
    let in_memory = emulator.instruction.op0_kind() == OpKind::Memory;
    let address = if in_memory {
        let base = emulator.address()?;
        if emulator.instruction.op1_kind() == OpKind::Register {
            let operands = sign_extend(number, bits).cast_signed() >> bits.trailing_zeros();
            base.wrapping_add_signed(operands.wrapping_mul(i64::from(bits / 8)))
        } else {
            base
        }
    } else {
        0
    };
    let old = if in_memory {
        emulator.load(address, width)?
    } else {
        emulator.read(0)?
    };
    let bit = 1 << (number & u64::from(bits - 1));
    let new = match emulator.instruction.mnemonic() {
        Mnemonic::Bts => old | bit,
        Mnemonic::Btr => old & !bit,
        Mnemonic::Btc => old ^ bit,
        _ => old,
    };
    if emulator.instruction.mnemonic() != Mnemonic::Bt {
        if in_memory {
            emulator.store(address, width, new)?;
        } else {
            emulator.write(0, new)?;
        }
    }
    emulator.set_flags(Flags::default().with(CF, old & bit != 0));
    Ok(())
}

/// The count of a shift: its operand, cut to 5 or 6 bits.
fn shift_count<B: Bus>(
    emulator: &mut Emulator<'_, B>,
    operand: u32,
    bits: u32,
) -> Step<u32, B::Fault> {
    let count = match emulator.instruction.op_kind(operand) {
        OpKind::Register => emulator.register(emulator.instruction.op_register(operand)),
        _ => emulator.read(operand)?,
    };
    let count = count & if bits == 64 { 63 } else { 31 };
    Ok(u32::try_from(count).unwrap_or(0))
}

fn shift<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    use Mnemonic as M;

    let bits = emulator.bits(0)?;
    let count = shift_count(emulator, 1, bits)?;
    let value = emulator.read(0)?;
    let top = |value: u64| value >> (bits - 1) & 1 == 1;
    let carry = emulator.flag(CF);
    let mnemonic = emulator.instruction.mnemonic();
    let (result, flags) = match mnemonic {
        _ if count == 0 => (value, Flags::default()),
        M::Rol | M::Ror | M::Rcl | M::Rcr => {
            let (mut result, mut carry) = (value, carry);
            for _ in 0..count {
                (result, carry) = match mnemonic {
                    M::Rol => (result << 1 | u64::from(top(result)), top(result)),
                    M::Rcl => (result << 1 | u64::from(carry), top(result)),
                    M::Ror => (result >> 1 | (result & 1) << (bits - 1), result & 1 == 1),
                    _ => (
                        result >> 1 | u64::from(carry) << (bits - 1),
                        result & 1 == 1,
                    ),
                };
                result &= mask(bits);
            }
            let overflow = match mnemonic {
                M::Rol | M::Rcl => top(result) != carry,
                _ => top(result) != (result >> (bits - 2) & 1 == 1),
            };
            let flags = Flags::default().with(CF, carry).with(OF, overflow);
            (result, flags)
        }
        M::Shl | M::Sal => {
            let wide = u128::from(value) << count;
            let result = low(wide) & mask(bits);
            let carry = wide >> bits & 1 == 1;
            let flags = Flags::of_result(result, bits)
                .with(CF, carry)
                .with(OF, top(result) != carry);
            (result, flags)
        }
        M::Shr => {
            let carry = value >> (count - 1) & 1 == 1;
            let result = value.checked_shr(count).unwrap_or(0);
            let flags = Flags::of_result(result, bits)
                .with(CF, carry)
                .with(OF, top(value));
            (result, flags)
        }
        _ => {
            let signed = sign_extend(value, bits).cast_signed();
            let carry = signed >> (count - 1) & 1 == 1;
            let result = (signed >> count).cast_unsigned() & mask(bits);
            let flags = Flags::of_result(result, bits)
                .with(CF, carry)
                .with(OF, false);
            (result, flags)
        }
    };
    // OF is defined for a count of 1 only; it stays what it is for others.
    let flags = if count == 1 { flags } else { flags.without(OF) };
    emulator.write(0, result)?;
    emulator.set_flags(flags);
    Ok(())
}

fn double_shift<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let bits = emulator.bits(0)?;
    let count = shift_count(emulator, 2, bits)?;
    if count > bits {
        return Err(emulator.unsupported("a shift whose result is undefined"));
    }
    let (value, filler) = (emulator.read(0)?, emulator.read(1)?);
    if count == 0 {
        return emulator.write(0, value);
    }
    let (result, carry) = if emulator.instruction.mnemonic() == Mnemonic::Shld {
        let both = u128::from(value) << bits | u128::from(filler);
        (
            low(both << count >> bits) & mask(bits),
            value >> (bits - count) & 1 == 1,
        )
    } else {
        let both = u128::from(filler) << bits | u128::from(value);
        (
            low(both >> count) & mask(bits),
            value >> (count - 1) & 1 == 1,
        )
    };
    let changed_sign = (value ^ result) >> (bits - 1) & 1 == 1;
    let mut flags = Flags::of_result(result, bits).with(CF, carry);
    if count == 1 {
        flags = flags.with(OF, changed_sign);
    }
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

/// `imul` with two or three operands.
fn multiply<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let bits = emulator.bits(0)?;
    let last = emulator.instruction.op_count() - 1;
    let (a, b) = (emulator.read(last - 1)?, emulator.read(last)?);
    let signed = |value| i128::from(sign_extend(value, bits).cast_signed());
    let product = signed(a) * signed(b);
    let result = low(product.cast_unsigned()) & mask(bits);
    let overflow = signed(result) != product;
    emulator.write(0, result)?;
    emulator.set_flags(Flags::default().with(CF, overflow).with(OF, overflow));
    Ok(())
}

/// The registers that a double-width product or dividend is in: lower half, upper half.
const fn pair(width: Width) -> (Register, Register) {
    match width {
        Width::Byte => (Register::AL, Register::AH),
        Width::Word => (Register::AX, Register::DX),
        Width::Dword => (Register::EAX, Register::EDX),
        Width::Qword => (Register::RAX, Register::RDX),
    }
}

/// `mul`, and `imul` with one operand.
fn multiply_wide<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let width = emulator.width(0)?;
    let bits = bits(width);
    let (lower, upper) = pair(width);
    let factor = emulator.read(0)?;
    let accumulator = emulator.register(lower);
    let (product, overflow) = if emulator.instruction.mnemonic() == Mnemonic::Mul {
        let product = u128::from(factor) * u128::from(accumulator);
        (product, product >> bits != 0)
    } else {
        let signed = |value| i128::from(sign_extend(value, bits).cast_signed());
        let product = signed(factor) * signed(accumulator);
        let kept = signed(low(product.cast_unsigned()) & mask(bits));
        (product.cast_unsigned(), kept != product)
    };
    emulator.set_register(lower, low(product));
    emulator.set_register(upper, low(product >> bits));
    emulator.set_flags(Flags::default().with(CF, overflow).with(OF, overflow));
    Ok(())
}

fn divide<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let width = emulator.width(0)?;
    let bits = bits(width);
    let (lower, upper) = pair(width);
    let divisor = emulator.read(0)?;
    let dividend =
        u128::from(emulator.register(upper)) << bits | u128::from(emulator.register(lower));
    let parts = if emulator.instruction.mnemonic() == Mnemonic::Div {
        let divisor = u128::from(divisor);
        dividend
            .checked_div(divisor)
            .filter(|quotient| quotient >> bits == 0)
            .map(|quotient| (low(quotient), low(dividend % divisor)))
    } else {
        let shift = 128 - 2 * bits;
        let dividend = (dividend << shift).cast_signed() >> shift;
        let divisor = i128::from(sign_extend(divisor, bits).cast_signed());
        dividend
            .checked_div(divisor)
            .map(|quotient| (quotient, dividend % divisor))
            .filter(|(quotient, _)| {
                let cut = sign_extend(low(quotient.cast_unsigned()) & mask(bits), bits);
                i128::from(cut.cast_signed()) == *quotient
            })
            .map(|(quotient, rest)| (low(quotient.cast_unsigned()), low(rest.cast_unsigned())))
    };
    let Some((quotient, remainder)) = parts else {
        return Err(emulator.unsupported("a divide error"));
    };
    emulator.set_register(lower, quotient);
    emulator.set_register(upper, remainder);
    Ok(())
}

fn count_bits<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    use Mnemonic as M;

    let bits = emulator.bits(1)?;
    let value = emulator.read(1)?;
    let mnemonic = emulator.instruction.mnemonic();
    let trailing = value.trailing_zeros().min(bits);
    let leading = (value << (64 - bits)).leading_zeros().min(bits);
    let (result, flags) = match mnemonic {
        M::Bsf | M::Bsr => {
            let flags = Flags::default().with(ZF, value == 0);
            if value == 0 {
                // The destination is undefined; processors leave it as it is.
                emulator.set_flags(flags);
                return Ok(());
            }
            let result = if mnemonic == M::Bsf {
                trailing
            } else {
                bits - 1 - leading
            };
            (result, flags)
        }
        M::Popcnt => {
            let result = value.count_ones();
            let none = Flags {
                changed: CF | PF | AF | SF | OF,
                set: 0,
            };
            (result, none.with(ZF, value == 0))
        }
        _ => {
            let result = if mnemonic == M::Tzcnt {
                trailing
            } else {
                leading
            };
            let flags = Flags::default()
                .with(CF, result == bits)
                .with(ZF, result == 0);
            (result, flags)
        }
    };
    emulator.write(0, u64::from(result))?;
    emulator.set_flags(flags);
    Ok(())
}

/// `cmovcc`, which reads its source in any case, and `setcc`; `false` for a conditional jump.
fn conditional<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<bool, B::Fault> {
    let flag = |flag| emulator.flag(flag);
    let code = emulator.instruction.condition_code();
    let holds = match code {
        ConditionCode::o => flag(OF),
        ConditionCode::no => !flag(OF),
        ConditionCode::b => flag(CF),
        ConditionCode::ae => !flag(CF),
        ConditionCode::e => flag(ZF),
        ConditionCode::ne => !flag(ZF),
        ConditionCode::be => flag(CF) || flag(ZF),
        ConditionCode::a => !flag(CF) && !flag(ZF),
        ConditionCode::s => flag(SF),
        ConditionCode::ns => !flag(SF),
        ConditionCode::p => flag(PF),
        ConditionCode::np => !flag(PF),
        ConditionCode::l => flag(SF) != flag(OF),
        ConditionCode::ge => flag(SF) == flag(OF),
        ConditionCode::le => flag(ZF) || flag(SF) != flag(OF),
        ConditionCode::g => !flag(ZF) && flag(SF) == flag(OF),
        ConditionCode::None => return Ok(false),
    };
    match emulator.instruction.op_count() {
        // Else it is a jump.
        1 if matches!(
            emulator.instruction.op0_kind(),
            OpKind::Register | OpKind::Memory
        ) =>
        {
            emulator.write(0, u64::from(holds))?;
        }
        2 => {
            let (kept, moved) = (emulator.read(0)?, emulator.read(1)?);
            emulator.write(0, if holds { moved } else { kept })?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}
