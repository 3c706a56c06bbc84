//! `check`: what a driver needs, and what of it this host plays.

use std::{fmt::Write as _, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::{Exit, complain};
use crate::{
    image::{BindInfo, Image},
    needs::{Needs, played_of_framework},
};

/// The arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The driver's image, a .sys file for x64
    #[arg(value_name = "FILE.sys")]
    driver: PathBuf,
    /// List what this host plays, too
    #[arg(long)]
    all: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self) -> Exit {
        let image = match Image::read(&self.driver) {
            Ok(image) => image,
            Err(error) => return self.refuse(&error.to_string()),
        };
        let Some(info) = image.bind_info() else {
            return self.refuse(&format!(
                "{}: no KMDF driver: it does not bind to the framework (KmdfLibrary)",
                image.file()
            ));
        };
        let needs = Needs::of(&image);
        let missing = needs.missing().count();
        let table = played_of_framework(info.minor);
        let text = if self.json {
            let json = json!({
                "driver": image.file(),
                "kmdf": format!("{}.{}", info.major, info.minor),
                "imports": needs.imports,
                "framework": needs.framework,
                "missing": missing,
                "table": table.map(|(count, played)| json!({ "functions": count, "played": played })),
            });
            json.to_string() + "\n"
        } else {
            self.describe(image.file(), &info, &needs)
        };
        say!("{}", text.trim_end());
        if missing == 0 {
            Exit::Success
        } else {
            Exit::NotPlayed
        }
    }

    /// The result for a person. Writing to a string cannot fail.
    fn describe(&self, file: &str, info: &BindInfo, needs: &Needs) -> String {
        let missing = needs.missing().count();
        let all = needs.imports.iter().chain(&needs.framework);
        let mut text = format!(
            "{file}: KMDF {}.{}, {} imports, {} functions of the framework: {} played, {missing} not\n",
            info.major,
            info.minor,
            needs.imports.len(),
            needs.framework.len(),
            all.clone().count() - missing
        );
        for need in all.filter(|need| self.all || !need.played) {
            let played = if need.played {
                "played    "
            } else {
                "NOT PLAYED"
            };
            let area = need
                .area
                .map_or_else(String::new, |area| format!(" ({area})"));
            let _ = writeln!(text, "  {played}  {}!{}{area}", need.library, need.name);
        }
        let sum = match missing {
            0 => "this host plays all of them".to_owned(),
            1 => "this host does not play one of them; calling it ends a run".to_owned(),
            _ => format!("this host does not play {missing} of them; calling one ends a run"),
        };
        let _ = writeln!(text, "{sum}");
        if let Some((count, played)) = played_of_framework(info.minor) {
            let _ = writeln!(
                text,
                "of the {count} functions of KMDF {}.{} it plays {played}",
                info.major, info.minor
            );
        }
        text
    }

    fn refuse(&self, text: &str) -> Exit {
        complain(self.json, text);
        Exit::BadInput
    }
}
