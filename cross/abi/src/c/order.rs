//! C wants a name declared before its use: puts declarations in such an order.

use std::collections::{HashMap, HashSet};

/// A piece of C text that declares `name`.
pub struct Declaration {
    pub name: String,
    pub text: String,
    /// The names it needs declared first; those nobody declares here are declared elsewhere.
    pub needs: Vec<String>,
}

/// The declarations' texts, each after what it needs, otherwise in the order given.
///
/// # Panics
/// When two need each other: the facts would describe something C cannot declare.
pub fn in_order(declarations: &[Declaration]) -> Vec<&str> {
    let by_name: HashMap<&str, &Declaration> = declarations
        .iter()
        .map(|one| (one.name.as_str(), one))
        .collect();
    let mut visit = Visit {
        by_name,
        open: HashSet::new(),
        done: HashSet::new(),
        out: Vec::new(),
    };
    for one in declarations {
        visit.declare(one);
    }
    visit.out
}

struct Visit<'a> {
    by_name: HashMap<&'a str, &'a Declaration>,
    open: HashSet<&'a str>,
    done: HashSet<&'a str>,
    out: Vec<&'a str>,
}

impl<'a> Visit<'a> {
    fn declare(&mut self, one: &'a Declaration) {
        if self.done.contains(one.name.as_str()) {
            return;
        }
        assert!(self.open.insert(&one.name), "{} needs itself", one.name);
        for need in &one.needs {
            if let Some(&needed) = self.by_name.get(need.as_str()) {
                self.declare(needed);
            }
        }
        self.open.remove(one.name.as_str());
        self.done.insert(&one.name);
        self.out.push(&one.text);
    }
}

/// The identifiers in a piece of C.
pub fn identifiers(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .map(str::to_owned)
        .collect()
}
