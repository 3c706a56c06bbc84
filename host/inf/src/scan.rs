//! Entries as they are written: fields, quotes, comments and continuations.

use super::{
    LONGEST_FIELD,
    problem::{InfProblem, Parsed},
};

/// An entry as it is written, with its continuations.
pub(super) struct RawLine {
    pub number: u32,
    pub key: Option<String>,
    pub fields: Vec<String>,
}

/// Takes an entry apart, physical line by physical line.
pub(super) struct Scanner {
    /// The physical line it is at.
    pub number: u32,
    key: Option<String>,
    fields: Vec<String>,
    field: String,
    /// Length of `field` up to where a quoted part ends: spaces before that are kept.
    kept: usize,
    /// Whether anything but spaces and comments was there.
    any: bool,
}

impl Scanner {
    pub const fn new(number: u32) -> Self {
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
    pub fn scan(&mut self, line: &str) -> Parsed<bool> {
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
    pub fn finish(mut self, number: u32) -> Parsed<Option<RawLine>> {
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
