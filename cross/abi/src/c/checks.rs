//! A C source whose compilation proves that the headers lay everything out as the facts say.

use std::fmt::Write as _;

use super::{UnknownMinor, check_minor, reach::Reach};
use crate::facts::{Facts, Field, Kind, Record};

/// A C file of static assertions on every size and offset: it compiles if and only if a compiler
/// that reads the [`headers`](super::headers) agrees with the facts.
///
/// # Errors
/// [`UnknownMinor`] if the facts do not cover that version.
pub fn layout_checks(kmdf_minor: u32) -> Result<String, UnknownMinor> {
    checks(&Facts::load(), kmdf_minor, "ntifs.h", |_| true)
}

/// The same for the [`umdf_headers`](super::umdf_headers).
///
/// # Errors
/// [`UnknownMinor`] if the facts do not cover that version.
pub fn umdf_layout_checks(umdf_minor: u32) -> Result<String, UnknownMinor> {
    let facts = Facts::load_umdf();
    let reached = Reach::of(&facts);
    checks(&facts, umdf_minor, "windows.h", |tag| reached.contains(tag))
}

/// Of the system's records and enumerations those whose tags are `wanted`.
fn checks(
    facts: &Facts,
    minor: u32,
    base: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<String, UnknownMinor> {
    check_minor(facts, minor)?;
    let mut text = format!("#include \"{base}\"\n#include \"wdf.h\"\n\n");
    let system = facts.nt_structs.iter().filter(|(tag, _)| wanted(tag));
    for (tag, record) in system.chain(facts.structs.iter()) {
        if record.since.is_none_or(|since| since <= minor) {
            check_record(&mut text, tag, record, minor);
        }
    }
    let system = facts.nt_enums.iter().filter(|(tag, _)| wanted(tag));
    for (_, one) in system.chain(facts.enums.iter()) {
        if one.since.is_none_or(|since| since <= minor) {
            for (name, value) in one.values_in(minor) {
                let _ = writeln!(
                    text,
                    "_Static_assert((long long){name} == {value}ll, \"{name}\");"
                );
            }
        }
    }
    for one in facts.functions.iter().filter(|one| one.since <= minor) {
        let _ = writeln!(
            text,
            "_Static_assert({0}TableIndex == {1}, \"{0}\");",
            one.name, one.index
        );
    }
    Ok(text)
}

fn check_record(text: &mut String, tag: &str, record: &Record, minor: u32) {
    let keyword = match record.kind {
        Kind::Struct => "struct",
        Kind::Union => "union",
    };
    let name = format!("{keyword} {tag}");
    let size = record.size_in(minor);
    let _ = writeln!(
        text,
        "_Static_assert(sizeof({name}) == {size}, \"sizeof {tag}\");"
    );
    let _ = writeln!(
        text,
        "_Static_assert(_Alignof({name}) == {}, \"{tag}\");",
        record.align
    );
    let fields: Vec<_> = record.fields_in(minor).collect();
    check_fields(text, &name, "", 0, &fields);
}

fn check_fields(text: &mut String, record: &str, path: &str, base: usize, fields: &[&Field]) {
    for field in fields {
        let at = base + field.at();
        match field {
            Field::Plain(plain) if plain.bits.is_some() => {}
            Field::Plain(plain) => {
                let member = format!("{path}{}", plain.decl.name);
                check_member(text, record, &member, at, plain.size);
            }
            Field::Nested(nested) => {
                let inner: Vec<_> = nested.fields.iter().collect();
                if nested.name.is_empty() {
                    check_fields(text, record, path, at, &inner);
                } else {
                    let member = format!("{path}{}", nested.name);
                    check_member(text, record, &member, at, nested.size);
                    check_fields(text, record, &format!("{member}."), at, &inner);
                }
            }
        }
    }
}

fn check_member(text: &mut String, record: &str, member: &str, at: usize, size: usize) {
    let _ = writeln!(
        text,
        "_Static_assert(__builtin_offsetof({record}, {member}) == {at}, \"{record}.{member}\");"
    );
    if size > 0 {
        let _ = writeln!(
            text,
            "_Static_assert(sizeof((({record} *)0)->{member}) == {size}, \"{record}.{member}\");"
        );
    }
}
