//! What the facts say about UMDF 2's functions and structures. Most have their names and prototypes from KMDF; the
//! table's order is another.

use crate::tables::{
    CType, Function, Irql, Param, Signature, Structure, TypeKind, look_up, size_in,
};

include!(concat!(env!("OUT_DIR"), "/umdf.rs"));

/// The function table of the newest version: each older one is a prefix of it.
#[must_use]
pub fn functions() -> &'static [Function] {
    FUNCTIONS
}

/// The table function of that name.
#[must_use]
pub fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|one| one.name == name)
}

/// How many entries the table of UMDF 2.`minor` has; `None` for a version not known.
#[must_use]
pub fn function_count(minor: u32) -> Option<usize> {
    look_up(FUNCTION_COUNTS, minor)
}

/// The UMDF 2.x versions the facts cover, in order.
pub fn minor_versions() -> impl Iterator<Item = u32> {
    FUNCTION_COUNTS.iter().map(|&(minor, _)| minor)
}

/// `sizeof(name)` in a driver built for UMDF 2.`minor`: what its `Size` member must hold.
///
/// `None` for a structure or a version that is not known, or if that version lacks it.
#[must_use]
pub fn structure_size(name: &str, minor: u32) -> Option<usize> {
    function_count(minor)?;
    size_in(STRUCTURES, name, minor)
}
