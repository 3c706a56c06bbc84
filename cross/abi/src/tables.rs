//! What the facts say about functions, callbacks and structures.

/// Interrupt request levels, as annotations name them. On x64 a processor's IRQL is `CR8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(
    non_camel_case_types,
    clippy::upper_case_acronyms,
    reason = "the names of the headers"
)]
pub enum Irql {
    /// 0: ordinary threads; may block, may touch pageable memory.
    PASSIVE_LEVEL,
    /// 1: asynchronous procedure calls.
    APC_LEVEL,
    /// 2: DPCs and spin locks; no blocking, no page faults.
    DISPATCH_LEVEL,
    /// 3 to 11 on x64: the level of the interrupt in question.
    DIRQL,
    /// 15 on x64: everything.
    HIGH_LEVEL,
}

/// How a value travels: what a caller has to know to pass it or take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// No value.
    Void,
    /// `NTSTATUS`.
    NtStatus,
    /// `BOOLEAN`: one byte, 0 or not.
    Boolean,
    /// Any other integer, characters included.
    Integer {
        /// In bytes.
        size: usize,
        /// Whether it has a sign.
        signed: bool,
    },
    /// An enumeration, by its name in [`types`](crate::types): four bytes.
    Enum(&'static str),
    /// A framework handle (`WDFDEVICE`, …) or, as `WDFOBJECT`, any of them.
    Handle,
    /// A pointer to data.
    Pointer,
    /// A pointer to code: mostly a callback, see [`callbacks`].
    FunctionPointer,
    /// A structure or union by value: in a register if it has at most eight bytes.
    Record {
        /// In bytes.
        size: usize,
    },
}

/// A type of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CType {
    /// As the headers write it: `PWDF_OBJECT_ATTRIBUTES`.
    pub c: &'static str,
    /// What that comes down to.
    pub kind: TypeKind,
}

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in the documentation.
    pub name: &'static str,
    /// Its type.
    pub ty: CType,
}

/// What a function takes and returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The result.
    pub returns: CType,
    /// The parameters; a table function's first is `DriverGlobals`.
    pub params: &'static [Param],
    /// Whether more arguments may follow.
    pub variadic: bool,
}

/// An entry of the function table of KMDF or of UMDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its place in the table.
    pub index: usize,
    /// Its name: `WdfInterruptCreate`.
    pub name: &'static str,
    /// The minor version that brought it; 15 stands for it and everything before.
    pub since: u32,
    /// `None` for private entries and those of USB and miniport drivers.
    pub signature: Option<Signature>,
    /// The highest IRQL its annotation allows, if it has one.
    pub irql_max: Option<Irql>,
}

/// A function the kernel exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NtFunction {
    /// Its name.
    pub name: &'static str,
    /// The image whose import library has it.
    pub dll: &'static str,
    /// What it takes and returns.
    pub signature: Signature,
}

/// A callback a driver hands to the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The function type: `EVT_WDF_INTERRUPT_ISR`.
    pub name: &'static str,
    /// The pointer to it: `PFN_WDF_INTERRUPT_ISR`.
    pub pointer: &'static str,
    /// The KMDF 1.x that brought it; 15 stands for 1.15 and everything before.
    pub since: u32,
    /// What it takes and returns.
    pub signature: Signature,
    /// The annotated IRQL: `= DISPATCH_LEVEL`, `<= PASSIVE_LEVEL`, `>= PASSIVE_LEVEL`.
    ///
    /// Every callback has to return at the IRQL it was called at.
    pub irql: Option<&'static str>,
}

/// A `WDF_*` structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Its name: `WDF_INTERRUPT_CONFIG`.
    pub name: &'static str,
    /// Its place in the structure table that exists since KMDF 1.25.
    pub index: Option<usize>,
    /// From which KMDF 1.x on it has which size in bytes.
    pub sizes: &'static [(u32, usize)],
}

/// What an inline `…_INIT` function of the C headers does after zeroing its structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitHelper {
    /// Its name: `WDF_IO_QUEUE_CONFIG_INIT`.
    pub name: &'static str,
    /// Its parameters, the structure first.
    pub params: &'static [Param],
    /// The assignments: `field = C expression`, `… if condition`; `field[i]` is every element;
    /// `call OTHER_INIT(…)` does what that one does.
    pub sets: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

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

/// How many entries the table of KMDF 1.`minor` has; `None` for a version not known.
#[must_use]
pub fn function_count(minor: u32) -> Option<usize> {
    look_up(FUNCTION_COUNTS, minor)
}

/// The KMDF 1.x versions the facts cover, in order.
pub fn minor_versions() -> impl Iterator<Item = u32> {
    FUNCTION_COUNTS.iter().map(|&(minor, _)| minor)
}

/// The kernel's functions whose prototypes are known, by topic.
#[must_use]
pub fn nt_functions() -> &'static [NtFunction] {
    NT_FUNCTIONS
}

/// The kernel function of that name.
#[must_use]
pub fn nt_function(name: &str) -> Option<&'static NtFunction> {
    NT_FUNCTIONS.iter().find(|one| one.name == name)
}

/// The callbacks of KMDF.
#[must_use]
pub fn callbacks() -> &'static [Callback] {
    CALLBACKS
}

/// The `WDF_*` structures.
#[must_use]
pub fn structures() -> &'static [Structure] {
    STRUCTURES
}

/// `sizeof(name)` in a driver built for KMDF 1.`minor`: what its `Size` member must hold.
///
/// `None` for a structure or a version that is not known, or if that version lacks it.
#[must_use]
pub fn structure_size(name: &str, minor: u32) -> Option<usize> {
    function_count(minor)?;
    size_in(STRUCTURES, name, minor)
}

/// Entries of the structure table of KMDF 1.`minor`; `None` before 1.25, which had none.
#[must_use]
pub fn structure_count(minor: u32) -> Option<usize> {
    look_up(STRUCTURE_COUNTS, minor)
}

/// The values the inline `…_INIT` functions set, which no binding carries over.
#[must_use]
pub fn init_helpers() -> &'static [InitHelper] {
    INIT_HELPERS
}

/// What `WDF_BIND_INFO.Component` names: `KmdfLibrary`.
#[must_use]
pub fn library_name() -> &'static str {
    LIBRARY
}

/// The names a KMDF driver can import from WDFLDR.SYS.
#[must_use]
pub fn loader_exports() -> &'static [&'static str] {
    LOADER_EXPORTS
}

pub(crate) fn size_in(structures: &[Structure], name: &str, minor: u32) -> Option<usize> {
    let structure = structures.iter().find(|one| one.name == name)?;
    structure
        .sizes
        .iter()
        .rfind(|&&(since, _)| since <= minor)
        .map(|&(_, size)| size)
}

pub(crate) fn look_up(table: &[(u32, usize)], minor: u32) -> Option<usize> {
    table
        .iter()
        .find(|&&(one, _)| one == minor)
        .map(|&(_, count)| count)
}
