//! UMDF 2's facts: KMDF's where the two models agree, without what user mode lacks, and its own.
//!
//! Most names have one prototype or one layout in both models. So `facts/umdf/` holds the function table, whose order is
//! another, and the differences; `facts/win32/` holds what `windows.h` has that the kernel's headers do not.

use serde::Deserialize;

use super::{Callback, Enum, Facts, Function, InitHelper, KmdfTypes, NtFunction, Ordered, Record};

/// Names of KMDF's that UMDF 2 has not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Without {
    structs: Vec<String>,
    enums: Vec<String>,
    callbacks: Vec<String>,
    handles: Vec<String>,
    aliases: Vec<String>,
    init_helpers: Vec<String>,
}

/// What user mode makes of the NT side.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserMode {
    /// Records to which a driver has pointers, but which user mode does not lay out.
    opaque: Vec<String>,
    /// Names that the kernel's headers lack, or that stand for another type there.
    aliases: Ordered<String>,
    /// The constants of the kernel's headers that user mode has, too.
    nt_constants: Vec<String>,
}

impl<V> Ordered<V> {
    fn remove(&mut self, names: &[String]) {
        self.0.retain(|(name, _)| !names.contains(name));
    }

    /// Takes these entries, too; each replaces one of its name.
    fn overlay(&mut self, other: Self) {
        self.0.retain(|(name, _)| other.get(name).is_none());
        self.0.extend(other.0);
    }
}

impl Facts {
    /// Parses the facts about UMDF 2 that are compiled into this crate.
    ///
    /// # Panics
    /// When a file does not have the form that these modules describe; a test reads them all.
    pub fn load_umdf() -> Self {
        let mut facts = Self::load();
        facts.use_user_mode();

        let without: Without = fact!("umdf/without.json");
        facts.structs.remove(&without.structs);
        facts.enums.remove(&without.enums);
        facts.callbacks.remove(&without.callbacks);
        facts.init_helpers.remove(&without.init_helpers);
        facts.types.aliases.remove(&without.aliases);
        facts
            .types
            .handles
            .retain(|one| !without.handles.contains(one));

        let types: KmdfTypes = fact!("umdf/types.json");
        facts.types.handles.extend(types.handles);
        facts.types.aliases.overlay(types.aliases);
        let structs: Ordered<Record> = fact!("umdf/structs.json");
        facts.structs.overlay(structs);
        let enums: Ordered<Enum> = fact!("umdf/enums.json");
        facts.enums.overlay(enums);
        let callbacks: Ordered<Callback> = fact!("umdf/callbacks.json");
        facts.callbacks.overlay(callbacks);
        let init_helpers: Ordered<InitHelper> = fact!("umdf/init-helpers.json");
        facts.init_helpers.overlay(init_helpers);
        facts.structure_indexes = fact!("umdf/structure-indexes.json");
        facts.versions = fact!("umdf/versions.json");

        let table: Vec<Function> = fact!("umdf/functions.json");
        let kmdf = std::mem::take(&mut facts.functions);
        facts.functions = table
            .into_iter()
            .map(|one| as_in_kmdf(one, &kmdf))
            .collect();
        facts
    }

    /// Leaves of the NT side what user mode has, and adds Win32's.
    fn use_user_mode(&mut self) {
        let user: UserMode = fact!("win32/types.json");
        self.nt_structs.remove(&user.opaque);
        self.nt_types.aliases.overlay(user.aliases);
        let enums: Ordered<Enum> = fact!("win32/enums.json");
        self.nt_enums.overlay(enums);
        let functions: Ordered<NtFunction> = fact!("win32/functions.json");
        self.nt_functions = functions;
        self.nt_constants
            .0
            .retain(|(name, _)| user.nt_constants.contains(name));
        let constants: Ordered<String> = fact!("win32/constants.json");
        self.nt_constants.overlay(constants);
    }
}

/// An entry without a prototype of its own has the one that KMDF's table gives the name, if any.
fn as_in_kmdf(one: Function, kmdf: &[Function]) -> Function {
    let same = kmdf.iter().find(|other| other.name == one.name);
    match same {
        Some(same) if one.params.is_none() => Function {
            index: one.index,
            since: one.since,
            ..same.clone()
        },
        _ => one,
    }
}
