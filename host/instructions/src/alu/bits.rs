//! Single bits: tested, changed, looked for and counted.

use iced_x86::{Mnemonic, OpKind};

use crate::{
    Bus,
    emulate::{Emulator, Step, bits, sign_extend},
    flags::{AF, CF, Flags, OF, PF, SF, ZF},
};

/// A bit number in a register reaches beyond the operand: the operand that is accessed is the one
/// that holds the bit.
pub(super) fn bit_test<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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

/// `bsf`, `bsr`, `tzcnt`, `lzcnt`, `popcnt`.
pub(super) fn count_bits<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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
