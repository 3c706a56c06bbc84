//! `eductl watch`: the driver's counters, live.

use std::{
    fmt::{self, Write},
    time::{Duration, Instant},
};

use edu_spec::wire::Statistics;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Serialize, Serializer};

use super::stats::{COUNTERS, Found as Counters};
use crate::{
    device::Error,
    edu::Edu,
    exit::Exit,
    interrupted::{self, sleep_until},
    report::{Finding, Lines, Report},
};

/// Arguments of `eductl watch`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The interval between two readings, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    interval: u64,

    /// The number of intervals to watch; 0: until Ctrl-C
    #[arg(long, default_value_t = 0)]
    count: u64,
}

/// The counters at the end of an interval.
#[derive(Debug, Serialize)]
struct Found {
    /// Since the first reading.
    seconds: f64,
    counters: Counters,
    per_second: Rates,
}

/// How far each counter rose in an interval.
#[derive(Debug)]
struct Rates {
    before: Statistics,
    after: Statistics,
    elapsed: Duration,
}

/// Shows the counters after each interval: on a terminal in one place, else in one line.
pub fn run(args: &Args, edu: &Edu, lines: Lines) -> Result<Report, Error> {
    interrupted::listen();
    let interval = Duration::from_millis(args.interval);
    let screen = screen(lines);
    let first = Instant::now();
    let (mut before, mut read) = (edu.statistics()?, first);
    let mut deadline = first;
    let mut shown = 0;
    while args.count == 0 || shown < args.count {
        // From the first reading on, so that intervals do not drift; a late one is not made up for.
        deadline = (deadline + interval).max(Instant::now());
        if !sleep_until(deadline) {
            break;
        }
        let after = edu.statistics()?;
        let now = Instant::now();
        let found = Found {
            seconds: one_decimal(now.duration_since(first).as_secs_f64()),
            counters: Counters(after),
            per_second: Rates {
                before,
                after,
                elapsed: now.duration_since(read),
            },
        };
        if let Some(screen) = &screen {
            screen.set_message(found.table());
        } else if let Err(report) = lines.show(&found) {
            return Ok(report);
        }
        (before, read) = (after, now);
        shown += 1;
    }
    if let Some(screen) = screen {
        screen.abandon();
    }
    Ok(Report::shown(Exit::Success))
}

/// Standard output, if it is a terminal and people look at it.
fn screen(lines: Lines) -> Option<ProgressBar> {
    let screen = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    let style = ProgressStyle::with_template("{msg}").ok()?;
    (!lines.json && !screen.is_hidden()).then(|| screen.with_style(style))
}

fn one_decimal(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

impl Rates {
    /// Of each counter that there is: its name, and how far it rose each second. One that fell,
    /// because the device was started anew, did not rise.
    fn each(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let seconds = self.elapsed.as_secs_f64();
        COUNTERS.iter().map(move |counter| {
            let rise = (counter.value)(&self.after).saturating_sub((counter.value)(&self.before));
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate for people needs no 53 bits"
            )]
            let rate = if seconds > 0.0 {
                rise as f64 / seconds
            } else {
                0.0
            };
            (counter.name, one_decimal(rate))
        })
    }
}

impl Serialize for Rates {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.each())
    }
}

impl Found {
    /// For a terminal: every counter.
    fn table(&self) -> String {
        let mut table = format!(
            "{:>9.1} s {:>12}  counter (Ctrl-C ends)\n",
            self.seconds, "per second"
        );
        for (counter, (name, rate)) in COUNTERS.iter().zip(self.per_second.each()) {
            let value = (counter.value)(&self.counters.0);
            // Writing to a string cannot fail.
            let _ = writeln!(
                table,
                "{value:>11} {rate:>12.1}  {name:<22} {}",
                counter.meaning
            );
        }
        table.truncate(table.trim_end().len());
        table
    }
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::Success
    }
}

impl fmt::Display for Found {
    /// In one line: the counters that rose.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s:", self.seconds)?;
        let mut separator = " ";
        for (name, rate) in self.per_second.each().filter(|(_, rate)| *rate > 0.0) {
            write!(f, "{separator}{name} {rate:.1}/s")?;
            separator = ", ";
        }
        if separator == " " {
            f.write_str(" nothing happened")?;
        }
        Ok(())
    }
}
