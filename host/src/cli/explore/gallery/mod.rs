//! `gallery`: a list of drivers, each run in the same ways, as a table.

mod list;
mod row;
mod steps;
mod table;

use std::{
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    thread::available_parallelism,
};

use clap::Args;

use self::row::{Plan, Row};
use super::{
    super::{Devices, Exit, complain},
    progress::Bar,
};

/// The arguments of `gallery`.
#[derive(Debug, Args)]
#[command(after_help = list::HELP)]
pub(in super::super) struct Gallery {
    /// The list of drivers; see below
    #[arg(value_name = "LIST")]
    list: PathBuf,
    /// How many schedules are tried with each driver
    #[arg(long, value_name = "N", default_value_t = 1000)]
    seeds: u64,
    /// Number of threads [default: the number of processors]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    threads: Option<u32>,
    /// Where the scripts of the runs are written, which `replay` reads [default: LIST.scripts]
    #[arg(long, value_name = "DIRECTORY")]
    scripts: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Gallery {
    pub(in super::super) fn run(self, program: &str, devices: &'static dyn Devices) -> Exit {
        let entries = match list::read(&self.list) {
            Ok(entries) => entries,
            Err(error) => {
                complain(self.json, &error.to_string());
                return Exit::BadInput;
            }
        };
        let directory = self.scripts.clone().unwrap_or_else(|| {
            let mut name = self.list.clone().into_os_string();
            name.push(".scripts");
            PathBuf::from(name)
        });
        if let Err(error) = fs::create_dir_all(&directory) {
            complain(self.json, &format!("{}: {error}", directory.display()));
            return Exit::BadInput;
        }
        let plan = self.plan(program, devices, &directory);
        let bar = Bar::new(self.json);
        let rows: Result<Vec<_>, _> = entries
            .iter()
            .map(|entry| row::make(entry, &plan, &bar))
            .collect();
        bar.clear();
        let rows = match rows {
            Ok(rows) => rows,
            Err(text) => {
                complain(self.json, &text);
                return Exit::Usage;
            }
        };
        let exit = exit(&rows);
        if self.json {
            say!("{}", table::json(&rows, exit as u8));
        } else {
            say!("{}", table::markdown(&rows).trim_end());
        }
        exit
    }

    fn plan<'a>(
        &self,
        program: &'a str,
        devices: &'static dyn Devices,
        directory: &'a Path,
    ) -> Plan<'a> {
        Plan {
            program,
            devices,
            directory,
            seeds: self.seeds,
            threads: match self.threads {
                Some(threads) => threads as usize,
                None => available_parallelism().map_or(1, NonZero::get),
            },
        }
    }
}

/// How the program ends: as the first finding does, or else as the first file that was refused.
fn exit(rows: &[Row]) -> Exit {
    let found = rows.iter().flat_map(|row| &row.findings).next();
    let refused = rows
        .iter()
        .any(|row| row.image.is_err() || row.installed.is_err());
    match found {
        Some(found) => found.exit,
        None if refused => Exit::BadInput,
        None => Exit::Success,
    }
}
