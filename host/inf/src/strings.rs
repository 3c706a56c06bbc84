//! What stands for something else in an entry: strings, directory ids.

use std::collections::BTreeMap;

use super::{
    LONGEST_FIELD,
    line::{Field, Line},
    problem::{InfProblem, Parsed},
    scan::RawLine,
};

/// The strings of `[Strings]`, by their names in upper case.
pub(super) fn strings(lines: Option<&Vec<RawLine>>) -> BTreeMap<String, String> {
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
pub(super) fn resolve(raw: RawLine, strings: Option<&BTreeMap<String, String>>) -> Parsed<Line> {
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
