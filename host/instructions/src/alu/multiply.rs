//! Products and quotients.

use iced_x86::{Mnemonic, Register};
use kmdf_bus::Width;

use super::low;
use crate::{
    Bus,
    emulate::{Emulator, Step, bits, sign_extend},
    flags::{CF, Flags, OF, mask},
};

/// `imul` with two or three operands.
pub(super) fn multiply<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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
pub(super) fn multiply_wide<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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

/// `div`, `idiv`.
pub(super) fn divide<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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
