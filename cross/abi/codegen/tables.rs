//! Tables of what the facts say about functions, callbacks, structures and codes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::types::grouped;
use crate::facts::{Decl, Facts, Ordered, Resolved, Types};

/// The tables behind `functions()`, `callbacks()` and their like.
pub fn generate(facts: &Facts) -> String {
    let types = Types::new(facts);
    let mut text = functions(facts, &types);
    table(
        &mut text,
        "NT_FUNCTIONS",
        "NtFunction",
        facts.nt_functions.iter().map(|(name, one)| {
            let signature = signature(facts, &types, &one.returns, &one.params, one.variadic);
            format!(
                "NtFunction {{ name: {name:?}, dll: {:?}, signature: {signature} }}",
                one.dll
            )
        }),
    );
    table(&mut text, "CALLBACKS", "Callback", facts.callbacks.iter().map(|(name, one)| {
        format!(
            "Callback {{ name: {name:?}, pointer: {:?}, since: {}, signature: {}, irql: {:?} }}",
            one.pointer,
            one.since.unwrap_or(crate::facts::OLDEST_MINOR),
            signature(facts, &types, &one.returns, &one.params, false),
            one.irql
        )
    }));
    table(
        &mut text,
        "INIT_HELPERS",
        "InitHelper",
        facts.init_helpers.iter().map(|(name, one)| {
            let params: Vec<_> = one
                .params
                .iter()
                .map(|decl| param(facts, &types, decl))
                .collect();
            format!(
                "InitHelper {{ name: {name:?}, params: &[{}], sets: &{:?} }}",
                params.join(", "),
                one.sets
            )
        }),
    );
    text.push_str(&structures(facts));
    text.push_str(&versions(facts));
    text
}

/// The tables behind `umdf`.
pub fn generate_umdf(facts: &Facts) -> String {
    let types = Types::new(facts);
    let counts: Vec<_> = facts.versions.functions.iter().collect();
    functions(facts, &types)
        + &structures(facts)
        + &format!("static FUNCTION_COUNTS: &[(u32, usize)] = &{counts:?};\n")
}

fn functions(facts: &Facts, types: &Types) -> String {
    let mut text = String::new();
    table(&mut text, "FUNCTIONS", "Function", facts.functions.iter().map(|one| {
        let signature = match (&one.returns, &one.params) {
            (Some(returns), Some(params)) => {
                format!("Some({})", signature(facts, types, returns, params, false))
            }
            _ => "None".to_owned(),
        };
        format!(
            "Function {{ index: {}, name: {:?}, since: {}, signature: {signature}, irql_max: {} }}",
            one.index,
            one.name,
            one.since,
            irql(one.irql_max.as_deref())
        )
    }));
    text
}

fn table(text: &mut String, name: &str, ty: &str, rows: impl Iterator<Item = String>) {
    let _ = writeln!(text, "static {name}: &[{ty}] = &[");
    for row in rows {
        let _ = writeln!(text, "    {row},");
    }
    text.push_str("];\n");
}

fn signature(
    facts: &Facts,
    types: &Types<'_>,
    returns: &str,
    params: &[Decl],
    variadic: bool,
) -> String {
    let params: Vec<_> = params
        .iter()
        .map(|decl| param(facts, types, decl))
        .collect();
    format!(
        "Signature {{ returns: {}, params: &[{}], variadic: {variadic} }}",
        c_type(facts, types, returns),
        params.join(", ")
    )
}

fn param(facts: &Facts, types: &Types<'_>, decl: &Decl) -> String {
    format!(
        "Param {{ name: {:?}, ty: {} }}",
        decl.name,
        c_type(facts, types, &decl.ty)
    )
}

fn c_type(facts: &Facts, types: &Types<'_>, ty: &str) -> String {
    format!(
        "CType {{ c: {ty:?}, kind: TypeKind::{} }}",
        kind(facts, types, ty)
    )
}

fn kind(facts: &Facts, types: &Types<'_>, ty: &str) -> String {
    if facts.types.handles.iter().any(|handle| handle == ty) || ty == "WDFOBJECT" {
        return "Handle".to_owned();
    }
    match (ty, types.resolve(ty)) {
        ("NTSTATUS", _) => "NtStatus".to_owned(),
        ("BOOLEAN", _) => "Boolean".to_owned(),
        (_, Resolved::Void) => "Void".to_owned(),
        (_, Resolved::Integer { size, signed }) => {
            format!("Integer {{ size: {size}, signed: {signed} }}")
        }
        (ty, Resolved::Pointer) if ty.starts_with("PFN_") => "FunctionPointer".to_owned(),
        (_, Resolved::Pointer) => "Pointer".to_owned(),
        (_, Resolved::Enum(tag)) => format!("Enum({:?})", tag.trim_start_matches('_')),
        (_, Resolved::Record { size, .. }) => format!("Record {{ size: {size} }}"),
        (_, Resolved::Opaque(tag)) => panic!("{tag} by value"),
    }
}

