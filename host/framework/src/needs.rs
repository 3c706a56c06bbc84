//! What a driver needs of its surroundings, read from its image: imports by name, and the entries
//! of the framework's function table that its code loads.

use std::collections::BTreeSet;

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, OpKind, Register};
use kmdf_image::{BindInfo, Image};
use kmdf_machine::{import_name, service};

use crate::{kmdf, loader::exported};

/// Something that a driver calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Need {
    /// The library that has it; `KMDF` for an entry of the framework's table.
    pub library: String,
    /// Its name.
    pub name: String,
    /// Whether this host plays it.
    pub played: bool,
    /// If not, what it belongs to that this host does not play as a whole.
    pub area: Option<&'static str>,
}

/// Parts of the framework that the host does not play, by how the names of their functions begin.
const AREAS: &[(&str, &str)] = &[
    ("WdfUsb", USB),
    ("WdfCompanion", "companions"),
    ("WdfDeviceMiniportCreate", "miniport drivers"),
    ("WdfDriverMiniportUnload", "miniport drivers"),
];
const USB: &str = "USB targets";

/// What a function belongs to that the host does not play as a whole.
fn area(name: &str) -> Option<&'static str> {
    let mut areas = AREAS.iter();
    let (_, area) = areas.find(|(beginning, _)| name.starts_with(beginning))?;
    Some(area)
}

/// All that a driver needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Needs {
    /// What it imports.
    pub imports: Vec<Need>,
    /// What it calls of the framework: found by following the pointer to the function table
    /// through each function, so an index that is computed at run time is not found.
    pub framework: Vec<Need>,
}

impl Needs {
    /// Reads an image.
    #[must_use]
    pub fn of(image: &Image) -> Self {
        let imports = image.imports().iter().map(|import| {
            let name = import_name(&import.name);
            let played =
                kmdf_kernel::direct(&name).is_some() || exported(&import.dll, &name).is_some();
            Need {
                library: import.dll.clone(),
                name,
                played,
                area: None,
            }
        });
        let framework = table_entries(image).into_iter().map(|index| {
            let name = kmdf_abi::functions()
                .get(index)
                .map_or_else(|| format!("entry {index}"), |f| f.name.to_owned());
            let played = service::find(kmdf::TABLES, &name).is_some();
            Need {
                library: "KMDF".to_owned(),
                area: (!played).then(|| area(&name)).flatten(),
                played,
                name,
            }
        });
        let mut needs = Self {
            imports: imports.collect(),
            framework: framework.collect(),
        };
        needs.imports.sort();
        needs.framework.sort();
        needs
    }

    /// What of it the host does not play.
    pub fn missing(&self) -> impl Iterator<Item = &Need> {
        self.imports
            .iter()
            .chain(&self.framework)
            .filter(|need| !need.played)
    }
}

/// How many functions the framework has in a minor version, and how many of them this host plays;
/// `None` for a version that is not known.
#[must_use]
pub fn played_of_framework(minor: u32) -> Option<(usize, usize)> {
    let all = kmdf_abi::functions().get(..kmdf_abi::function_count(minor)?)?;
    let played = all
        .iter()
        .filter(|function| service::find(kmdf::TABLES, function.name).is_some());
    Some((all.len(), played.count()))
}

/// The framework's functions that this host plays, by name, in the order of the table.
pub fn played_functions() -> impl Iterator<Item = &'static str> {
    let names = kmdf_abi::functions().iter().map(|function| function.name);
    names.filter(|name| service::find(kmdf::TABLES, name).is_some())
}

/// The entries of the framework's table that code loads.
fn table_entries(image: &Image) -> BTreeSet<usize> {
    let mut entries = BTreeSet::new();
    let Some(BindInfo { table, .. }) = image.bind_info() else {
        return entries;
    };
    for function in image.functions() {
        let code = function.code.start as usize..function.code.end as usize;
        let Some(bytes) = image.layout().get(code) else {
            continue;
        };
        let start = function.code.start.into();
        let mut holders = BTreeSet::new();
        for instruction in Decoder::with_ip(64, bytes, start, DecoderOptions::NONE) {
            follow(&instruction, table.into(), &mut holders, &mut entries);
        }
    }
    entries
}

/// Follows one instruction: which registers hold the table's address after it, and which entry it
/// loads or calls.
fn follow(
    instruction: &Instruction,
    pointer: u64,
    holders: &mut BTreeSet<u32>,
    entries: &mut BTreeSet<usize>,
) {
    /// Bytes of an entry.
    const ENTRY: u64 = 8;
    /// rax, rcx, rdx, r8 to r11.
    const VOLATILE: [u32; 7] = [0, 1, 2, 8, 9, 10, 11];
    let memory = (0..instruction.op_count()).any(|n| instruction.op_kind(n) == OpKind::Memory);
    let base = instruction.memory_base();
    let from_table = memory
        && base.is_gpr64()
        && instruction.memory_index() == Register::None
        && holders.contains(&u32::try_from(base.number()).unwrap_or(u32::MAX));
    if from_table {
        let offset = instruction.memory_displacement64();
        if let Ok(index) = usize::try_from(offset / ENTRY)
            && offset.is_multiple_of(ENTRY)
            && index < kmdf_abi::functions().len()
        {
            entries.insert(index);
        }
    }
    match instruction.flow_control() {
        // A callee may change these.
        FlowControl::Call | FlowControl::IndirectCall => {
            holders.retain(|register| !VOLATILE.contains(register));
            return;
        }
        // What follows is reached from elsewhere.
        FlowControl::UnconditionalBranch | FlowControl::IndirectBranch | FlowControl::Return => {
            holders.clear();
            return;
        }
        _ => {}
    }
    if instruction.op0_kind() == OpKind::Register && instruction.op0_register().is_gpr() {
        let target = u32::try_from(instruction.op0_register().full_register().number());
        let target = target.unwrap_or(u32::MAX);
        let loads_pointer = instruction.mnemonic() == iced_x86::Mnemonic::Mov
            && instruction.is_ip_rel_memory_operand()
            && instruction.ip_rel_memory_address() == pointer;
        if loads_pointer {
            holders.insert(target);
        } else if instruction.mnemonic() != iced_x86::Mnemonic::Cmp
            && instruction.mnemonic() != iced_x86::Mnemonic::Test
        {
            holders.remove(&target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AREAS, kmdf, service};

    #[test]
    fn every_part_that_is_not_played_has_functions_that_are_not() {
        for (beginning, area) in AREAS {
            let missing = kmdf_abi::functions().iter().any(|function| {
                function.name.starts_with(beginning)
                    && service::find(kmdf::TABLES, function.name).is_none()
            });
            assert!(missing, "{area}: {beginning} is played, or does not exist");
        }
    }
}
