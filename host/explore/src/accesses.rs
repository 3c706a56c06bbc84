//! Which memory an instruction accesses, and how.

use std::{cell::RefCell, collections::HashMap};

use iced_x86::{
    FlowControl, Instruction, InstructionInfoFactory, InstructionInfoOptions, Mnemonic, OpAccess,
    OpKind, Register,
};
use kmdf_instructions::Registers;
use kmdf_machine::{Access, Machine};

/// Tells the machine what the driver's instructions access. What it has found out about an instruction serves
/// every run.
#[derive(Default)]
pub(crate) struct Accesses {
    /// Whether the instruction at an RVA belongs to an atomic operation.
    atomic: RefCell<HashMap<u32, bool>>,
}

impl std::fmt::Debug for Accesses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} instructions", self.atomic.borrow().len())
    }
}

impl Accesses {
    /// Tells the machine that an instruction is about to be executed, at that RVA.
    pub(crate) fn tell(
        &self,
        machine: &Machine,
        instruction: &Instruction,
        rva: u32,
        registers: &Registers,
    ) {
        match instruction.flow_control() {
            FlowControl::Call => machine.calls_function(rva),
            FlowControl::IndirectCall if calls_driver(machine, instruction, registers) => {
                machine.calls_function(rva);
            }
            FlowControl::Return => machine.returns_from_function(),
            // The function of the host that it leads to returns for this one.
            FlowControl::IndirectBranch if !calls_driver(machine, instruction, registers) => {
                machine.returns_from_function();
            }
            _ => {}
        }
        for (address, bytes, writes) in operands(instruction, machine, registers) {
            if !machine.is_shared(address) {
                continue;
            }
            let access = Access {
                address,
                bytes,
                writes,
                atomic: self.is_atomic(machine, instruction, rva),
            };
            machine.executes(rva, access);
        }
    }

    /// Whether it is one of an atomic operation: its prefix says so, or the debug information that it comes from
    /// a function which is one. The instructions themselves do not show it: on x86-64 a plain load or store of
    /// an aligned number is what an atomic one is compiled to.
    fn is_atomic(&self, machine: &Machine, instruction: &Instruction, rva: u32) -> bool {
        let exchanges = instruction.mnemonic() == Mnemonic::Xchg;
        if instruction.has_lock_prefix() || exchanges {
            return true;
        }
        let mut known = self.atomic.borrow_mut();
        *known.entry(rva).or_insert_with(|| {
            let functions = machine.functions_at(rva);
            functions
                .iter()
                .any(|function| is_atomic_function(function))
        })
    }
}

/// Whether a function is an atomic operation: of Rust's core::sync::atomic, or one of the kernel's headers, as
/// `InterlockedIncrement`, `ReadULongAcquire` or `WriteRelease64`.
fn is_atomic_function(name: &str) -> bool {
    const NUMBERS: [&str; 5] = ["", "Char", "Short", "Long", "Pointer"];
    if name.contains("core::sync::atomic::") || name.contains("Interlocked") {
        return true;
    }
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let kinds = [
        ("Read", "Acquire"),
        ("Write", "Release"),
        ("Read", "NoFence"),
        ("Write", "NoFence"),
        ("Read", "Raw"),
        ("Write", "Raw"),
    ];
    kinds.iter().any(|(access, order)| {
        let number = name
            .strip_prefix(access)
            .and_then(|rest| rest.strip_suffix(order))
            .map(|number| number.strip_prefix('U').unwrap_or(number))
            .map(|number| number.trim_end_matches(|c: char| c.is_ascii_digit()));
        number.is_some_and(|number| NUMBERS.contains(&number))
    })
}

/// The memory that it accesses: the first byte, how many, and whether they are written.
fn operands(
    instruction: &Instruction,
    machine: &Machine,
    registers: &Registers,
) -> Vec<(u64, u64, bool)> {
    if !has_memory(instruction) {
        return Vec::new();
    }
    let image = machine.image.get();
    let base = image.map_or(0, kmdf_image::MappedImage::base);
    let mut factory = InstructionInfoFactory::new();
    let info = factory.info_options(instruction, InstructionInfoOptions::NO_REGISTER_USAGE);
    let repeats = if instruction.has_rep_prefix() || instruction.has_repne_prefix() {
        registers.gpr[Registers::RCX]
    } else {
        1
    };
    let mut accesses = Vec::new();
    for memory in info.used_memory() {
        let writes = match memory.access() {
            OpAccess::Read | OpAccess::CondRead => false,
            OpAccess::Write
            | OpAccess::CondWrite
            | OpAccess::ReadWrite
            | OpAccess::ReadCondWrite => true,
            OpAccess::None | OpAccess::NoMemAccess => continue,
        };
        // The code was decoded at its RVA.
        let relative = memory.base() == Register::None && instruction.is_ip_rel_memory_operand();
        let address = memory.virtual_address(0, |register, _, _| {
            if register.is_segment_register() {
                Some(0)
            } else {
                Some(registers.gpr[register.full_register().number() & 15])
            }
        });
        let Some(address) = address else { continue };
        let address = if relative {
            address.wrapping_add(base)
        } else {
            address
        };
        let bytes = (memory.memory_size().size() as u64).saturating_mul(repeats);
        if bytes > 0 {
            accesses.push((address, bytes, writes));
        }
    }
    accesses
}

fn has_memory(instruction: &Instruction) -> bool {
    (0..instruction.op_count()).any(|n| {
        matches!(
            instruction.op_kind(n),
            OpKind::Memory
                | OpKind::MemoryESRDI
                | OpKind::MemorySegRSI
                | OpKind::MemorySegESI
                | OpKind::MemoryESEDI
        )
    }) && instruction.mnemonic() != Mnemonic::Lea
        && instruction.mnemonic() != Mnemonic::Nop
}

/// Whether an indirect call leads to a function of the driver's.
fn calls_driver(machine: &Machine, instruction: &Instruction, registers: &Registers) -> bool {
    let target = match instruction.op0_kind() {
        OpKind::Register => Some(registers.gpr[instruction.op0_register().number() & 15]),
        _ => operands(instruction, machine, registers)
            .first()
            .and_then(|&(address, _, _)| machine.try_read(address)),
    };
    let image = machine.image.get();
    target
        .zip(image)
        .is_some_and(|(target, image)| image.contains(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atomic_operations_are_known_by_their_names() {
        for name in [
            "core::sync::atomic::atomic_load<u32>",
            "core::sync::atomic::AtomicBool::store",
            "InterlockedIncrement",
            "_InterlockedExchange64",
            "ReadAcquire",
            "ReadULongNoFence",
            "WriteRelease64",
            "WritePointerRelease",
            "ReadUCharAcquire",
        ] {
            assert!(is_atomic_function(name), "{name}");
        }
        for name in [
            "ReadRegisterNoFence",
            "EvtInterruptIsr",
            "WriteAcquire",
            "LockRelease",
            "core::sync::Exclusive",
        ] {
            assert!(!is_atomic_function(name), "{name}");
        }
    }
}
