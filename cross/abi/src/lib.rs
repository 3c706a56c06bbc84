//! The KMDF ABI as data.
//!
//! The facts are in `facts/`: function table, structures, enumerations, callbacks and codes, for KMDF, for UMDF 2
//! and for the part of the NT kernel that drivers use. The README names their sources. This crate generates from them:
//!
//! - C headers arranged as in the WDK, for the driver's build without Windows: [`c`],
//! - Rust types with the same layout, to read a driver's memory with: [`types`],
//! - tables about functions, callbacks and structures: [`functions`], [`callbacks`],
//!   [`structures`], [`nt_functions`], [`init_helpers`], and for UMDF 2 [`umdf`],
//! - names for codes: [`ntstatus`], [`bugcheck`], [`constants`].
//!
//! The crate is plain data and text: it needs no WDK and no libclang, and has no unsafe code.
#![forbid(unsafe_code)]

pub mod bugcheck;
pub mod c;
#[allow(dead_code, reason = "the build script uses the rest of it")]
mod facts;
#[cfg(test)]
mod facts_tests;
mod guest;
pub mod ntstatus;
mod tables;
pub mod types;
pub mod umdf;

pub use guest::GuestPtr;
pub use tables::{
    CType, Callback, Function, InitHelper, Irql, NtFunction, Param, Signature, Structure, TypeKind,
    callbacks, function, function_count, functions, init_helpers, library_name, loader_exports,
    minor_versions, nt_function, nt_functions, structure_count, structure_size, structures,
};

/// Integer constants of the NT and KMDF headers: `IRP_MJ_*`, `CM_RESOURCE_*`, `FILE_*`, …
#[allow(non_upper_case_globals, reason = "they keep their names in C")]
pub mod constants {
    include!(concat!(env!("OUT_DIR"), "/constants.rs"));
}
