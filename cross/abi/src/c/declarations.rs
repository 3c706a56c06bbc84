//! Writes single declarations, and collects them until their order is known.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::order::{Declaration, identifiers, in_order};
use crate::facts::{Decl, Enum, Field, Kind, Ordered, Record, Resolved, Types};

/// The declarations of one header.
///
/// They come out as: tags, enumerations, typedefs, records. A typedef or a prototype may name a
/// record by its tag alone, so only a record held by value orders the records.
pub struct Unit<'a> {
    types: &'a Types<'a>,
    minor: u32,
    tags: BTreeSet<String>,
    enums: String,
    typedefs: Vec<Declaration>,
    records: Vec<Declaration>,
}

impl<'a> Unit<'a> {
    pub fn new(types: &'a Types<'a>, minor: u32) -> Self {
        Self {
            types,
            minor,
            tags: BTreeSet::new(),
            enums: String::new(),
            typedefs: Vec::new(),
            records: Vec::new(),
        }
    }

    pub fn typedef(&mut self, name: &str, text: String) {
        let needs = identifiers(&text)
            .into_iter()
            .filter(|word| word != name)
            .collect();
        self.note_tags(&text);
        self.typedefs.push(Declaration {
            name: name.to_owned(),
            text,
            needs,
        });
    }

    pub fn aliases<'n>(&mut self, aliases: impl Iterator<Item = (&'n str, &'n String)>) {
        for (name, is) in aliases {
            if self.has(is) {
                let decl = Decl {
                    ty: is.clone(),
                    name: name.to_owned(),
                    array: None,
                };
                self.typedef(name, format!("typedef {};", decl.to_c()));
            }
        }
    }

    /// Whether this version has what an alias stands for: the aliases of a record or an
    /// enumeration come with it.
    fn has(&self, ty: &str) -> bool {
        let since = match ty.trim_end_matches([' ', '*']).split_once(' ') {
            Some(("enum", tag)) => self.types.enumeration(tag).and_then(|one| one.since),
            Some(("struct" | "union", tag)) => self.types.record(tag).and_then(|one| one.since),
            _ => None,
        };
        since.is_none_or(|since| since <= self.minor)
    }

    /// A handle that C keeps apart from every other: a pointer to a structure of its own.
    pub fn handle(&mut self, name: &str) {
        self.typedef(
            name,
            format!("struct {name}__ {{ int unused; }};\ntypedef struct {name}__ *{name};"),
        );
    }

    pub fn function_type(&mut self, name: &str, pointer: bool, returns: &str, params: &[Decl]) {
        let list = parameters(params, false);
        let declarator = if pointer {
            format!("(*{name})")
        } else {
            name.to_owned()
        };
        self.typedef(name, format!("typedef {returns} {declarator}({list});"));
    }

    pub fn enumeration(&mut self, tag: &str, one: &Enum) {
        if one.since.is_some_and(|since| since > self.minor) {
            return;
        }
        let _ = writeln!(self.enums, "enum {tag} {{");
        for (name, value) in one.values_in(self.minor) {
            // INT_MIN cannot be written as one literal.
            let value = if value == i32::MIN {
                "-2147483647 - 1".into()
            } else {
                value.to_string()
            };
            let _ = writeln!(self.enums, "    {name} = {value},");
        }
        self.enums.push_str("};\n\n");
    }

    pub fn record(&mut self, tag: &str, record: &Record) {
        if record.since.is_some_and(|since| since > self.minor) {
            return;
        }
        let fields: Vec<_> = record.fields_in(self.minor).collect();
        let mut writer = Body {
            types: self.types,
            text: String::new(),
            needs: Vec::new(),
            pack: None,
        };
        let natural = writer.members(&fields, record.kind, 1);
        let pack = writer.pack;
        if pack.is_some() {
            // Again, now that the outermost record knows that it is packed.
            writer.text.clear();
            writer.needs.clear();
            writer.members(&fields, record.kind, 1);
        }
        let align = if record.align > natural && pack.is_none() {
            format!("__declspec(align({})) ", record.align)
        } else {
            String::new()
        };
        let mut text = format!(
            "{} {align}{tag} {{\n{}}};\n",
            keyword(record.kind),
            writer.text
        );
        if let Some(pack) = pack {
            text = format!("#pragma pack(push, {pack})\n{text}#pragma pack(pop)\n");
        }
        self.note_tags(&text);
        self.tags.insert(format!("{} {tag}", keyword(record.kind)));
        self.records.push(Declaration {
            name: tag.to_owned(),
            text,
            needs: writer.needs,
        });
    }

    pub fn finish(self) -> String {
        let mut text = String::new();
        for tag in &self.tags {
            let _ = writeln!(text, "{tag};");
        }
        text.push('\n');
        text.push_str(&self.enums);
        for typedef in in_order(&self.typedefs) {
            let _ = writeln!(text, "{typedef}");
        }
        text.push('\n');
        for record in in_order(&self.records) {
            let _ = writeln!(text, "{record}");
        }
        text
    }

    /// Notes the tags a text names: they are declared before everything else.
    fn note_tags(&mut self, text: &str) {
        let words: Vec<_> = text.split_whitespace().collect();
        for pair in words.windows(2) {
            let Some(tag) = identifiers(pair[1]).into_iter().next() else {
                continue;
            };
            let keyword = pair[0].trim_start_matches('(');
            let is_tag = pair[1].starts_with(&tag) && !tag.ends_with("__") && tag != "__declspec";
            if matches!(keyword, "struct" | "union") && is_tag {
                self.tags.insert(format!("{keyword} {tag}"));
            }
        }
    }
}

