//! Shifts and rotations.

use iced_x86::{Mnemonic, OpKind};

use super::low;
use crate::{
    Bus,
    emulate::{Emulator, Step, sign_extend},
    flags::{CF, Flags, OF, mask},
};

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

/// By one operand: shifts, and rotations with and without the carry.
pub(super) fn shift<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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

/// `shld`, `shrd`.
pub(super) fn double_shift<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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
