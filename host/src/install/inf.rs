//! Reads an INF: sections of lines, lines of fields, strings and continuations resolved.

use std::{collections::BTreeMap, fmt, fs, io, path::Path};

use thiserror::Error;

/// The largest INF that is read, in bytes.
const LARGEST_FILE: usize = 4 << 20;
/// The longest field, before and after its strings are put in: what SetupAPI allows.
const LONGEST_FIELD: usize = 4095;

/// Why an INF cannot be read.
#[derive(Debug, Error)]
pub struct InfError {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1, where one is to blame.
    pub line: Option<u32>,
    /// What is wrong.
    pub problem: InfProblem,
}

impl fmt::Display for InfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

/// What is wrong with an INF's text.
#[derive(Debug, Error)]
pub enum InfProblem {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// More than 4 MiB.
    #[error("{0} bytes are no INF")]
    TooLarge(usize),
    /// Neither of the two encodings.
    #[error("neither UTF-8 nor UTF-16LE with a byte order mark; save it as one of the two")]
    Encoding,
    /// `[name` without the bracket that ends it.
    #[error("the section's name does not end with \"]\"")]
    UnclosedSection,
    /// Something follows the bracket that ends a section's name.
    #[error("{0:?} after the section's name")]
    AfterSection(String),
    /// An entry before the first section.
    #[error("an entry outside any section")]
    OutsideSection,
    /// A quoted string that does not end on its line.
    #[error("a quoted string does not end on its line")]
    UnclosedQuote,
    /// `%name%` without an entry in `[Strings]`.
    #[error("%{0}% is not in [Strings]; a percent sign itself is written %%")]
    UnknownString(String),
    /// A placeholder that stampinf would have replaced.
    #[error("{0} is for stampinf to replace: this is an .inx, not yet an .inf")]
    Placeholder(String),
    /// A field longer than SetupAPI allows.
    #[error("a field of {0} characters; SetupAPI allows 4095")]
    LongField(usize),
}

/// What stampinf puts in place of an .inx file's placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// `$ARCH$`: `amd64`, `arm64`.
    pub architecture: String,
    /// `$KMDFVERSION$`, as `1.15`.
    pub kmdf_version: String,
    /// DriverVer's date, as `mm/dd/yyyy`.
    pub date: String,
    /// DriverVer's version, as `1.0.0.0`.
    pub version: String,
}

impl Stamp {
    /// The text with its placeholders replaced, as stampinf does it.
    #[must_use]
    pub fn apply(&self, inx: &str) -> String {
        let co_installer: String = match self.kmdf_version.split_once('.') {
            Some((major, minor)) => format!("{major:0>2}{minor:0>3}"),
            None => self.kmdf_version.clone(),
        };
        let text = inx
            .replace("$ARCH$", &self.architecture)
            .replace("$KMDFVERSION$", &self.kmdf_version)
            .replace("$KMDFCOINSTALLERVERSION$", &co_installer);
        let driver_version = format!("DriverVer = {},{}", self.date, self.version);
        let mut stamped = String::with_capacity(text.len() + driver_version.len());
        let mut in_version = false;
        for line in text.split_inclusive('\n') {
            let content = line.trim();
            if content.starts_with('[') {
                in_version = content
                    .get(..9)
                    .is_some_and(|name| name.eq_ignore_ascii_case("[Version]"));
            }
            let key = content.split('=').next().unwrap_or_default().trim();
            if in_version && key.eq_ignore_ascii_case("DriverVer") {
                stamped.push_str(&driver_version);
                stamped.push('\n');
            } else {
                stamped.push_str(line);
            }
        }
        stamped
    }
}

/// One value of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// Its text, unquoted and with its strings put in.
    pub text: String,
    /// The directory id it begins with: 13 of `%13%\name.sys`. The rest is in `text`.
    pub directory: Option<u32>,
}

impl Field {
    /// The number it is: hexadecimal with `0x`, else decimal, perhaps negative.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        let text = self.text.as_str();
        if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            return u32::from_str_radix(digits, 16).ok();
        }
        match text.strip_prefix('-') {
            Some(_) => text.parse::<i32>().ok().map(i32::cast_unsigned),
            None => text.parse().ok(),
        }
    }
}

