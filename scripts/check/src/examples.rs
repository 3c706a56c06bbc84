//! Examples in a crate's documentation: each public item occurs in one of its module's or of the crate's own, or says why
//! it does not.
//!
//! It reads lines as rustfmt leaves them. That the examples are right is shown by compiling them, as doctests.

/// What is said of an item that needs no example; the reason follows.
const REASON: &str = "No example:";

/// A module's public items that occur in no example, with file and line. The module's files are its own and those of
/// its submodules, each with its text; `root` is the text of the crate's root.
#[must_use]
pub fn without(files: &[(String, String)], root: &str) -> Vec<String> {
    let texts = files.iter().map(|(_, text)| text.as_str());
    let examples: String = texts.chain([root]).map(examples).collect();
    let mut without = Vec::new();
    for (file, text) in files {
        for Item { line, name, docs } in items(text) {
            if !has_word(&examples, name) && !docs.contains(REASON) {
                without.push(format!("{file}:{line}: {name}"));
            }
        }
    }
    without
}

/// A public item.
struct Item<'a> {
    /// Counted from 1.
    line: usize,
    name: &'a str,
    docs: String,
}

fn items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let (mut docs, mut in_trait, mut exported) = (String::new(), false, false);
    for (line, full) in (1..).zip(text.lines()) {
        let code = full.trim_start();
        let depth = full.len() - code.len();
        if code.starts_with("///") {
            docs.push_str(code);
            continue;
        }
        if code.starts_with("#[") || code.is_empty() {
            exported |= code == "#[macro_export]";
            continue;
        }
        in_trait = match depth {
            0 => code.starts_with("pub trait "),
            _ => in_trait,
        };
        let declared = match code.strip_prefix("pub ") {
            Some(declared) => Some(declared),
            None if in_trait && depth == 4 => Some(code),
            None if exported => code.strip_prefix("macro_rules! "),
            None => None,
        };
        if let Some(name) = declared.and_then(|code| name(code, exported)) {
            let docs = std::mem::take(&mut docs);
            items.push(Item { line, name, docs });
        }
        docs.clear();
        exported = false;
    }
    items
}

/// The name of what is declared. A field, and what only the framework calls, is none.
fn name(declared: &str, is_macro: bool) -> Option<&str> {
    let mut code = declared;
    for qualifier in ["const fn ", "unsafe fn ", "const unsafe fn "] {
        if code.starts_with(qualifier) {
            code = &code[qualifier.len() - "fn ".len()..];
        }
    }
    let kinds = ["fn ", "struct ", "enum ", "trait ", "const ", "static "];
    let rest = match kinds.iter().find_map(|kind| code.strip_prefix(kind)) {
        Some(rest) => rest,
        None if is_macro => code,
        None => return None,
    };
    let end = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
    Some(&rest[..end])
}

/// The lines of code in the text's documentation.
fn examples(text: &str) -> String {
    let (mut inside, mut examples) = (false, String::new());
    for line in text.lines() {
        let line = line.trim_start();
        let comment = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"));
        match comment.map(str::trim_start) {
            Some(fence) if fence.starts_with("```") => inside = !inside && fence != "```text",
            Some(code) if inside => {
                examples.push_str(code);
                examples.push('\n');
            }
            Some(_) => {}
            None => inside = false,
        }
    }
    examples
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_of_word) && !after.is_some_and(is_of_word)
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
