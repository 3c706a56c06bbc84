//! Instructions that exchange: the sum for an operand, an operand for what was expected.

use iced_x86::{Mnemonic, OpKind, Register};
use kmdf_bus::Width;

use crate::{
    Bus, Outcome, Registers,
    emulate::{Emulator, Step, Stop, bits},
    flags::{self, Flags, ZF},
};

/// The destination gets the sum, the source the old value; a register that is both keeps the sum.
pub(super) fn xadd<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    let bits = emulator.bits(0)?;
    let (old, added) = (emulator.read(0)?, emulator.read(1)?);
    let (sum, flags) = flags::add(old, added, false, bits);
    if emulator.instruction.op0_kind() == OpKind::Memory {
        emulator.write(0, sum)?;
        emulator.write(1, old)?;
    } else {
        emulator.write(1, old)?;
        emulator.write(0, sum)?;
    }
    emulator.set_flags(flags);
    Ok(())
}

/// Memory is written in any case, with its own value when it differs, as the processor does; a
/// register is not, which shows in its upper half.
pub(super) fn cmpxchg<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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
pub(super) fn cmpxchg_pair<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
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
