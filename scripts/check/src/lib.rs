//! Parses the scripts for Windows with a grammar of PowerShell, because there is no PowerShell here, and checks that
//! they could run on Windows. It runs nothing, so it does not show what a script does.
#![forbid(unsafe_code)]

pub mod examples;
pub mod inits;
pub mod layers;
pub mod modules;
pub mod references;
mod rules;

use std::collections::BTreeMap;

use tree_sitter::{Node, Parser, Tree};

pub use rules::{RULES, Rule};

/// A script, read.
pub struct Script {
    /// Its file name, below `scripts/windows`.
    pub name: String,
    text: String,
    tree: Tree,
}

/// A command that a script runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The line, counted from 1.
    pub line: usize,
    /// What is run; empty where an expression says it.
    pub name: String,
    /// Its parameters, without the dash.
    pub parameters: Vec<String>,
    /// All of it, as it is written.
    pub text: String,
}

impl Command {
    /// Whether it runs the script of this name in its own scope.
    #[must_use]
    pub fn dot_sources(&self, name: &str) -> bool {
        let file = name.rsplit('/').next().unwrap_or(name);
        let path = self.text.strip_prefix(". ").unwrap_or_default();
        path.trim_matches('"').ends_with(&format!("\\{file}"))
    }
}

impl Script {
    /// Reads a script.
    ///
    /// # Panics
    /// The grammar is of another version than the parser.
    #[must_use]
    pub fn parse(name: &str, text: &str) -> Self {
        let mut parser = Parser::new();
        let language = tree_sitter_powershell::LANGUAGE.into();
        let loaded = parser.set_language(&language);
        assert!(loaded.is_ok(), "the grammar and the parser fit together");
        let Some(tree) = parser.parse(text, None) else {
            unreachable!("there is a language and no time limit");
        };
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            tree,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines that are no PowerShell.
    #[must_use]
    pub fn errors(&self) -> Vec<usize> {
        self.nodes()
            .into_iter()
            .filter(|node| node.is_error() || node.is_missing())
            .map(line_of)
            .collect()
    }

    /// What it runs, in the order of the text.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        self.nodes()
            .into_iter()
            .filter(|node| node.kind() == "command")
            .map(|node| self.command(node))
            .collect()
    }

    /// The functions that it defines, with their parameters.
    #[must_use]
    pub fn functions(&self) -> BTreeMap<String, Vec<String>> {
        let functions = self.nodes().into_iter();
        functions
            .filter(|node| node.kind() == "function_statement")
            .filter_map(|node| {
                let name = self.first(node, "function_name")?;
                let parameters = descendants(node)
                    .into_iter()
                    .filter(|node| node.kind() == "script_parameter")
                    .filter_map(|parameter| self.first(parameter, "variable"))
                    .map(|variable| variable.trim_start_matches('$').to_owned());
                Some((name.to_owned(), parameters.collect()))
            })
            .collect()
    }

    fn command(&self, node: Node) -> Command {
        let parameters = descendants(node)
            .into_iter()
            .filter(|child| child.kind() == "command_parameter")
            .map(|child| self.of(child).trim_matches(['-', ':']).to_owned());
        Command {
            line: line_of(node),
            name: self
                .first(node, "command_name")
                .unwrap_or_default()
                .to_owned(),
            parameters: parameters.collect(),
            text: self.of(node).to_owned(),
        }
    }

    fn first(&self, node: Node, kind: &str) -> Option<&str> {
        let children: Vec<_> = node.children(&mut node.walk()).collect();
        let found = children.into_iter().find(|child| child.kind() == kind)?;
        Some(self.of(found))
    }

    fn of(&self, node: Node) -> &str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn nodes(&self) -> Vec<Node<'_>> {
        descendants(self.tree.root_node())
    }
}

fn line_of(node: Node) -> usize {
    node.start_position().row + 1
}

/// The node and all below it, in the order of the text.
fn descendants(node: Node) -> Vec<Node> {
    let mut ahead = vec![node];
    let mut passed = Vec::new();
    while let Some(node) = ahead.pop() {
        passed.push(node);
        let children: Vec<_> = node.children(&mut node.walk()).collect();
        ahead.extend(children.into_iter().rev());
    }
    passed
}
