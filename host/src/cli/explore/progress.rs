//! What a person sees while an exploration goes on.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for what is being done with the scenario of the moment.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar on a terminal, unless results are for programs.
    pub(super) fn new(json: bool) -> Self {
        let bar = if json || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        if let Ok(style) =
            ProgressStyle::with_template("{prefix:>24} {bar:30} {pos}/{len} {msg} {per_sec} {eta}")
        {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(super) fn show(&self, scenario: &str, what: &str, done: u64, total: u64) {
        if self.bar.prefix() != scenario || self.bar.message() != what {
            self.bar.reset();
            self.bar.set_prefix(scenario.to_owned());
            self.bar.set_message(what.to_owned());
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    /// Takes it away; the scenarios are done.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