/// One entry of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it begins in the file, counted from 1.
    pub number: u32,
    /// What is before the equals sign, if there is one.
    pub key: Option<String>,
    /// The values after it, or all of them.
    pub fields: Vec<Field>,
}

impl Line {
    /// A field's text; empty where the line has no such field.
    #[must_use]
    pub fn text(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", |field| &field.text)
    }

    /// Whether it has that key.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.key
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(key))
    }
}

/// A section. Those of the same name are one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Section {
    name: String,
    line: u32,
    lines: Vec<Line>,
}

/// An INF file.
#[derive(Clone, Debug)]
pub struct Inf {
    file: String,
    /// In the order of the file.
    sections: Vec<Section>,
    /// Names in upper case.
    index: BTreeMap<String, usize>,
}

impl Inf {
    /// Reads the INF at `path`. An `.inx` is stamped first.
    ///
    /// # Errors
    /// The file cannot be read, or its text is malformed.
    pub fn read(path: &Path, stamp: &Stamp) -> Result<Self, InfError> {
        let file = path.display().to_string();
        let is_inx = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("inx"));
        match fs::read(path) {
            Ok(bytes) => Self::parse(&file, &bytes, is_inx.then_some(stamp)),
            Err(error) => Err(InfError {
                file,
                line: None,
                problem: InfProblem::Unreadable(error),
            }),
        }
    }

    /// Reads an INF from the bytes of a file, stamped if a stamp is given; `file` names it in
    /// errors.
    ///
    /// # Errors
    /// The text is malformed.
    pub fn parse(file: &str, bytes: &[u8], stamp: Option<&Stamp>) -> Result<Self, InfError> {
        let parsed = decode(bytes)
            .map_err(|problem| (None, problem))
            .and_then(|text| {
                let text = stamp.map_or(text.clone(), |stamp| stamp.apply(&text));
                parse_text(&text).map_err(|(line, problem)| (Some(line), problem))
            });
        match parsed {
            Ok(sections) => {
                let index = sections
                    .iter()
                    .enumerate()
                    .map(|(at, section)| (section.name.to_uppercase(), at))
                    .collect();
                Ok(Self {
                    file: file.to_owned(),
                    sections,
                    index,
                })
            }
            Err((line, problem)) => Err(InfError {
                file: file.to_owned(),
                line,
                problem,
            }),
        }
    }

    /// The file, as it was named.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The entries of a section, if there is such a section.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[Line]> {
        let at = self.index.get(&name.to_uppercase())?;
        self.sections
            .get(*at)
            .map(|section| section.lines.as_slice())
    }

    /// The line that begins a section.
    #[must_use]
    pub fn line_of(&self, section: &str) -> Option<u32> {
        let at = self.index.get(&section.to_uppercase())?;
        self.sections.get(*at).map(|section| section.line)
    }

    /// The names of the sections, in the order of the file.
    pub fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name.as_str())
    }

    /// The first entry of a section with that key.
    #[must_use]
    pub fn entry(&self, section: &str, key: &str) -> Option<&Line> {
        self.section(section)?.iter().find(|line| line.is(key))
    }

    /// All entries of a section with that key.
    pub fn entries<'a>(
        &'a self,
        section: &str,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Line> + use<'a> {
        let lines = self.section(section).unwrap_or_default();
        lines.iter().filter(move |line| line.is(key))
    }
}

fn decode(bytes: &[u8]) -> Result<String, InfProblem> {
    if bytes.len() > LARGEST_FILE {
        return Err(InfProblem::TooLarge(bytes.len()));
    }
    if let Some(utf16) = bytes.strip_prefix(&[0xff, 0xfe]) {
        if !utf16.len().is_multiple_of(2) {
            return Err(InfProblem::Encoding);
        }
        let units = utf16
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        return char::decode_utf16(units)
            .collect::<Result<_, _>>()
            .map_err(|_| InfProblem::Encoding);
    }
    let utf8 = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    match std::str::from_utf8(utf8) {
        Ok(text) if !text.contains('\0') => Ok(text.to_owned()),
        _ => Err(InfProblem::Encoding),
    }
}

