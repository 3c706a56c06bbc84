//! A file's bytes as sections.

use std::collections::BTreeMap;

use super::{
    Section,
    problem::{InfProblem, Parsed},
    scan::{RawLine, Scanner},
    strings::{resolve, strings},
};

/// The largest INF that is read, in bytes.
const LARGEST_FILE: usize = 4 << 20;

/// The text of a file.
pub(super) fn decode(bytes: &[u8]) -> Result<String, InfProblem> {
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

/// The sections of a text, in its order.
pub(super) fn parse_text(text: &str) -> Parsed<Vec<Section>> {
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
