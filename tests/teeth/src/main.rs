//! `kmdf-teeth NAME`: runs the driver with a defect and prints the host's report.

use std::{env, process::ExitCode};

use edu_lab::EduDevices;
use kmdf_host::{
    cli::Devices,
    device::{DeviceError, PciFunction, trace::RegisterNames},
    explore::Scenario,
};
use kmdf_teeth::{
    bugs::{self, BUGS, Bug},
    compare,
    hunt::{HuntError, Hunter, verdict},
    scenarios,
};

/// The edu model, with the scenarios for the driver with defects.
struct TeethDevices;

impl Devices for TeethDevices {
    fn make(&self, spec: &str) -> Option<Result<Box<dyn PciFunction>, DeviceError>> {
        EduDevices.make(spec)
    }

    fn help(&self) -> &'static str {
        EduDevices.help()
    }

    fn register_names(&self) -> RegisterNames {
        EduDevices.register_names()
    }

    fn scenarios(&self) -> Vec<std::sync::Arc<dyn Scenario>> {
        scenarios::all()
    }
}

const HELP: &str = "\
Runs a KMDF driver with a defect, and prints how the host catches it.

  kmdf-teeth NAME           the defect of that name
  kmdf-teeth list           all defects
  kmdf-teeth compare [SEEDS]
                            how many runs each kind of schedule takes to find the defects that
                            the simplest order does not show, with SEEDS seeds at most [1000]
  kmdf-teeth run|explore|replay|check …
                            the commands of kmdf-host, with the scenarios of this driver

Exit codes of the first: 0 the host found what it must, 1 it did not, 3 the driver is not there.";

fn main() -> ExitCode {
    let first = env::args().nth(1).unwrap_or_default();
    if let Some(bug) = bugs::named(&first) {
        return show(bug).unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::from(3)
        });
    }
    match first.as_str() {
        "run" | "explore" | "replay" | "check" => kmdf_host::cli::main("kmdf-teeth", &TeethDevices),
        "compare" => compare(env::args().nth(2).as_deref()),
        "list" => {
            for bug in BUGS {
                println!("{:48} {}", bug.name, bug.about);
            }
            ExitCode::SUCCESS
        }
        "" | "help" | "--help" | "-h" => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        other => {
            eprintln!("error: there is no defect {other}; `kmdf-teeth list` lists them");
            ExitCode::from(2)
        }
    }
}

fn compare(seeds: Option<&str>) -> ExitCode {
    const SEEDS: u64 = 1000;
    let Ok(seeds) = seeds.map_or(Ok(SEEDS), str::parse) else {
        eprintln!("error: `kmdf-teeth compare` takes a number of seeds");
        return ExitCode::from(2);
    };
    match compare::table(seeds) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn show(bug: &Bug) -> Result<ExitCode, HuntError> {
    println!("{} ({}.c): {}", bug.name, bug.file(), bug.about);
    println!("looked for in `{}`: {}\n", bug.scenario, bug.hunt);
    let hunter = Hunter::of(bug)?;
    let Some(catch) = hunter.hunt(bug.hunt) else {
        println!("NOT FOUND");
        return Ok(ExitCode::from(1));
    };
    println!("{}", catch.wrong.to_string().trim_end());
    println!("\nreplay: {}", hunter.replay_command(catch.way));
    Ok(if bug.is_found_as(verdict(&catch.wrong)) {
        ExitCode::SUCCESS
    } else {
        println!("\nNOT what it must be found as: {:?}", bug.verdict);
        ExitCode::from(1)
    })
}