/// An error and its line.
type Parsed<T> = Result<T, (u32, InfProblem)>;

/// An entry as it is written, with its continuations.
struct RawLine {
    number: u32,
    key: Option<String>,
    fields: Vec<String>,
}

fn parse_text(text: &str) -> Parsed<Vec<Section>> {
    let mut names: Vec<(String, u32)> = Vec::new();
    let mut index = BTreeMap::new();
    let mut raw: Vec<Vec<RawLine>> = Vec::new();
    let mut current = None;
    let mut physical = text.lines().zip(1_u32..);
    while let Some((line, number)) = physical.next() {
        let content = line.trim();
        if let Some(header) = content.strip_prefix('[') {
            let (name, rest) = header
                .split_once(']')
                .ok_or((number, InfProblem::UnclosedSection))?;
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with(';') {
                return Err((number, InfProblem::AfterSection(rest.to_owned())));
            }
            let name = name.trim().to_owned();
            let at = *index.entry(name.to_uppercase()).or_insert(raw.len());
            if at == raw.len() {
                raw.push(Vec::new());
                names.push((name, number));
            }
            current = Some(at);
            continue;
        }
        let mut scanner = Scanner::new(number);
        let mut goes_on = scanner.scan(line)?;
        while goes_on {
            goes_on = match physical.next() {
                Some((line, number)) => {
                    scanner.number = number;
                    scanner.scan(line)?
                }
                None => false,
            };
        }
        let Some(line) = scanner.finish(number)? else {
            continue;
        };
        let section = current.and_then(|at: usize| raw.get_mut(at));
        section
            .ok_or((number, InfProblem::OutsideSection))?
            .push(line);
    }

    let strings = strings(index.get("STRINGS").and_then(|at| raw.get(*at)));
    let mut sections = Vec::with_capacity(raw.len());
    for ((name, line), lines) in names.into_iter().zip(raw) {
        let is_strings = name.eq_ignore_ascii_case("Strings")
            || name
                .get(..8)
                .is_some_and(|start| start.eq_ignore_ascii_case("Strings."));
        let lines = lines
            .into_iter()
            .map(|raw| resolve(raw, if is_strings { None } else { Some(&strings) }))
            .collect::<Parsed<_>>()?;
        sections.push(Section { name, line, lines });
    }
    Ok(sections)
}

/// Takes an entry apart, physical line by physical line.
struct Scanner {
    /// The physical line it is at.
    number: u32,
    key: Option<String>,
    fields: Vec<String>,
    field: String,
    /// Length of `field` up to where a quoted part ends: spaces before that are kept.
    kept: usize,
    /// Whether anything but spaces and comments was there.
    any: bool,
}

impl Scanner {
    const fn new(number: u32) -> Self {
        Self {
            number,
            key: None,
            fields: Vec::new(),
            field: String::new(),
            kept: 0,
            any: false,
        }
    }

    /// Takes one physical line; whether the entry goes on in the next one.
    fn scan(&mut self, line: &str) -> Parsed<bool> {
        let mut rest = line;
        while let Some(character) = rest.chars().next() {
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            self.any |= !character.is_whitespace() && character != ';';
            match character {
                ';' => break,
                '"' => rest = self.quoted(rest)?,
                '%' => rest = self.token(rest),
                ',' => self.end_field()?,
                '=' if self.key.is_none() && self.fields.is_empty() => {
                    self.end_field()?;
                    self.key = self.fields.pop();
                }
                '\\' => {
                    let after = rest.trim_start();
                    if after.is_empty() || after.starts_with(';') {
                        return Ok(true);
                    }
                    self.field.push('\\');
                }
                space if space.is_whitespace() => {
                    if !self.field.is_empty() {
                        self.field.push(space);
                    }
                }
                other => self.field.push(other),
            }
        }
        Ok(false)
    }

