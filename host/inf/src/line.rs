//! An entry of an INF's section.

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
