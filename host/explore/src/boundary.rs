//! Instruction boundaries of the driver: found by decoding, and which one comes next.

use std::ops::Range;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use kmdf_image::{Image, MappedImage};
use kmdf_instructions::Registers;

/// The decoded instructions of an image's functions.
#[derive(Debug)]
pub(crate) struct Boundaries {
    /// The instruction at each RVA, its number plus one; 0 where none begins.
    numbers: Vec<u32>,
    instructions: Vec<Instruction>,
}

/// Which instruction of the image is executed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The one at this RVA.
    At(u32),
    /// None: the code returns to the host.
    Outside,
    /// That one or another: only the processor can tell.
    Unclear,
}

impl Boundaries {
    /// Decodes every function that the image has unwind information for, and the code between
    /// them: leaf functions have none.
    pub(crate) fn of(image: &Image) -> Self {
        let mut boundaries = Self {
            numbers: vec![0; image.bytes() as usize],
            instructions: Vec::new(),
        };
        for section in image.sections().iter().filter(|section| section.execute) {
            let mut at = section.range().start;
            for function in image.functions() {
                let code = function.code.clone();
                if code.start < at || code.start >= section.range().end {
                    continue;
                }
                boundaries.decode(image, at..code.start);
                boundaries.decode(image, code.clone());
                at = code.end;
            }
            boundaries.decode(image, at..section.range().end);
        }
        boundaries
    }

    fn decode(&mut self, image: &Image, code: Range<u32>) {
        let Some(bytes) = image.layout().get(code.start as usize..code.end as usize) else {
            return;
        };
        let decoder = Decoder::with_ip(64, bytes, code.start.into(), DecoderOptions::NONE);
        for instruction in decoder {
            // Padding between functions.
            if instruction.is_invalid() || instruction.code() == iced_x86::Code::Int3 {
                continue;
            }
            self.instructions.push(instruction);
            let number = u32::try_from(self.instructions.len()).unwrap_or(0);
            if let Some(slot) = self.numbers.get_mut(instruction.ip() as usize) {
                *slot = number;
            }
        }
    }

    /// The instruction at an RVA.
    pub(crate) fn at(&self, rva: u32) -> Option<&Instruction> {
        let number = *self.numbers.get(rva as usize)?;
        self.instructions.get((number as usize).checked_sub(1)?)
    }

    /// All of them.
    pub(crate) fn instructions(&self) -> impl Iterator<Item = &Instruction> + Clone {
        self.instructions.iter()
    }

    /// How many boundaries lie in a range of RVAs.
    pub(crate) fn count(&self, code: Range<u32>) -> usize {
        self.numbers
            .get(code.start as usize..code.end as usize)
            .map_or(0, |numbers| numbers.iter().filter(|&&n| n != 0).count())
    }

    /// What is executed after the instruction at `registers.rip`, which is about to be. `read`
    /// reads eight bytes of the driver's memory, if they can be read.
    pub(crate) fn next(
        &self,
        image: &MappedImage,
        registers: &Registers,
        read: impl Fn(u64) -> Option<u64>,
    ) -> Next {
        let Some(rva) = image.rva(registers.rip) else {
            return Next::Outside;
        };
        let Some(instruction) = self.at(rva) else {
            return Next::Unclear;
        };
        let behind = rva + u32::try_from(instruction.len()).unwrap_or(0);
        let target = |address: Option<u64>| address.map(|address| image.rva(address));
        let returned = || match read(registers.gpr[Registers::RSP]) {
            Some(address) => image.rva(address).map_or(Next::Outside, Next::At),
            None => Next::Unclear,
        };
        let branch =
            || u32::try_from(instruction.near_branch_target()).map_or(Next::Unclear, Next::At);
        match instruction.flow_control() {
            FlowControl::Next => Next::At(behind),
            FlowControl::UnconditionalBranch | FlowControl::Call => branch(),
            FlowControl::ConditionalBranch => match holds(instruction, registers.rflags) {
                Some(true) => branch(),
                Some(false) => Next::At(behind),
                None => Next::Unclear,
            },
            FlowControl::IndirectCall => {
                match target(operand(instruction, image, registers, &read)) {
                    Some(Some(rva)) => Next::At(rva),
                    // A function of the host: it returns behind the call.
                    Some(None) => Next::At(behind),
                    None => Next::Unclear,
                }
            }
            FlowControl::IndirectBranch => {
                match target(operand(instruction, image, registers, &read)) {
                    Some(Some(rva)) => Next::At(rva),
                    // A tail call of a function of the host: it returns for this function.
                    Some(None) => returned(),
                    None => Next::Unclear,
                }
            }
            FlowControl::Return => returned(),
            // What the host does with these decides: they trap.
            FlowControl::Interrupt | FlowControl::Exception | FlowControl::XbeginXabortXend => {
                Next::At(behind)
            }
        }
    }
}

