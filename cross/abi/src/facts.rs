//! The facts as they stand in `facts/*.json`, and the questions both generators ask of them.
//!
//! This file is compiled twice: into the library (the C generator reads the facts when it runs)
//! and into the build script (the Rust types and tables are generated when the crate is built).

macro_rules! fact {
    ($path:literal) => {
        serde_json::from_str(include_str!(concat!("../facts/", $path)))
            .unwrap_or_else(|error| panic!(concat!("facts/", $path, ": {}"), error))
    };
}

// The build script and the library would look for it in different directories.
#[path = "facts_umdf.rs"]
mod umdf;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// The oldest minor version the facts cover, of KMDF and of UMDF, and the one without any `since` mark.
pub const OLDEST_MINOR: u32 = 15;

/// A JSON object whose order is part of the fact (fields, enumerators, functions by topic).
#[derive(Debug, Clone)]
pub struct Ordered<V>(pub Vec<(String, V)>);

impl<V> Ordered<V> {
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Ordered<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Ordered<V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Ordered(entries))
            }
        }
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

/// A C declaration as the facts write it: `"ULONG Size"`, `"WDFQUEUE *Queue"`, `"ULONG Data[3]"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decl {
    /// The type, without the array bounds.
    pub ty: String,
    pub name: String,
    /// `Some(3)` for `[3]`, `Some(0)` for the flexible `[]`.
    pub array: Option<usize>,
}

impl Decl {
    pub fn parse(text: &str) -> Option<Self> {
        let (front, array) = match text.strip_suffix(']') {
            Some(open) => {
                let (front, count) = open.rsplit_once('[')?;
                (
                    front,
                    Some(if count.is_empty() {
                        0
                    } else {
                        count.parse().ok()?
                    }),
                )
            }
            None => (text, None),
        };
        let at = front.rfind([' ', '*'])? + 1;
        let (ty, name) = front.split_at(at);
        (!name.is_empty()).then(|| Self {
            ty: ty.trim().to_owned(),
            name: name.to_owned(),
            array,
        })
    }

    /// The declaration in C, without the semicolon.
    pub fn to_c(&self) -> String {
        let space = if self.ty.ends_with('*') { "" } else { " " };
        let array = match self.array {
            None => String::new(),
            Some(0) => "[]".to_owned(),
            Some(count) => format!("[{count}]"),
        };
        format!("{}{space}{}{array}", self.ty, self.name)
    }
}

impl<'de> Deserialize<'de> for Decl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("no declaration: {text:?}")))
    }
}

/// A framework's versions and what each of them has.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// The library's name in `WDF_BIND_INFO`.
    pub library: String,
    pub major: u32,
    /// Entries of the function table, by minor version.
    pub functions: BTreeMap<u32, usize>,
    /// Functions below this index need no availability check.
    pub always_available_functions: usize,
    /// From here on a driver may be newer than the framework it runs on.
    pub first_minor_with_optional_functions: u32,
}

/// An entry of the framework's function table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    pub index: usize,
    pub name: String,
    pub since: u32,
    /// `None`, like `params`: no prototype that a driver of this class could call.
    pub returns: Option<String>,
    pub params: Option<Vec<Decl>>,
    pub params_before: Option<OlderParams>,
    /// The highest IRQL the function's annotation allows.
    pub irql_max: Option<String>,
}

/// What a function's parameters were before `minor`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OlderParams {
    pub minor: u32,
    pub params: Vec<Decl>,
}

impl Function {
    /// The parameters as that version's headers declare them.
    pub fn params_in(&self, minor: u32) -> Option<&[Decl]> {
        match &self.params_before {
            Some(older) if minor < older.minor => Some(&older.params),
            _ => self.params.as_deref(),
        }
    }
}

/// A `struct` or a `union`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub kind: Kind,
    /// In bytes, in the newest version.
    pub size: usize,
    pub align: usize,
    pub fields: Vec<Field>,
    pub since: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Struct,
    Union,
}

