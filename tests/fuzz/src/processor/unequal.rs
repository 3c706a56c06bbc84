//! Where processors may differ from one another, and so from the emulator.

use iced_x86::{Instruction, Mnemonic, OpKind};
use kmdf_host::{access::Registers, device::Width};

/// Whether this processor has what an instruction is part of.
pub(super) fn is_available(mnemonic: Mnemonic) -> bool {
    match mnemonic {
        Mnemonic::Movbe => is_x86_feature_detected!("movbe"),
        Mnemonic::Popcnt => is_x86_feature_detected!("popcnt"),
        Mnemonic::Lzcnt => is_x86_feature_detected!("lzcnt"),
        Mnemonic::Tzcnt => is_x86_feature_detected!("bmi1"),
        Mnemonic::Lddqu => is_x86_feature_detected!("sse3"),
        Mnemonic::Movntdqa => is_x86_feature_detected!("sse4.1"),
        Mnemonic::Cmpxchg16b => is_x86_feature_detected!("cmpxchg16b"),
        // The first three fault where nothing is mapped, which the emulation leaves to its caller. The others
        // access ports, which no process may.
        Mnemonic::Clflush
        | Mnemonic::Clflushopt
        | Mnemonic::Clwb
        | Mnemonic::In
        | Mnemonic::Out
        | Mnemonic::Insb
        | Mnemonic::Insw
        | Mnemonic::Insd
        | Mnemonic::Outsb
        | Mnemonic::Outsw
        | Mnemonic::Outsd => false,
        _ => true,
    }
}

/// A locked access across two cache lines: correct, but some kernels punish it.
pub(super) fn is_split_lock(instruction: &Instruction, accesses: &[(u64, Width)]) -> bool {
    let locked = instruction.has_lock_prefix() || instruction.mnemonic() == Mnemonic::Xchg;
    locked
        && accesses
            .iter()
            .any(|(address, width)| address % 64 + width.bytes() as u64 > 64)
}

/// Whether the destination is undefined: of a search for a bit that finds none.
pub(super) fn has_undefined_result(instruction: &Instruction, after: &Registers) -> bool {
    matches!(instruction.mnemonic(), Mnemonic::Bsf | Mnemonic::Bsr) && after.rflags & 1 << 6 != 0
}

/// The flags that the instruction leaves undefined for these operands.
pub(super) fn undefined_flags(instruction: &Instruction, registers: &Registers) -> u64 {
    let mut flags = u64::from(instruction.rflags_undefined());
    // iced's bits are its own.
    let mut undefined = 0;
    for (iced, flag) in [
        (iced_x86::RflagsBits::CF, 1),
        (iced_x86::RflagsBits::PF, 1 << 2),
        (iced_x86::RflagsBits::AF, 1 << 4),
        (iced_x86::RflagsBits::ZF, 1 << 6),
        (iced_x86::RflagsBits::SF, 1 << 7),
        (iced_x86::RflagsBits::OF, 1 << 11),
    ] {
        if flags & u64::from(iced) != 0 {
            undefined |= flag;
            flags &= !u64::from(iced);
        }
    }
    assert_eq!(flags, 0, "other flags are undefined");
    // By a register the count is known only here.
    if matches!(
        instruction.mnemonic(),
        Mnemonic::Shl
            | Mnemonic::Sal
            | Mnemonic::Shr
            | Mnemonic::Sar
            | Mnemonic::Rol
            | Mnemonic::Ror
            | Mnemonic::Rcl
            | Mnemonic::Rcr
            | Mnemonic::Shld
            | Mnemonic::Shrd
    ) {
        let last = instruction.op_count() - 1;
        let count = if instruction.op_kind(last) == OpKind::Register {
            registers.gpr[Registers::RCX]
        } else {
            instruction.immediate(last)
        };
        let bits = instruction.memory_size().size() as u64 * 8;
        let count = count & if bits == 64 { 63 } else { 31 };
        if count != 1 {
            undefined |= 1 << 11;
        }
        if count >= bits
            && !matches!(
                instruction.mnemonic(),
                Mnemonic::Rol | Mnemonic::Ror | Mnemonic::Rcl | Mnemonic::Rcr | Mnemonic::Sar
            )
        {
            undefined |= 1;
        }
    }
    undefined
}
