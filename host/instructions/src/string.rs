//! String instructions: each element is one access, or one read and one write.

use iced_x86::{Mnemonic, OpKind, Register};
use kmdf_bus::Width;

use super::{
    Bus, Outcome, Registers,
    emulate::{Emulator, Step, Stop, bits},
    flags::{self, DF, ZF},
};

/// How many elements one call does at most, so that a wild count cannot hang the host.
const MOST_ELEMENTS: usize = 4096;

/// What a string instruction does with an element.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Move,
    Store,
    Load,
    Compare,
    Scan,
}

/// Carries out a string instruction, or the next elements of a repeated one.
pub(super) fn execute<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<(), B::Fault> {
    use Mnemonic as M;

    let instruction = emulator.instruction;
    let (kind, width) = match instruction.mnemonic() {
        M::Movsb => (Kind::Move, Width::Byte),
        M::Movsw => (Kind::Move, Width::Word),
        M::Movsd => (Kind::Move, Width::Dword),
        M::Movsq => (Kind::Move, Width::Qword),
        M::Stosb => (Kind::Store, Width::Byte),
        M::Stosw => (Kind::Store, Width::Word),
        M::Stosd => (Kind::Store, Width::Dword),
        M::Stosq => (Kind::Store, Width::Qword),
        M::Lodsb => (Kind::Load, Width::Byte),
        M::Lodsw => (Kind::Load, Width::Word),
        M::Lodsd => (Kind::Load, Width::Dword),
        M::Lodsq => (Kind::Load, Width::Qword),
        M::Cmpsb => (Kind::Compare, Width::Byte),
        M::Cmpsw => (Kind::Compare, Width::Word),
        M::Cmpsd => (Kind::Compare, Width::Dword),
        M::Cmpsq => (Kind::Compare, Width::Qword),
        M::Scasb => (Kind::Scan, Width::Byte),
        M::Scasw => (Kind::Scan, Width::Word),
        M::Scasd => (Kind::Scan, Width::Dword),
        M::Scasq => (Kind::Scan, Width::Qword),
        _ => return Err(emulator.unsupported("not emulated")),
    };
    if matches!(instruction.segment_prefix(), Register::FS | Register::GS) {
        return Err(emulator.unsupported("an address in the kernel's own data"));
    }
    // With a 67h prefix addresses and the count have 32 bits.
    let narrow = (0..instruction.op_count()).any(|operand| {
        matches!(
            instruction.op_kind(operand),
            OpKind::MemoryESEDI | OpKind::MemorySegESI
        )
    });
    let (repeat_equal, repeat_different) =
        (instruction.has_rep_prefix(), instruction.has_repne_prefix());
    if !repeat_equal && !repeat_different {
        element(emulator, kind, width, narrow)?;
        return Ok(());
    }
    let compares = matches!(kind, Kind::Compare | Kind::Scan);
    repeat(emulator, MOST_ELEMENTS, narrow, |emulator| {
        element(emulator, kind, width, narrow)?;
        Ok(compares && emulator.flag(ZF) == repeat_different)
    })
}

/// Does elements as often as rcx says, up to so many in one call, or until one says that it was the last.
pub(super) fn repeat<B: Bus>(
    emulator: &mut Emulator<'_, B>,
    most: usize,
    narrow: bool,
    mut element: impl FnMut(&mut Emulator<'_, B>) -> Step<bool, B::Fault>,
) -> Step<(), B::Fault> {
    for _ in 0..most {
        if index(emulator, Registers::RCX, narrow) == 0 {
            return Ok(());
        }
        let last = element(emulator)?;
        step(emulator, Registers::RCX, narrow, -1);
        if last {
            return Ok(());
        }
    }
    if index(emulator, Registers::RCX, narrow) == 0 {
        return Ok(());
    }
    Err(Stop::Outcome(Outcome::Unfinished))
}

/// One element: accesses first, then registers and flags.
fn element<B: Bus>(
    emulator: &mut Emulator<'_, B>,
    kind: Kind,
    width: Width,
    narrow: bool,
) -> Step<(), B::Fault> {
    let source = index(emulator, Registers::RSI, narrow);
    let target = index(emulator, Registers::RDI, narrow);
    let accumulator = match width {
        Width::Byte => Register::AL,
        Width::Word => Register::AX,
        Width::Dword => Register::EAX,
        Width::Qword => Register::RAX,
    };
    match kind {
        Kind::Move => {
            let value = emulator.load(source, width)?;
            emulator.store(target, width, value)?;
        }
        Kind::Store => {
            let value = emulator.register(accumulator);
            emulator.store(target, width, value)?;
        }
        Kind::Load => {
            let value = emulator.load(source, width)?;
            emulator.set_register(accumulator, value);
        }
        Kind::Compare | Kind::Scan => {
            let first = if kind == Kind::Compare {
                emulator.load(source, width)?
            } else {
                emulator.register(accumulator)
            };
            let second = emulator.load(target, width)?;
            let (_, flags) = flags::sub(first, second, false, bits(width));
            emulator.set_flags(flags);
        }
    }
    let by = stride(emulator, width);
    if matches!(kind, Kind::Move | Kind::Load | Kind::Compare) {
        step(emulator, Registers::RSI, narrow, by);
    }
    if kind != Kind::Load {
        step(emulator, Registers::RDI, narrow, by);
    }
    Ok(())
}

/// How far the index registers go with each element.
pub(super) fn stride<B: Bus>(emulator: &Emulator<'_, B>, width: Width) -> i64 {
    let bytes = width.bytes() as i64;
    if emulator.flag(DF) { -bytes } else { bytes }
}

fn index<B: Bus>(emulator: &Emulator<'_, B>, register: usize, narrow: bool) -> u64 {
    let value = emulator.registers.gpr[register];
    if narrow { value & 0xffff_ffff } else { value }
}

pub(super) fn step<B: Bus>(emulator: &mut Emulator<'_, B>, register: usize, narrow: bool, by: i64) {
    let value = emulator.registers.gpr[register].wrapping_add_signed(by);
    emulator.registers.gpr[register] = if narrow { value & 0xffff_ffff } else { value };
}
