//! Rust types with the layout of the C ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::facts::{Decl, Enum, Facts, Field, Kind, Nested, Plain, Record, Resolved, Types};

const NEWEST: u32 = u32::MAX;

const DERIVES: &str = "#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, \
                       Immutable)]\n";

/// Every type the host can meet in a driver's memory.
pub fn generate(facts: &Facts) -> String {
    let mut writer = Writer {
        types: Types::new(facts),
        text: String::new(),
    };
    for handle in &facts.types.handles {
        let _ = writeln!(
            writer.text,
            "/// A handle, as the driver holds it: a value the host chose.\n\
             pub type {handle} = GuestPtr;"
        );
    }
    let mut enums = BTreeSet::new();
    for (tag, one) in facts.nt_enums.iter().chain(facts.enums.iter()) {
        enums.insert(rust_name(tag).to_owned());
        writer.enumeration(tag, one);
    }
    for (tag, one) in all_records(facts) {
        if scalar(tag).is_none() {
            writer.record(tag, one);
        }
    }
    writer.text
}

/// Every record with a layout, in the order of the facts.
pub fn all_records(facts: &Facts) -> impl Iterator<Item = (&str, &Record)> {
    let loader = facts.loader_structs.iter();
    facts
        .nt_structs
        .iter()
        .chain(loader)
        .chain(facts.structs.iter())
}

/// C's tag without the underscore: the name the C typedef has.
pub fn rust_name(tag: &str) -> &str {
    tag.strip_prefix('_').unwrap_or(tag)
}

/// Unions of an integer and its halves are that integer here.
fn scalar(tag: &str) -> Option<&'static str> {
    match tag {
        "_LARGE_INTEGER" => Some("i64"),
        "_ULARGE_INTEGER" => Some("u64"),
        _ => None,
    }
}

struct Writer<'a> {
    types: Types<'a>,
    text: String,
}

/// A member in Rust.
struct Member {
    name: String,
    ty: String,
    at: usize,
    size: usize,
    /// Natural alignment, in Rust, of `ty`.
    align: usize,
    doc: String,
}

