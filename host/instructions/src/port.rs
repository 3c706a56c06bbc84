//! `in` and `out`, and their string forms: accesses of I/O ports.

use iced_x86::{Mnemonic, OpKind, Register};

use kmdf_bus::Width;

use super::{
    Bus, Registers,
    emulate::{Emulator, Step, Stop},
    string,
};

/// How many elements a repeated instruction does in one call.
const MOST_ELEMENTS: usize = 1024;

/// Carries out an instruction that accesses a port; `false` for any other.
pub(super) fn execute<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<bool, B::Fault> {
    use Mnemonic as M;

    let string = match emulator.instruction.mnemonic() {
        M::In => {
            let width = emulator.width(0)?;
            let value = read(emulator, port(emulator, 1), width)?;
            let target = emulator.instruction.op0_register();
            emulator.set_register(target, value);
            return Ok(true);
        }
        M::Out => {
            let width = emulator.width(1)?;
            let value = emulator.register(emulator.instruction.op1_register());
            write(emulator, port(emulator, 0), width, value)?;
            return Ok(true);
        }
        M::Insb => (true, Width::Byte),
        M::Insw => (true, Width::Word),
        M::Insd => (true, Width::Dword),
        M::Outsb => (false, Width::Byte),
        M::Outsw => (false, Width::Word),
        M::Outsd => (false, Width::Dword),
        _ => return Ok(false),
    };
    repeated(emulator, string)?;
    Ok(true)
}

/// The port of an operand: an immediate byte, or dx.
fn port<B: Bus>(emulator: &Emulator<'_, B>, operand: u32) -> u16 {
    match emulator.instruction.op_kind(operand) {
        OpKind::Immediate8 => emulator.instruction.immediate8().into(),
        _ => emulator.register(Register::DX) as u16,
    }
}

/// `ins` or `outs`, once or as often as rcx says.
fn repeated<B: Bus>(
    emulator: &mut Emulator<'_, B>,
    (input, width): (bool, Width),
) -> Step<(), B::Fault> {
    let instruction = emulator.instruction;
    let usual = (0..2).any(|operand| {
        matches!(
            instruction.op_kind(operand),
            OpKind::MemoryESRDI | OpKind::MemorySegRSI
        )
    });
    if !usual || matches!(instruction.segment_prefix(), Register::FS | Register::GS) {
        return Err(emulator.unsupported("an address that is not in 64 bits of flat memory"));
    }
    if !instruction.has_rep_prefix() {
        return element(emulator, input, width);
    }
    string::repeat(emulator, MOST_ELEMENTS, false, |emulator| {
        element(emulator, input, width).map(|()| false)
    })
}

/// One element: the accesses first, then the index register.
fn element<B: Bus>(
    emulator: &mut Emulator<'_, B>,
    input: bool,
    width: Width,
) -> Step<(), B::Fault> {
    let port = emulator.register(Register::DX) as u16;
    let index = if input {
        Registers::RDI
    } else {
        Registers::RSI
    };
    let address = emulator.registers.gpr[index];
    if input {
        let value = read(emulator, port, width)?;
        emulator.store(address, width, value)?;
    } else {
        let value = emulator.load(address, width)?;
        write(emulator, port, width, value)?;
    }
    let by = string::stride(emulator, width);
    string::step(emulator, index, false, by);
    Ok(())
}

fn read<B: Bus>(emulator: &mut Emulator<'_, B>, port: u16, width: Width) -> Step<u64, B::Fault> {
    match emulator.bus.input(port, width).map_err(Stop::Fault)? {
        Some(value) => Ok(value & width.all_ones()),
        None => Err(emulator.privileged()),
    }
}

fn write<B: Bus>(
    emulator: &mut Emulator<'_, B>,
    port: u16,
    width: Width,
    value: u64,
) -> Step<(), B::Fault> {
    let value = value & width.all_ones();
    if emulator
        .bus
        .output(port, width, value)
        .map_err(Stop::Fault)?
    {
        Ok(())
    } else {
        Err(emulator.privileged())
    }
}