fn irql(level: Option<&str>) -> String {
    let Some(level) = level else {
        return "None".to_owned();
    };
    let level = match level {
        "PASSIVE_LEVEL" => "PASSIVE_LEVEL",
        "APC_LEVEL" => "APC_LEVEL",
        "DISPATCH_LEVEL" => "DISPATCH_LEVEL",
        // How the annotations say "up to the interrupt's own level".
        "DISPATCH_LEVEL + 1" => "DIRQL",
        "HIGH_LEVEL" => "HIGH_LEVEL",
        other => panic!("unknown IRQL {other}"),
    };
    format!("Some(Irql::{level})")
}

fn structures(facts: &Facts) -> String {
    let mut text = String::new();
    table(
        &mut text,
        "STRUCTURES",
        "Structure",
        facts.structs.iter().map(|(tag, record)| {
            let name = tag.trim_start_matches('_');
            let index = facts
                .structure_indexes
                .names
                .iter()
                .position(|one| one == name);
            let mut sizes: Vec<(u32, usize)> = Vec::new();
            for &minor in facts.versions.functions.keys() {
                let size = record.size_in(minor);
                let there = record.since.is_none_or(|since| since <= minor);
                if there && sizes.last().is_none_or(|&(_, last)| last != size) {
                    sizes.push((minor, size));
                }
            }
            format!("Structure {{ name: {name:?}, index: {index:?}, sizes: &{sizes:?} }}")
        }),
    );
    text
}

fn versions(facts: &Facts) -> String {
    let functions: Vec<_> = facts.versions.functions.iter().collect();
    let structures: Vec<_> = facts.structure_indexes.counts.iter().collect();
    format!(
        "static FUNCTION_COUNTS: &[(u32, usize)] = &{functions:?};\n\
         static STRUCTURE_COUNTS: &[(u32, usize)] = &{structures:?};\n\
         static LIBRARY: &str = {:?};\n\
         static LOADER_EXPORTS: &[&str] = &{:?};\n",
        facts.versions.library,
        facts
            .loader
            .imports
            .iter()
            .flat_map(|(_, names)| names)
            .collect::<Vec<_>>(),
    )
}

/// `STATUS_*` constants, and their names by value.
pub fn status(facts: &Facts) -> String {
    codes(&facts.nt_status, "NtStatus", |value| {
        grouped(&value.cast_signed().to_string(), 3)
    })
}

/// Bug check codes, and their names by value.
pub fn bugcheck(facts: &Facts) -> String {
    codes(&facts.nt_bugcheck, "BugCheck", |value| {
        grouped(&format!("{value:#x}"), 4)
    })
}

fn codes(codes: &Ordered<String>, ty: &str, literal: impl Fn(u32) -> String) -> String {
    let mut text = String::new();
    let mut names: BTreeMap<u32, &str> = BTreeMap::new();
    for (name, value) in codes.iter() {
        let value = hexadecimal(value);
        let _ = writeln!(
            text,
            "/// `{value:#010X}`\npub const {name}: {ty} = {ty}({});",
            literal(value)
        );
        // The first name of a value is the one to print.
        names.entry(value).or_insert(name);
    }
    let _ = writeln!(text, "static NAMES: &[(u32, &str)] = &[");
    for (value, name) in names {
        let _ = writeln!(
            text,
            "    ({}, {name:?}),",
            grouped(&format!("{value:#x}"), 4)
        );
    }
    text.push_str("];\n");
    let _ = writeln!(text, "static ALL: &[(&str, {ty})] = &[");
    for (name, _) in codes.iter() {
        let _ = writeln!(text, "    ({name:?}, {name}),");
    }
    text.push_str("];\n");
    text
}

/// Integer macros of the NT headers.
pub fn constants(facts: &Facts) -> String {
    let mut text = String::new();
    for (name, value) in facts.nt_constants.iter().chain(facts.constants.iter()) {
        let number = match value.strip_prefix("0x") {
            Some(_) => hexadecimal(value),
            None => value.parse().unwrap_or_else(|_| panic!("{name} = {value}")),
        };
        let _ = writeln!(
            text,
            "/// `{value}`\npub const {name}: u32 = {};",
            grouped(&format!("{number:#x}"), 4)
        );
    }
    text
}

fn hexadecimal(text: &str) -> u32 {
    let digits = text
        .strip_prefix("0x")
        .unwrap_or_else(|| panic!("{text} is not hexadecimal"));
    u32::from_str_radix(digits, 16).unwrap_or_else(|_| panic!("{text} is not hexadecimal"))
}
