//! The constructors of the framework's structures in `wdf/src/init.rs`, held against the facts about the `…_INIT`
//! functions of the C headers: each sets what its function sets, and nothing else.
//!
//! It reads lines as rustfmt leaves them. Sizes and layouts are the bindings'.

use std::collections::{BTreeMap, BTreeSet};

/// What an `…_INIT` function sets: members, and to what.
pub type Sets = BTreeMap<String, String>;

/// The constructors in a text, by the functions that they stand for.
#[must_use]
pub fn constructors(text: &str) -> BTreeMap<String, Sets> {
    let mut found = BTreeMap::new();
    let (mut name, mut sets) = (None, Sets::new());
    for line in text.lines() {
        let code = line.trim();
        if let Some(docs) = line.strip_prefix("/// `WDF_") {
            let end = docs.find('`').unwrap_or(docs.len());
            name = Some(format!("WDF_{}", &docs[..end]));
            sets = Sets::new();
        } else if line == "}" {
            if let Some(name) = name.take() {
                found.insert(name, std::mem::take(&mut sets));
            }
        } else if let Some((member, value)) = assigned(code) {
            sets.insert(member.to_owned(), value.to_owned());
        }
    }
    found
}

/// `Member: value,` of a structure, or `config.Member = value;`.
fn assigned(code: &str) -> Option<(&str, &str)> {
    let (member, value) = match code.strip_prefix("config.") {
        Some(code) => code.strip_suffix(';')?.split_once(" = ")?,
        None => code.strip_suffix(',')?.split_once(": ")?,
    };
    member
        .starts_with(|c: char| c.is_ascii_uppercase())
        .then_some((member, value))
}

/// The differences between a constructor and the facts' assignments of its function (`Member = value`).
#[must_use]
pub fn differences(constructor: &Sets, facts: &[&str], params: &[&str]) -> Vec<String> {
    let mut expected = BTreeMap::new();
    for set in facts {
        let assignment = set.split(" if ").next().unwrap_or(set);
        if let Some((member, value)) = assignment.split_once(" = ") {
            expected.insert(member, value);
        }
    }
    let members: BTreeSet<&str> = constructor.keys().map(String::as_str).collect();
    let members = members
        .union(&expected.keys().copied().collect())
        .copied()
        .collect::<Vec<_>>();
    let difference = |member: &str| {
        let ours = constructor.get(member).map(String::as_str);
        let theirs = expected.get(member).copied();
        let same = match (ours, theirs) {
            (Some(ours), Some(theirs)) => is_same(member, ours, theirs, params),
            // Zeroed, as everything that is not named; a callback that the constructor leaves to its caller.
            (None, Some(theirs)) => is_zero(theirs) || member.starts_with("Evt"),
            _ => false,
        };
        (!same).then(|| format!("{member}: {ours:?}, in C {theirs:?}"))
    };
    members.into_iter().filter_map(difference).collect()
}

/// Whether a value in Rust is one in C.
fn is_same(member: &str, ours: &str, theirs: &str, params: &[&str]) -> bool {
    match theirs {
        // Whatever the caller passes.
        _ if params.contains(&theirs) => !ours.contains("::") && !ours.starts_with("Wdf"),
        "TRUE" => ours == "true.into()",
        "(ULONG)-1" => ours == "ULONG::MAX",
        _ if member == "Size" => {
            let structure = theirs.split_once('(').map_or("", |(_, rest)| rest);
            let structure = structure
                .rsplit('(')
                .next()
                .unwrap_or("")
                .trim_end_matches(')');
            ours == format!("size_field::<{structure}>()") || ours == "SIZE"
        }
        _ => ours == theirs,
    }
}

/// Whether a value is 0 in C.
fn is_zero(value: &str) -> bool {
    [
        "0",
        "FALSE",
        "NULL",
        "WdfIrqPolicyMachineDefault",
        "WdfIrqPriorityUndefined",
    ]
    .contains(&value)
}

/// The lines of a text that make a structure of the framework's otherwise than by a constructor.
#[must_use]
pub fn bypasses(text: &str) -> Vec<usize> {
    let lines: Vec<_> = text.lines().collect();
    let is_bypass = |(index, line): (usize, &&str)| {
        let code = line.trim();
        let literal = code.ends_with(" {")
            && code.contains("WDF_")
            && !code.contains("fn ")
            && !code.contains("impl ")
            && !code.contains(MADE_BY_A_MACRO);
        let made = lines[index..]
            .iter()
            .take_while(|other| !other.trim().starts_with('}') || depth(other) > depth(line))
            .any(|line| line.trim().starts_with("..init::"));
        let zeroed = code.contains("WDF_") && code.contains("::default()");
        let bypass = !code.starts_with("//") && (zeroed || literal && !made);
        bypass.then_some(index + 1)
    };
    lines.iter().enumerate().filter_map(is_bypass).collect()
}

/// `WDF_DECLARE_CONTEXT_TYPE` writes it, no function does.
const MADE_BY_A_MACRO: &str = "WDF_OBJECT_CONTEXT_TYPE_INFO";

/// How far a line is indented.
fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