    /// A quoted string, in which two quotes stand for one; what follows it.
    fn quoted<'a>(&mut self, mut rest: &'a str) -> Parsed<&'a str> {
        loop {
            let (text, after) = rest
                .split_once('"')
                .ok_or((self.number, InfProblem::UnclosedQuote))?;
            self.field.push_str(text);
            if let Some(after) = after.strip_prefix('"') {
                self.field.push('"');
                rest = after;
            } else {
                self.kept = self.field.len();
                return Ok(after);
            }
        }
    }

    /// `%name%`, in which a semicolon is the name's own; what follows it.
    fn token<'a>(&mut self, rest: &'a str) -> &'a str {
        self.field.push('%');
        match rest.split_once('%') {
            Some((name, after)) if !name.contains(['"', '=', ',', '\\']) => {
                self.field.push_str(name);
                self.field.push('%');
                after
            }
            _ => rest,
        }
    }

    fn end_field(&mut self) -> Parsed<()> {
        let mut field = std::mem::take(&mut self.field);
        let kept = std::mem::take(&mut self.kept);
        let end = field.trim_end().len().max(kept);
        field.truncate(end);
        let length = field.chars().count();
        if length > LONGEST_FIELD {
            return Err((self.number, InfProblem::LongField(length)));
        }
        self.fields.push(field);
        Ok(())
    }

    /// The entry, if there is one, that began at line `number`.
    fn finish(mut self, number: u32) -> Parsed<Option<RawLine>> {
        if !self.any {
            return Ok(None);
        }
        self.end_field()?;
        // Trailing commas, and nothing at all after an equals sign, are no fields.
        while self.fields.last().is_some_and(String::is_empty) {
            self.fields.pop();
        }
        Ok(Some(RawLine {
            number,
            key: self.key,
            fields: self.fields,
        }))
    }
}

/// The strings of `[Strings]`, by their names in upper case.
fn strings(lines: Option<&Vec<RawLine>>) -> BTreeMap<String, String> {
    lines
        .into_iter()
        .flatten()
        .filter_map(|line| {
            let name = line.key.as_ref()?.to_uppercase();
            Some((name, line.fields.first().cloned().unwrap_or_default()))
        })
        .collect()
}

/// Puts the strings into an entry. The entries of `[Strings]` itself stay as they are.
fn resolve(raw: RawLine, strings: Option<&BTreeMap<String, String>>) -> Parsed<Line> {
    let number = raw.number;
    let substitute = |text: String| match strings {
        Some(strings) => substitute(&text, strings).map_err(|problem| (number, problem)),
        None => Ok(Field {
            text,
            directory: None,
        }),
    };
    let key = raw.key.map(&substitute).transpose()?;
    let fields = raw
        .fields
        .into_iter()
        .map(&substitute)
        .collect::<Parsed<_>>()?;
    Ok(Line {
        number,
        key: key.map(|key| key.text),
        fields,
    })
}

fn substitute(text: &str, strings: &BTreeMap<String, String>) -> Result<Field, InfProblem> {
    let mut field = Field::default();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        field.text.push_str(before);
        let Some((name, behind)) = after.split_once('%') else {
            // A single percent sign stands for itself.
            field.text.push('%');
            rest = after;
            continue;
        };
        rest = behind;
        if name.is_empty() {
            field.text.push('%');
        } else if let Some(string) = strings.get(&name.to_uppercase()) {
            field.text.push_str(string);
        } else if let Ok(directory) = name.parse() {
            if field.text.is_empty() && field.directory.is_none() {
                field.directory = Some(directory);
            } else {
                // Elsewhere than at the beginning it is no path.
                field.text.extend(["%", name, "%"]);
            }
        } else {
            return Err(InfProblem::UnknownString(name.to_owned()));
        }
        if field.text.len() > 4 * LONGEST_FIELD {
            break;
        }
    }
    field.text.push_str(rest);
    let length = field.text.chars().count();
    if length > LONGEST_FIELD {
        return Err(InfProblem::LongField(length));
    }
    if let Some(placeholder) = placeholder(&field.text) {
        return Err(InfProblem::Placeholder(placeholder.to_owned()));
    }
    Ok(field)
}

/// A `$NAME$` of stampinf in a text.
fn placeholder(text: &str) -> Option<&str> {
    [
        "$ARCH$",
        "$KMDFVERSION$",
        "$KMDFCOINSTALLERVERSION$",
        "$UMDFVERSION$",
    ]
    .into_iter()
    .find(|name| text.contains(name))
}