/// A member of a [`Record`]: a declaration, or a nested record without a tag.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Field {
    Plain(Plain),
    Nested(Nested),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plain {
    /// Offset from the start of the record that holds it directly, in bytes.
    pub at: usize,
    pub size: usize,
    pub decl: Decl,
    /// Width of a bit field.
    pub bits: Option<usize>,
    /// Where the bit field starts in the record, in bits.
    pub bit: Option<usize>,
    pub since: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nested {
    pub at: usize,
    pub size: usize,
    /// Empty for a member that has no name either.
    pub name: String,
    pub kind: Kind,
    pub align: usize,
    pub fields: Vec<Field>,
}

impl Field {
    pub fn at(&self) -> usize {
        match self {
            Self::Plain(field) => field.at,
            Self::Nested(field) => field.at,
        }
    }

    pub fn size(&self) -> usize {
        match self {
            Self::Plain(field) => field.size,
            Self::Nested(field) => field.size,
        }
    }

    pub fn since(&self) -> u32 {
        match self {
            Self::Plain(field) => field.since.unwrap_or(OLDEST_MINOR),
            Self::Nested(_) => OLDEST_MINOR,
        }
    }
}

impl Record {
    /// The members that version has.
    pub fn fields_in(&self, minor: u32) -> impl Iterator<Item = &Field> {
        self.fields
            .iter()
            .filter(move |field| field.since() <= minor)
    }

    /// The size in bytes that version gives the record: what `sizeof` says there.
    pub fn size_in(&self, minor: u32) -> usize {
        if self.fields_in(minor).count() == self.fields.len() {
            return self.size;
        }
        let end = self
            .fields_in(minor)
            .map(|field| field.at() + field.size())
            .max()
            .unwrap_or(0);
        end.next_multiple_of(self.align)
    }
}

/// An enumeration and the versions its enumerators came or changed in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enum {
    pub since: Option<u32>,
    pub values: Ordered<Enumerator>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Enumerator {
    Always(i32),
    Versioned(Vec<Versioned>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versioned {
    pub since: u32,
    pub value: i32,
}

impl Enum {
    /// Names and values in that version.
    pub fn values_in(&self, minor: u32) -> impl Iterator<Item = (&str, i32)> {
        self.values.iter().filter_map(move |(name, value)| {
            let value = match value {
                Enumerator::Always(value) => *value,
                Enumerator::Versioned(all) => all
                    .iter()
                    .rfind(|one| one.since <= minor)
                    .map(|one| one.value)?,
            };
            Some((name, value))
        })
    }
}

/// A callback the framework calls: the function type `EVT_…`, its pointer type `PFN_…`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callback {
    pub pointer: String,
    pub since: Option<u32>,
    pub returns: String,
    pub params: Vec<Decl>,
    /// The IRQL annotation: `=X` for exactly X, `<=X` for at most X.
    pub irql: Option<String>,
}

/// What an `…_INIT` function of the C headers does, for which a Rust driver has no binding.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitHelper {
    pub params: Vec<Decl>,
    /// Assignments after zeroing: `field = C expression`, `… if condition`; `field[i]` is every
    /// element; `call OTHER_INIT(…)` does what that one does.
    pub sets: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KmdfTypes {
    pub handles: Vec<String>,
    pub aliases: Ordered<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NtTypes {
    pub aliases: Ordered<String>,
    pub functions: Ordered<FunctionType>,
}

/// A function type or a pointer to one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionType {
    #[serde(default)]
    pub pointer: bool,
    pub returns: String,
    pub params: Vec<Decl>,
}

/// A function the kernel exports.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NtFunction {
    /// The image that exports it.
    pub dll: String,
    pub returns: String,
    pub params: Vec<Decl>,
    #[serde(default)]
    pub variadic: bool,
}

/// The framework's loader, WDFLDR.SYS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loader {
    /// Names to import, by image.
    pub imports: Ordered<Vec<String>>,
    pub functions: Ordered<FunctionType>,
}

/// The table of structure sizes that a driver newer than the framework consults.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StructureIndexes {
    /// Entries by minor version; no table before the first.
    pub counts: BTreeMap<u32, usize>,
    pub names: Vec<String>,
}

/// All facts.
#[derive(Debug, Clone)]
pub struct Facts {
    pub versions: Versions,
    pub functions: Vec<Function>,
    pub structs: Ordered<Record>,
    pub loader_structs: Ordered<Record>,
    pub enums: Ordered<Enum>,
    pub types: KmdfTypes,
    pub callbacks: Ordered<Callback>,
    pub init_helpers: Ordered<InitHelper>,
    pub structure_indexes: StructureIndexes,
    pub constants: Ordered<String>,
    pub loader: Loader,
    pub nt_structs: Ordered<Record>,
    pub nt_enums: Ordered<Enum>,
    pub nt_types: NtTypes,
    pub nt_functions: Ordered<NtFunction>,
    pub nt_constants: Ordered<String>,
    pub nt_status: Ordered<String>,
    pub nt_bugcheck: Ordered<String>,
}

impl Facts {
    /// Parses the facts compiled into this crate.
    ///
    /// # Panics
    /// When a file does not have the form this module describes; a test reads them all.
    pub fn load() -> Self {
        Self {
            versions: fact!("kmdf/versions.json"),
            functions: fact!("kmdf/functions.json"),
            structs: fact!("kmdf/structs.json"),
            loader_structs: fact!("kmdf/loader-structs.json"),
            enums: fact!("kmdf/enums.json"),
            types: fact!("kmdf/types.json"),
            callbacks: fact!("kmdf/callbacks.json"),
            init_helpers: fact!("kmdf/init-helpers.json"),
            structure_indexes: fact!("kmdf/structure-indexes.json"),
            constants: fact!("kmdf/constants.json"),
            loader: fact!("kmdf/loader.json"),
            nt_structs: fact!("nt/structs.json"),
            nt_enums: fact!("nt/enums.json"),
            nt_types: fact!("nt/types.json"),
            nt_functions: fact!("nt/functions.json"),
            nt_constants: fact!("nt/constants.json"),
            nt_status: fact!("nt/status.json"),
            nt_bugcheck: fact!("nt/bugcheck.json"),
        }
    }
}

