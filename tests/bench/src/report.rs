//! The tables of what was counted and measured, for people; and a line of JSON for programs.

use std::{fmt::Display, time::Duration};

use serde_json::{Value, json};

use crate::{
    callbacks::{CALLBACKS, Cost, KINDS},
    exact::PerRequest,
    qemu::OnQemu,
    time::{Run, Spread, Times},
};

/// What was counted of one driver.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The driver's name.
    pub name: &'static str,
    /// What a request costs.
    pub exact: PerRequest,
    /// What an event of each of [`KINDS`] costs.
    pub costs: [Cost; KINDS.len()],
}

/// Which part of a run a line is about.
type PartOf = fn(&Run) -> Spread;

/// One line of a table: a name, and a value for each driver.
fn row<T, V: Display>(name: &str, of: &[T], value: impl Fn(&T) -> V) {
    print!("| {name} ");
    for item in of {
        print!("| {} ", value(item));
    }
    println!("|");
}

fn head(name: &str, names: &[&str]) {
    row(name, names, |name| *name);
    row("---", names, |_| "---");
}

fn microseconds(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

/// Prints what was counted.
pub fn counted(drivers: &[Counted]) {
    let names: Vec<_> = drivers.iter().map(|driver| driver.name).collect();
    head("exact", &names);
    row("image, bytes", drivers, |d| d.exact.image_bytes);
    for (kind, (event, _)) in KINDS.into_iter().enumerate() {
        for (index, callback) in CALLBACKS.into_iter().enumerate() {
            let count = |driver: &Counted| driver.costs[kind][index].instructions;
            if drivers.iter().any(|driver| count(driver) > 0) {
                let name = format!("{callback}, {event}: instructions");
                row(&name, drivers, count);
            }
        }
    }
    row("a factorial, all of it: instructions", drivers, |d| {
        d.exact.instructions
    });
    row("… ISR calls, DPCs", drivers, |d| {
        format!("{}, {}", d.exact.isr_calls, d.exact.dpcs)
    });
    row("… register reads, writes", drivers, |d| {
        format!("{}, {}", d.exact.reads, d.exact.writes)
    });
    row("… calls of framework and kernel", drivers, |d| {
        d.exact.calls
    });
    row("… pool allocations", drivers, |d| d.exact.allocations);
    println!();
}

/// Prints what was measured on the model.
pub fn measured(drivers: &[(&'static str, Times)]) {
    let names: Vec<_> = drivers.iter().map(|(name, _)| *name).collect();
    head("on the model, medians", &names);
    row("reading image, symbols and INF", drivers, |(_, times)| {
        microseconds(times.read.median)
    });
    let parts: [(&str, PartOf); 3] = [
        ("start to first completed request", |run| run.first),
        ("each request after it", |run| run.request),
        ("close, removal, unload", |run| run.end),
    ];
    for (name, part) in parts {
        row(name, drivers, |(_, times)| {
            microseconds(part(&times.checked).median)
        });
        row(
            &format!("… with the fewest checks: {name}"),
            drivers,
            |(_, times)| {
                let (with, without) = (part(&times.checked), part(&times.unchecked));
                let saved = 1.0 - without.median.as_secs_f64() / with.median.as_secs_f64();
                format!(
                    "{} ({:.0} % less)",
                    microseconds(without.median),
                    saved * 100.0
                )
            },
        );
    }
    row("runs a second, of one request", drivers, |(_, times)| {
        format!("{:.0}", times.checked.runs())
    });
    row(
        "… each with the schedule of a seed",
        drivers,
        |(_, times)| format!("{:.0}", times.schedules),
    );
    row(
        "… each with an interrupt at one boundary",
        drivers,
        |(_, times)| format!("{:.0}", times.boundaries),
    );
    row(
        "boundaries a second, in runs that interrupt at each",
        drivers,
        |(_, times)| format!("{:.0}", times.raised),
    );
    println!();
}

/// Prints what was measured on QEMU's device.
pub fn on_qemu(drivers: &[(&'static str, OnQemu)]) {
    let names: Vec<_> = drivers.iter().map(|(name, _)| *name).collect();
    head("on QEMU's edu, fastest turns", &names);
    row("round trip of one access", drivers, |(_, qemu)| {
        microseconds(qemu.round_trip.minimum)
    });
    row("floor of a request", drivers, |(_, qemu)| {
        format!(
            "{} ({} accesses)",
            microseconds(qemu.floor()),
            qemu.accesses
        )
    });
    row(
        "the same accesses by hand, and the wait",
        drivers,
        |(_, qemu)| microseconds(qemu.by_hand.minimum),
    );
    row("a request", drivers, |(_, qemu)| {
        microseconds(qemu.request.minimum)
    });
    row("… more than by hand", drivers, |(_, qemu)| {
        format!("{:.0} %", qemu.over(qemu.by_hand.minimum))
    });
    row("… more than the floor", drivers, |(_, qemu)| {
        format!("{:.0} %", qemu.over(qemu.floor()))
    });
    row("requests a second", drivers, |(_, qemu)| {
        format!("{:.0}", qemu.requests())
    });
    println!();
}

/// All of one driver as JSON.
#[must_use]
pub fn to_json(counted: &Counted, times: &Times, qemu: Option<&OnQemu>) -> Value {
    let costs: Vec<_> = KINDS
        .iter()
        .zip(&counted.costs)
        .map(|((event, _), [control, isr, dpc])| {
            json!({
                "event": event,
                "control": control.instructions,
                "isr": isr.instructions,
                "dpc": dpc.instructions,
            })
        })
        .collect();
    let us = |spread: Spread| spread.median.as_secs_f64() * 1e6;
    let fastest = |spread: Spread| spread.minimum.as_secs_f64() * 1e6;
    let run = |run: &Run| {
        json!({
            "start_to_first_request_us": us(run.first),
            "request_us": us(run.request),
            "end_us": us(run.end),
        })
    };
    let Counted { name, exact, .. } = counted;
    json!({
        "driver": name,
        "image_bytes": exact.image_bytes,
        "callback_instructions": costs,
        "instructions": exact.instructions,
        "isr_calls": exact.isr_calls,
        "dpcs": exact.dpcs,
        "register_reads": exact.reads,
        "register_writes": exact.writes,
        "calls": exact.calls,
        "read_us": us(times.read),
        "checks": run(&times.checked),
        "fewest_checks": run(&times.unchecked),
        "runs_per_second": times.checked.runs(),
        "schedules_per_second": times.schedules,
        "boundary_runs_per_second": times.boundaries,
        "interrupts_per_second": times.raised,
        "qemu": qemu.map(|qemu| json!({
            "round_trip_us": fastest(qemu.round_trip),
            "accesses": qemu.accesses,
            "by_hand_us": fastest(qemu.by_hand),
            "request_us": fastest(qemu.request),
        })),
    })
}
