//! The KMDF ABI as data.
//!
//! The facts (function table, structures, enumerations, callbacks, codes; for KMDF and for the NT
//! kernel's part a driver meets) are in `facts/`; its README says where they come from. Out of
//! them come
//!
//! - C headers in the shape of the WDK, for the driver's build away from Windows: [`c`],
//! - Rust types with the same layout, to read a driver's memory with: [`types`],
//! - tables about functions, callbacks and structures: [`functions`], [`callbacks`],
//!   [`structures`], [`nt_functions`], [`init_helpers`],
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