fn keyword(kind: Kind) -> &'static str {
    match kind {
        Kind::Struct => "struct",
        Kind::Union => "union",
    }
}

/// Writes the members of one outermost record.
struct Body<'a> {
    types: &'a Types<'a>,
    text: String,
    /// Tags of the records held by value.
    needs: Vec<String>,
    /// `#pragma pack`, once a member was found that sits below its natural alignment.
    pack: Option<usize>,
}

impl Body<'_> {
    /// Writes the members and returns the record's natural alignment.
    fn members(&mut self, fields: &[&Field], kind: Kind, depth: usize) -> usize {
        let indent = "    ".repeat(depth);
        let mut end = 0;
        let mut strictest = 1;
        for field in fields {
            let natural = match field {
                Field::Nested(nested) => {
                    let _ = writeln!(self.text, "{indent}{} {{", keyword(nested.kind));
                    let inner: Vec<_> = nested.fields.iter().collect();
                    let inside = self.members(&inner, nested.kind, depth + 1);
                    if inside > nested.align {
                        self.pack = Some(nested.align);
                    }
                    let space = if nested.name.is_empty() { "" } else { " " };
                    let _ = writeln!(self.text, "{indent}}}{space}{};", nested.name);
                    nested.align
                }
                Field::Plain(plain) => {
                    if let Resolved::Record { tag, .. } = self.types.resolve(&plain.decl.ty) {
                        self.needs.push(tag);
                    }
                    let natural = self.types.size_align(&plain.decl).1;
                    let natural = self.pack.map_or(natural, |pack| natural.min(pack));
                    let bits = plain
                        .bits
                        .map(|bits| format!(" : {bits}"))
                        .unwrap_or_default();
                    let start = if kind == Kind::Union { 0 } else { end };
                    let align = match plain.bits {
                        Some(_) => String::new(),
                        None => explicit_alignment(start, natural, plain.at),
                    };
                    let _ = writeln!(self.text, "{indent}{align}{}{bits};", plain.decl.to_c());
                    natural
                }
            };
            strictest = strictest.max(natural);
            end = match field {
                Field::Plain(plain) if plain.bits.is_some() => plain.at,
                _ => field.at() + field.size(),
            };
        }
        strictest
    }
}

/// What has to stand before a member so that it lands at `at`, when `end` bytes are taken.
fn explicit_alignment(end: usize, natural: usize, at: usize) -> String {
    if end.next_multiple_of(natural) >= at {
        return String::new();
    }
    let align = [2, 4, 8, 16]
        .into_iter()
        .find(|align| end.next_multiple_of(*align) == at);
    match align {
        Some(align) => format!("__declspec(align({align})) "),
        // After bit fields, whose storage is wider than what they fill.
        None => String::new(),
    }
}

/// A function's prototype.
pub fn function(name: &str, returns: &str, params: &[Decl], variadic: bool) -> String {
    let space = if returns.ends_with('*') { "" } else { " " };
    format!(
        "{returns}{space}{name}({});\n",
        parameters(params, variadic)
    )
}

fn parameters(params: &[Decl], variadic: bool) -> String {
    let mut list: Vec<_> = params.iter().map(Decl::to_c).collect();
    if variadic {
        list.push("...".to_owned());
    }
    if list.is_empty() {
        "void".to_owned()
    } else {
        list.join(", ")
    }
}

/// `#define`s, with values that bindgen reads as integers.
pub fn macros(constants: &Ordered<String>) -> String {
    constants
        .iter()
        .fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "#define {name} {value}");
            text
        })
}
