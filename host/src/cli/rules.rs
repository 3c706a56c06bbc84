//! `rules`: what every run checks.

use clap::Args;
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
        let rules: Vec<_> = crate::rules().collect();
        if self.json {
            println!("{}", json!({ "rules": rules }));
            return Exit::Success;
        }
        let mut family = None;
        for rule in rules {
            if family.replace(rule.family) != Some(rule.family) {
                println!("{}", rule.family);
            }
            println!("  {}", rule.name);
            println!("      {}", rule.statement);
            println!("      from: {}", rule.source);
        }
        Exit::Success
    }
}
