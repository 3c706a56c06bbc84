//! `check`: what a driver needs, and what of it this host plays.

use std::path::PathBuf;

use clap::Args;
use kmdf_framework::needs::{Needs, played_of_framework};
use kmdf_image::{BindInfo, Image};
use serde_json::json;

use super::{Exit, complain};

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
        if self.json {
            let json = json!({
                "driver": image.file(),
                "kmdf": format!("{}.{}", info.major, info.minor),
                "imports": needs.imports,
                "framework": needs.framework,
                "missing": missing,
                "table": table.map(|(count, played)| json!({ "functions": count, "played": played })),
            });
            say!("{json}");
        } else {
            self.print(image.file(), &info, &needs, table);
        }
        if missing == 0 {
            Exit::Success
        } else {
            Exit::NotPlayed
        }
    }

    /// Prints the result for a person; of the framework's functions, how many there are and are played.
    fn print(&self, file: &str, info: &BindInfo, needs: &Needs, table: Option<(usize, usize)>) {
        let missing = needs.missing().count();
        let all = needs.imports.iter().chain(&needs.framework);
        say!(
            "{file}: KMDF {}.{}, {} imports, {} functions of the framework: {} played, {missing} not",
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
            say!("  {played}  {}!{}{area}", need.library, need.name);
        }
        match missing {
            0 => say!("this host plays all of them"),
            1 => say!("this host does not play one of them; calling it ends a run"),
            _ => say!("this host does not play {missing} of them; calling one ends a run"),
        }
        if let Some((count, played)) = table {
            say!(
                "of the {count} functions of KMDF {}.{} it plays {played}",
                info.major,
                info.minor
            );
        }
    }

    fn refuse(&self, text: &str) -> Exit {
        complain(self.json, text);
        Exit::BadInput
    }
}
