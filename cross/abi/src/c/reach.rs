//! Which of the NT side's types a framework's declarations name, directly or through others.
//!
//! KMDF's headers come with all of them, as the kernel's own headers do. A driver in user mode sees few of them, and must
//! not find here what Windows' headers do not have.

use std::collections::BTreeSet;

use super::order::identifiers;
use crate::facts::{Decl, Facts, Field};

/// Names of aliases, of function types, and of the tags of records and enumerations.
pub struct Reach<'a> {
    facts: &'a Facts,
    names: BTreeSet<String>,
    open: Vec<String>,
}

impl<'a> Reach<'a> {
    /// What `facts.functions`, the framework's types and the exported functions need.
    pub fn of(facts: &'a Facts) -> BTreeSet<String> {
        let mut reach = Self {
            facts,
            names: BTreeSet::new(),
            open: Vec::new(),
        };
        reach.start();
        while let Some(name) = reach.open.pop() {
            reach.follow(&name);
        }
        reach.named_like_their_tags();
        reach.names
    }

    fn start(&mut self) {
        let facts = self.facts;
        for (_, is) in facts.types.aliases.iter() {
            self.text(is);
        }
        for one in &facts.functions {
            self.signature(one.returns.as_deref(), one.params.iter().flatten());
            let older = one.params_before.iter().flat_map(|older| &older.params);
            self.signature(None, older);
        }
        for (_, one) in facts.callbacks.iter() {
            self.signature(Some(&one.returns), one.params.iter());
        }
        for (_, one) in facts.nt_functions.iter() {
            self.signature(Some(&one.returns), one.params.iter());
        }
        for (_, record) in facts.structs.iter() {
            self.fields(&record.fields);
        }
    }

    fn follow(&mut self, name: &str) {
        let facts = self.facts;
        if let Some(is) = facts.nt_types.aliases.get(name) {
            self.text(is);
        } else if let Some(one) = facts.nt_types.functions.get(name) {
            self.signature(Some(&one.returns), one.params.iter());
        } else if let Some(record) = facts.nt_structs.get(name) {
            self.fields(&record.fields);
        } else if facts.nt_enums.get(name).is_none() {
            self.names.remove(name);
        }
    }

    /// Headers name a record and the pointer to it together.
    fn named_like_their_tags(&mut self) {
        for (name, is) in self.facts.nt_types.aliases.iter() {
            let target = is.trim_end_matches([' ', '*']);
            let tag = ["struct ", "union ", "enum "]
                .into_iter()
                .find_map(|keyword| target.strip_prefix(keyword));
            let laid_out = |tag: &str| {
                self.facts.nt_structs.get(tag).is_some() || self.facts.nt_enums.get(tag).is_some()
            };
            if tag.is_some_and(|tag| self.names.contains(tag) && laid_out(tag)) {
                self.names.insert(name.to_owned());
            }
        }
    }

    fn signature<'d>(&mut self, returns: Option<&str>, params: impl Iterator<Item = &'d Decl>) {
        self.text(returns.unwrap_or_default());
        params.for_each(|decl| self.text(&decl.ty));
    }

    fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            match field {
                Field::Plain(plain) => self.text(&plain.decl.ty),
                Field::Nested(nested) => self.fields(&nested.fields),
            }
        }
    }

    fn text(&mut self, text: &str) {
        for name in identifiers(text) {
            if self.names.insert(name.clone()) {
                self.open.push(name);
            }
        }
    }
}
