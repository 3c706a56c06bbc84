//! A C source whose compilation proves that the headers lay everything out as the facts say.

use std::fmt::Write as _;

use super::{UnknownMinor, check_minor};
use crate::facts::{Facts, Field, Kind, Record};

/// A C file of static assertions on every size and offset: it compiles if and only if a compiler
/// that reads the [`headers`](super::headers) agrees with the facts.
///
/// # Errors
/// [`UnknownMinor`] if the facts do not cover that version.
pub fn layout_checks(kmdf_minor: u32) -> Result<String, UnknownMinor> {
    let facts = Facts::load();
    check_minor(&facts, kmdf_minor)?;
    let mut text = String::from("#include \"ntifs.h\"\n#include \"wdf.h\"\n\n");
    for (tag, record) in facts.nt_structs.iter().chain(facts.structs.iter()) {
        if record.since.is_none_or(|since| since <= kmdf_minor) {
            check_record(&mut text, tag, record, kmdf_minor);
        }
    }
    for (_, one) in facts.nt_enums.iter().chain(facts.enums.iter()) {
        if one.since.is_none_or(|since| since <= kmdf_minor) {
            for (name, value) in one.values_in(kmdf_minor) {
                let _ = writeln!(
                    text,
                    "_Static_assert((long long){name} == {value}ll, \"{name}\");"
                );
            }
        }
    }
    for one in facts.functions.iter().filter(|one| one.since <= kmdf_minor) {
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
