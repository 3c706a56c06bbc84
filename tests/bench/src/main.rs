//! `edu-bench`: counts and measures, and prints tables. `--json` prints one line for each driver instead.
//! `--without-qemu` measures nothing on QEMU's device.

use std::process::ExitCode;

use edu_bench::{
    callbacks, drivers, exact, qemu,
    report::{self, Counted},
    time,
};
use kmdf_host::explore::Wrong;

fn main() -> ExitCode {
    let has = |option: &str| std::env::args().any(|argument| argument == option);
    match all(has("--json"), !has("--without-qemu")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            eprintln!("error: {wrong}\n  next: `sh scripts/bench.sh` builds what is measured");
            ExitCode::FAILURE
        }
    }
}

fn all(json: bool, on_qemu: bool) -> Result<(), Wrong> {
    let (mut counts, mut times, mut qemus) = (Vec::new(), Vec::new(), Vec::new());
    for subject in drivers::all() {
        let counted = Counted {
            name: subject.name,
            exact: exact::per_request(&subject)?,
            costs: callbacks::all(&subject)?,
        };
        if on_qemu {
            qemus.push((subject.name, qemu::measure(&subject, &counted.exact)?));
        }
        times.push((subject.name, time::measure(&subject)?));
        counts.push(counted);
    }
    if json {
        for (index, (counted, (_, times))) in counts.iter().zip(&times).enumerate() {
            let qemu = qemus.get(index).map(|(_, qemu)| qemu);
            println!("{}", report::to_json(counted, times, qemu));
        }
        return Ok(());
    }
    report::counted(&counts);
    report::measured(&times);
    if on_qemu {
        report::on_qemu(&qemus);
    }
    Ok(())
}