/// Whether a conditional branch is taken, as far as flags alone say.
fn holds(instruction: &Instruction, flags: u64) -> Option<bool> {
    use iced_x86::ConditionCode;
    let bit = |number: u32| flags >> number & 1 == 1;
    let (carry, parity, zero, sign, overflow) = (bit(0), bit(2), bit(6), bit(7), bit(11));
    Some(match instruction.condition_code() {
        ConditionCode::o => overflow,
        ConditionCode::no => !overflow,
        ConditionCode::b => carry,
        ConditionCode::ae => !carry,
        ConditionCode::e => zero,
        ConditionCode::ne => !zero,
        ConditionCode::be => carry || zero,
        ConditionCode::a => !carry && !zero,
        ConditionCode::s => sign,
        ConditionCode::ns => !sign,
        ConditionCode::p => parity,
        ConditionCode::np => !parity,
        ConditionCode::l => sign != overflow,
        ConditionCode::ge => sign == overflow,
        ConditionCode::le => zero || sign != overflow,
        ConditionCode::g => !zero && sign == overflow,
        ConditionCode::None => return None,
    })
    .filter(|_| instruction.is_jcc_short_or_near())
}

/// The value of the first operand, a register or memory of 8 bytes.
fn operand(
    instruction: &Instruction,
    image: &MappedImage,
    registers: &Registers,
    read: impl Fn(u64) -> Option<u64>,
) -> Option<u64> {
    let general = |register: Register| registers.gpr[register.number() & 15];
    match instruction.op0_kind() {
        OpKind::Register => Some(general(instruction.op0_register())),
        OpKind::Memory if instruction.is_ip_rel_memory_operand() => {
            read(image.address(u32::try_from(instruction.ip_rel_memory_address()).ok()?))
        }
        OpKind::Memory => {
            let mut address = instruction.memory_displacement64();
            if instruction.memory_base() != Register::None {
                address = address.wrapping_add(general(instruction.memory_base()));
            }
            if instruction.memory_index() != Register::None {
                let scale = u64::from(instruction.memory_index_scale());
                address =
                    address.wrapping_add(general(instruction.memory_index()).wrapping_mul(scale));
            }
            read(address)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn branch(code: &[u8]) -> Instruction {
        Decoder::with_ip(64, code, 0x1000, DecoderOptions::NONE).decode()
    }

    #[test]
    fn a_conditional_branch_is_taken_as_its_flags_say() {
        const ZERO: u64 = 1 << 6;
        const SIGN: u64 = 1 << 7;
        const OVERFLOW: u64 = 1 << 11;
        let equal = branch(&[0x74, 0x10]);
        assert_eq!(holds(&equal, ZERO), Some(true));
        assert_eq!(holds(&equal, 0), Some(false));
        let less = branch(&[0x0F, 0x8C, 0, 0, 0, 0]);
        assert_eq!(holds(&less, SIGN), Some(true));
        assert_eq!(holds(&less, SIGN | OVERFLOW), Some(false));
        let greater = branch(&[0x7F, 0x10]);
        assert_eq!(holds(&greater, 0), Some(true));
        assert_eq!(holds(&greater, ZERO), Some(false));
    }

    #[test]
    fn a_branch_on_a_counter_is_left_to_the_processor() {
        assert_eq!(holds(&branch(&[0xE2, 0xFE]), 0), None, "loop");
        assert_eq!(holds(&branch(&[0xE3, 0x10]), 0), None, "jrcxz");
    }
}
