//! Moves between memory and SSE registers. Kernel code uses nothing wider than 16 bytes.

use iced_x86::{Mnemonic, OpKind, Register};
use kmdf_bus::Width;

use super::{
    Bus, Outcome,
    emulate::{Emulator, Step, Stop},
};

/// The part of an SSE register that a move is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The lowest bytes, of this width. A load clears the rest.
    Scalar(Width),
    /// The lower half. A load keeps the rest.
    LowerHalf,
    /// The upper half. A load keeps the rest.
    UpperHalf,
    /// All 16 bytes; whether they must be aligned.
    Whole { aligned: bool },
}

/// Carries out a move between memory and an SSE register; `false` if it is something else.
pub(super) fn execute<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<bool, B::Fault> {
    use Mnemonic as M;

    let instruction = emulator.instruction;
    let part = match instruction.mnemonic() {
        M::Movd | M::Movss => Part::Scalar(Width::Dword),
        M::Movq | M::Movsd => Part::Scalar(Width::Qword),
        M::Movlps | M::Movlpd => Part::LowerHalf,
        M::Movhps | M::Movhpd => Part::UpperHalf,
        M::Movups | M::Movupd | M::Movdqu | M::Lddqu => Part::Whole { aligned: false },
        M::Movaps | M::Movapd | M::Movdqa | M::Movntdq | M::Movntps | M::Movntpd | M::Movntdqa => {
            Part::Whole { aligned: true }
        }
        _ => return Ok(false),
    };
    let (register, is_load) = match (instruction.op0_kind(), instruction.op1_kind()) {
        (OpKind::Register, OpKind::Memory) => (instruction.op0_register(), true),
        (OpKind::Memory, OpKind::Register) => (instruction.op1_register(), false),
        _ => return Ok(false),
    };
    let Some(number) = xmm_number(register) else {
        return Ok(false);
    };
    let address = emulator.address()?;
    if part == (Part::Whole { aligned: true }) && !address.is_multiple_of(16) {
        let reason = format!("{} at {address:#x}, which is not aligned", emulator.text());
        return Err(Stop::Outcome(Outcome::GeneralProtection(reason)));
    }
    let upper = address.wrapping_add(8);
    let [low, high] = halves(emulator.registers.xmm[number]);
    if is_load {
        let [low, high] = match part {
            Part::Scalar(width) => [emulator.load(address, width)?, 0],
            Part::LowerHalf => [emulator.load(address, Width::Qword)?, high],
            Part::UpperHalf => [low, emulator.load(address, Width::Qword)?],
            Part::Whole { .. } => {
                let low = emulator.load(address, Width::Qword)?;
                [low, emulator.load(upper, Width::Qword)?]
            }
        };
        emulator.registers.xmm[number] = u128::from(high) << 64 | u128::from(low);
    } else {
        match part {
            Part::Scalar(width) => emulator.store(address, width, low)?,
            Part::LowerHalf => emulator.store(address, Width::Qword, low)?,
            Part::UpperHalf => emulator.store(address, Width::Qword, high)?,
            Part::Whole { .. } => {
                emulator.store(address, Width::Qword, low)?;
                emulator.store(upper, Width::Qword, high)?;
            }
        }
    }
    Ok(true)
}

/// The number of one of the 16 SSE registers.
fn xmm_number(register: Register) -> Option<usize> {
    (register.is_xmm() && register.number() < 16).then(|| register.number())
}

/// Lower and upper half.
fn halves(value: u128) -> [u64; 2] {
    let bytes = value.to_le_bytes();
    let (low, high) = bytes.split_at(8);
    [low, high].map(|half| {
        half.first_chunk()
            .map_or(0, |half| u64::from_le_bytes(*half))
    })
}