impl Writer<'_> {
    fn enumeration(&mut self, tag: &str, one: &Enum) {
        let _ = writeln!(self.text, "open_enum! {{\n    /// `enum {tag}`.");
        let _ = writeln!(self.text, "    {} {{", rust_name(tag));
        for (name, value) in one.values_in(NEWEST) {
            let _ = writeln!(
                self.text,
                "        {name} = {},",
                grouped(&value.to_string(), 3)
            );
        }
        self.text.push_str("    }\n}\n");
    }

    fn record(&mut self, tag: &str, record: &Record) {
        let name = rust_name(tag);
        let doc = format!("`{} {tag}`: {} bytes.", keyword(record.kind), record.size);
        self.layout(
            name,
            &doc,
            record.kind,
            record.size,
            record.align,
            &record.fields,
        );
    }

    fn layout(
        &mut self,
        name: &str,
        doc: &str,
        kind: Kind,
        size: usize,
        align: usize,
        fields: &[Field],
    ) {
        let members = self.members(name, fields);
        match kind {
            Kind::Struct => self.structure(name, doc, size, align, &members),
            Kind::Union => self.union(name, doc, size, align, &members),
        }
    }

    fn members(&mut self, owner: &str, fields: &[Field]) -> Vec<Member> {
        let mut members: Vec<Member> = Vec::new();
        let mut bits: Option<(usize, usize)> = None;
        let mut unnamed = 0;
        for field in fields {
            if let Field::Plain(Plain {
                bits: Some(width),
                bit: Some(bit),
                ..
            }) = field
            {
                // Bit fields that follow each other are one integer, or bytes.
                let first = bits.map_or(bit / 8, |(first, _)| first);
                bits = Some((first, (bit + width).div_ceil(8)));
                continue;
            }
            members.extend(bits.take().map(|(first, end)| bit_fields(first, end)));
            members.extend(match field {
                Field::Plain(plain) if plain.size == 0 => None,
                Field::Plain(plain) => Some(self.plain(plain)),
                Field::Nested(nested) if nested.name.is_empty() => {
                    unnamed += 1;
                    Some(self.nested(owner, &format!("anon_{unnamed}"), nested))
                }
                Field::Nested(nested) => Some(self.nested(owner, &nested.name, nested)),
            });
        }
        members.extend(bits.map(|(first, end)| bit_fields(first, end)));
        members
    }

    fn plain(&self, plain: &Plain) -> Member {
        let (ty, align) = self.rust_type(&plain.decl);
        let since = plain
            .since
            .map(|since| format!(" Since KMDF 1.{since}."))
            .unwrap_or_default();
        Member {
            name: plain.decl.name.clone(),
            ty,
            at: plain.at,
            size: plain.size,
            align,
            doc: format!("`{}`.{since}", plain.decl.to_c()),
        }
    }

    fn nested(&mut self, owner: &str, name: &str, nested: &Nested) -> Member {
        let ty = format!("{owner}_{name}");
        let doc = format!(
            "`{}` in [`{owner}`]: {} bytes.",
            keyword(nested.kind),
            nested.size
        );
        self.layout(
            &ty,
            &doc,
            nested.kind,
            nested.size,
            nested.align,
            &nested.fields,
        );
        let doc = format!("Nested {}.", keyword(nested.kind));
        Member {
            name: name.to_owned(),
            ty,
            at: nested.at,
            size: nested.size,
            align: nested.align,
            doc,
        }
    }

    fn structure(&mut self, name: &str, doc: &str, size: usize, align: usize, members: &[Member]) {
        let strictest = members.iter().map(|member| member.align).max().unwrap_or(1);
        let repr = match strictest.cmp(&align) {
            std::cmp::Ordering::Less => format!("C, align({align})"),
            std::cmp::Ordering::Equal => "C".to_owned(),
            std::cmp::Ordering::Greater => format!("C, packed({align})"),
        };
        let _ = writeln!(
            self.text,
            "/// {doc}\n{DERIVES}#[repr({repr})]\npub struct {name} {{"
        );
        let mut end = 0;
        for member in members {
            self.padding(end, member.at);
            let Member {
                name, ty, at, doc, ..
            } = member;
            let _ = writeln!(
                self.text,
                "    /// At {at:#x}: {doc}\n    pub {name}: {ty},"
            );
            end = at + member.size;
        }
        self.padding(end, size);
        self.text.push_str("}\n");
        self.common(name, size, align);
        for member in members {
            let Member {
                name: field, at, ..
            } = member;
            let _ = writeln!(
                self.text,
                "const _: () = assert!(offset_of!({name}, {field}) == {at});"
            );
        }
    }

    /// Padding is a member, so that a record has no byte that is not part of its value.
    fn padding(&mut self, from: usize, to: usize) {
        if from < to {
            let _ = writeln!(
                self.text,
                "    /// Nothing.\n    pub _padding_{from}: [u8; {}],",
                to - from
            );
        }
    }

    fn union(&mut self, name: &str, doc: &str, size: usize, align: usize, members: &[Member]) {
        let _ = writeln!(
            self.text,
            "/// {doc}\n{DERIVES}#[repr(C)]\npub struct {name} {{\n    \
             /// The bytes that the members share.\n    pub storage: [u{}; {}],\n}}",
            align * 8,
            size / align
        );
        self.common(name, size, align);
        let _ = writeln!(self.text, "impl {name} {{");
        for Member { name, ty, doc, .. } in members {
            let _ = writeln!(
                self.text,
                "    /// Reads {doc}\n    #[must_use]\n    pub fn {name}(&self) -> {ty} {{\n        \
                 read_member(self.storage.as_bytes())\n    }}\n    \
                 /// Writes {doc}\n    pub fn set_{name}(&mut self, value: {ty}) {{\n        \
                 write_member(self.storage.as_mut_bytes(), &value);\n    }}"
            );
        }
        self.text.push_str("}\n");
        for Member { ty, .. } in members {
            let _ = writeln!(
                self.text,
                "const _: () = assert!(size_of::<{ty}>() <= {size});"
            );
        }
    }

    fn common(&mut self, name: &str, size: usize, align: usize) {
        let _ = writeln!(
            self.text,
            "impl Default for {name} {{\n    fn default() -> Self {{\n        \
             Self::new_zeroed()\n    }}\n}}\n\
             const _: () = assert!(size_of::<{name}>() == {size});\n\
             const _: () = assert!(align_of::<{name}>() == {align});"
        );
    }

    /// The Rust type of a declared member, and its alignment.
    fn rust_type(&self, decl: &Decl) -> (String, usize) {
        let resolved = self.types.resolve(&decl.ty);
        let (_, align) = resolved.size_align();
        let ty = match (decl.ty.as_str(), &resolved) {
            ("NTSTATUS", _) => "NtStatus".to_owned(),
            ("PHYSICAL_ADDRESS", _) => "u64".to_owned(),
            (_, Resolved::Integer { size, signed }) => {
                format!("{}{}", if *signed { 'i' } else { 'u' }, size * 8)
            }
            (_, Resolved::Pointer) => "GuestPtr".to_owned(),
            (_, Resolved::Enum(tag)) => rust_name(tag).to_owned(),
            (_, Resolved::Record { tag, .. }) => {
                scalar(tag).map_or_else(|| rust_name(tag).to_owned(), str::to_owned)
            }
            (ty, Resolved::Void | Resolved::Opaque(_)) => panic!("{ty} {} by value", decl.name),
        };
        match decl.array {
            Some(count) => (format!("[{ty}; {count}]"), align),
            None => (ty, align),
        }
    }
}

/// A number's digits in groups, as Rust sources have them.
pub fn grouped(number: &str, group: usize) -> String {
    let digits_at = number.len() - number.trim_start_matches(['-', '0', 'x']).len();
    let digits = number.len() - digits_at;
    let mut text = String::new();
    for (at, digit) in number.chars().enumerate() {
        if at > digits_at && (number.len() - at).is_multiple_of(group) && digits > 4 {
            text.push('_');
        }
        text.push(digit);
    }
    text
}

fn bit_fields(first: usize, end: usize) -> Member {
    let size = end - first;
    let (ty, align) = match size {
        1 | 2 | 4 | 8 if first.is_multiple_of(size) => (format!("u{}", size * 8), size),
        _ => (format!("[u8; {size}]"), 1),
    };
    let doc = "bit fields.".to_owned();
    Member {
        name: format!("bits_{first}"),
        ty,
        at: first,
        size,
        align,
        doc,
    }
}

fn keyword(kind: Kind) -> &'static str {
    match kind {
        Kind::Struct => "struct",
        Kind::Union => "union",
    }
}
