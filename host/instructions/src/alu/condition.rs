//! What depends on the flags.

use iced_x86::{ConditionCode, OpKind};

use crate::{
    Bus,
    emulate::{Emulator, Step},
    flags::{CF, OF, PF, SF, ZF},
};

/// `cmovcc`, which reads its source in any case, and `setcc`; `false` for a conditional jump.
pub(super) fn conditional<B: Bus>(emulator: &mut Emulator<'_, B>) -> Step<bool, B::Fault> {
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
