//! Epilogs, found by decoding them.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Mnemonic, OpKind, Register};

use super::{Function, RSP};

/// The most instructions of one epilog: one release and a pop for each register that is saved.
const LONGEST_EPILOG: usize = 12;

/// What is left of an epilog. The x64 convention fixes its form: at most one `add rsp` or
/// `lea rsp`, then pops, then a return or a jump out of the function.
pub(super) struct Epilog {
    /// The register that the stack pointer comes from, and what is added to it.
    pub stack: Option<(usize, u64)>,
    /// The registers that are popped.
    pub pops: Vec<usize>,
}

impl Epilog {
    /// The rest of the epilog that the instruction at `rva` is in, if it is in one.
    pub fn at(
        image: &[u8],
        function: &Function,
        rva: u32,
        frame: Option<(usize, u64)>,
    ) -> Option<Self> {
        let code = image.get(rva as usize..function.code.end as usize)?;
        let decoder = Decoder::with_ip(64, code, u64::from(rva), DecoderOptions::NONE);
        let mut epilog = Self {
            stack: None,
            pops: Vec::new(),
        };
        for (index, instruction) in decoder.into_iter().take(LONGEST_EPILOG).enumerate() {
            match instruction.mnemonic() {
                Mnemonic::Add
                    if index == 0
                        && instruction.op0_register() == Register::RSP
                        && instruction.op1_kind() != OpKind::Register
                        && instruction.op1_kind() != OpKind::Memory =>
                {
                    epilog.stack = Some((RSP, instruction.immediate(1)));
                }
                Mnemonic::Lea
                    if index == 0
                        && instruction.op0_register() == Register::RSP
                        && instruction.memory_index() == Register::None =>
                {
                    let base = instruction.memory_base();
                    let (register, _) = frame.filter(|_| base.is_gpr64())?;
                    if base.number() != register {
                        return None;
                    }
                    epilog.stack = Some((register, instruction.memory_displacement64()));
                }
                Mnemonic::Pop if instruction.op0_register().is_gpr64() => {
                    epilog.pops.push(instruction.op0_register().number());
                }
                Mnemonic::Ret => return Some(epilog),
                Mnemonic::Jmp => {
                    let leaves = match instruction.flow_control() {
                        FlowControl::UnconditionalBranch => {
                            let target = u32::try_from(instruction.near_branch_target());
                            target.is_ok_and(|target| {
                                !function.code.contains(&target) || target == function.code.start
                            })
                        }
                        // An import's tail call; a jump by register may be a switch.
                        FlowControl::IndirectBranch => {
                            instruction.code() == Code::Jmp_rm64
                                && instruction.op0_kind() == OpKind::Memory
                                && instruction.is_ip_rel_memory_operand()
                        }
                        _ => false,
                    };
                    return leaves.then_some(epilog);
                }
                _ => return None,
            }
        }
        None
    }
}