/// What a type name comes down to once every alias is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    Void,
    /// Size in bytes and whether it is signed.
    Integer {
        size: usize,
        signed: bool,
    },
    Pointer,
    /// The tag of an enumeration.
    Enum(String),
    /// The tag of a record and its layout.
    Record {
        tag: String,
        size: usize,
        align: usize,
    },
    /// A record of which no layout is held: only a pointer to it makes sense.
    Opaque(String),
}

impl Resolved {
    pub fn size_align(&self) -> (usize, usize) {
        match self {
            Self::Void | Self::Opaque(_) => (0, 1),
            Self::Integer { size, .. } => (*size, *size),
            Self::Pointer => (8, 8),
            Self::Enum(_) => (4, 4),
            Self::Record { size, align, .. } => (*size, *align),
        }
    }
}

/// Follows type names to what they stand for.
pub struct Types<'a> {
    facts: &'a Facts,
    aliases: HashMap<&'a str, &'a str>,
    pointers: std::collections::HashSet<&'a str>,
}

impl<'a> Types<'a> {
    pub fn new(facts: &'a Facts) -> Self {
        let aliases = facts
            .types
            .aliases
            .iter()
            .chain(facts.nt_types.aliases.iter());
        let handles = facts.types.handles.iter().map(String::as_str);
        let callbacks = facts
            .callbacks
            .iter()
            .flat_map(|(name, one)| [name, &*one.pointer]);
        let functions = facts.nt_types.functions.iter().map(|(name, _)| name);
        Self {
            facts,
            aliases: aliases.map(|(name, is)| (name, is.as_str())).collect(),
            pointers: handles.chain(callbacks).chain(functions).collect(),
        }
    }

    /// What the name is an alias of, if it is one.
    pub fn alias(&self, name: &str) -> Option<&'a str> {
        self.aliases.get(name).copied()
    }

    /// Follows `ty` to the end.
    ///
    /// # Panics
    /// When the facts do not say what `ty` is; a test resolves every type they name.
    pub fn resolve(&self, ty: &str) -> Resolved {
        self.try_resolve(ty)
            .unwrap_or_else(|| panic!("the facts do not say what {ty:?} is"))
    }

    pub fn try_resolve(&self, ty: &str) -> Option<Resolved> {
        let ty = ty.trim().trim_end_matches(" const");
        if ty.ends_with('*') {
            return Some(Resolved::Pointer);
        }
        if let Some(rest) = ty
            .strip_prefix("const ")
            .or_else(|| ty.strip_prefix("volatile "))
        {
            return self.try_resolve(rest);
        }
        if let Some(tag) = ty
            .strip_prefix("struct ")
            .or_else(|| ty.strip_prefix("union "))
        {
            return Some(match self.record(tag) {
                Some(record) => Resolved::Record {
                    tag: tag.to_owned(),
                    size: record.size,
                    align: record.align,
                },
                None => Resolved::Opaque(tag.to_owned()),
            });
        }
        if let Some(tag) = ty.strip_prefix("enum ") {
            return Some(Resolved::Enum(tag.to_owned()));
        }
        let integer = |size, signed| Some(Resolved::Integer { size, signed });
        match ty {
            "void" | "VOID" => Some(Resolved::Void),
            "char" | "signed char" => integer(1, true),
            "unsigned char" => integer(1, false),
            "short" => integer(2, true),
            "unsigned short" | "wchar_t" => integer(2, false),
            "int" | "long" => integer(4, true),
            "unsigned int" | "unsigned long" => integer(4, false),
            "long long" => integer(8, true),
            "unsigned long long" | "size_t" => integer(8, false),
            "PFN_GET_UNIQUE_CONTEXT_TYPE" | "WDFFUNC" => Some(Resolved::Pointer),
            "WDF_VERSION" | "WDF_BIND_INFO" => self.try_resolve(&format!("struct _{ty}")),
            _ if self.pointers.contains(ty) => Some(Resolved::Pointer),
            _ => self.try_resolve(self.alias(ty)?),
        }
    }

    pub fn record(&self, tag: &str) -> Option<&'a Record> {
        let facts = self.facts;
        facts
            .structs
            .get(tag)
            .or_else(|| facts.nt_structs.get(tag))
            .or_else(|| facts.loader_structs.get(tag))
    }

    pub fn enumeration(&self, tag: &str) -> Option<&'a Enum> {
        self.facts
            .enums
            .get(tag)
            .or_else(|| self.facts.nt_enums.get(tag))
    }

    /// Size and natural alignment of a declared member, array bounds included.
    pub fn size_align(&self, decl: &Decl) -> (usize, usize) {
        let (size, align) = self.resolve(&decl.ty).size_align();
        (size * decl.array.unwrap_or(1), align)
    }
}
