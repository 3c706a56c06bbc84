//! `rules`: what every run checks.

use std::fmt::Write as _;

use clap::Args;
use kmdf_rules::Rule;
use serde_json::json;

use super::Exit;

/// The arguments of `rules`.
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// Print the rules as JSON
    #[arg(long)]
    json: bool,
}

impl Rules {
    pub(super) fn run(&self) -> Exit {
        let rules: Vec<_> = kmdf_rules::rules().collect();
        let text = if self.json {
            json!({ "rules": rules }).to_string()
        } else {
            table(&rules)
        };
        say!("{}", text.trim_end());
        Exit::Success
    }
}

fn table(rules: &[&Rule]) -> String {
    let mut text = String::new();
    let mut family = None;
    for rule in rules {
        if family.replace(rule.family) != Some(rule.family) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", rule.family);
        }
        let _ = writeln!(
            text,
            "  {}\n      {}\n      whose: {}\n      from: {}",
            rule.name, rule.statement, rule.origin, rule.source
        );
    }
    text
}
