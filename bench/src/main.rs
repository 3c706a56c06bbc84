//! `edu-bench`: measures, and prints a table; with `--json`, a line for programs.

use std::process::ExitCode;

use edu_bench::{
    drivers,
    exact::{self, PerRequest},
    time::{self, Spread, Times},
};
use kmdf_host::explore::Wrong;
use serde_json::json;

fn main() -> ExitCode {
    let json = std::env::args().any(|argument| argument == "--json");
    match all(json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("error: {wrong}\n  next: `sh scripts/bench.sh` builds what is measured");
            ExitCode::FAILURE
        }
    }
}

fn all(json: bool) -> Result<(), Wrong> {
    for subject in drivers::all() {
        let exact = exact::per_request(&subject)?;
        let times = time::measure(&subject)?;
        if json {
            println!("{}", to_json(subject.name, &exact, &times));
        } else {
            print(subject.name, &exact, &times);
        }
    }
    Ok(())
}

fn microseconds(spread: Spread) -> String {
    format!(
        "{} µs (at best {})",
        spread.median.as_micros(),
        spread.minimum.as_micros()
    )
}

fn print(name: &str, exact: &PerRequest, times: &Times) {
    println!("{name}, {} bytes", exact.image_bytes);
    println!("  exact, for one factorial");
    println!("    driver instructions         {}", exact.instructions);
    println!("    ISR and DPC alone           {}", exact.of_interrupt);
    println!(
        "    ISR calls, DPCs             {}, {}",
        exact.isr_calls, exact.dpcs
    );
    println!(
        "    register reads, writes      {}, {}",
        exact.reads, exact.writes
    );
    println!("    framework and kernel calls  {}", exact.calls);
    println!("  measured");
    println!(
        "    reading the driver's files  {}",
        microseconds(times.read)
    );
    println!(
        "    start, a request, unload    {}",
        microseconds(times.one)
    );
    println!("    requests a second           {:.0}", times.requests());
    println!("    runs a second, plain        {:.0}", times.runs());
    println!("    runs a second, seeds        {:.0}", times.schedules);
    println!("    runs a second, boundaries   {:.0}\n", times.boundaries);
}

fn to_json(name: &str, exact: &PerRequest, times: &Times) -> serde_json::Value {
    json!({
        "driver": name,
        "image_bytes": exact.image_bytes,
        "instructions": exact.instructions,
        "interrupt_instructions": exact.of_interrupt,
        "isr_calls": exact.isr_calls,
        "dpcs": exact.dpcs,
        "register_reads": exact.reads,
        "register_writes": exact.writes,
        "calls": exact.calls,
        "read_us": times.read.median.as_secs_f64() * 1e6,
        "run_us": times.one.median.as_secs_f64() * 1e6,
        "requests_per_second": times.requests(),
        "runs_per_second": times.runs(),
        "schedules_per_second": times.schedules,
        "boundary_runs_per_second": times.boundaries,
    })
}
