//! Sends the requests, many at a time, and judges each result.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use edu_spec::wire::Statistics;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::{
    Args, Found,
    agreement::{self, Rise},
    tally::Tally,
};
use crate::{
    device::{Error, Pending},
    edu::{Edu, factorial},
};

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let before = edu.statistics()?;
    let run = Run {
        args,
        edu,
        next: AtomicU64::new(0),
        stopped: AtomicBool::new(false),
        tally: Mutex::default(),
        progress: progress_bar(args.count),
    };
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..args.threads {
            scope.spawn(|| run.work());
        }
    });
    let elapsed = start.elapsed();
    run.progress.finish_and_clear();
    let mut tally = run
        .tally
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let statistics = match settled_rise(args, edu, &before, &tally) {
        Ok(rise) => Some(rise),
        Err(error) => {
            tally.ended_early.get_or_insert(error);
            None
        }
    };
    Ok(Found::new(args, tally, statistics, elapsed))
}

/// How often the counters are read again while they do not agree with the requests.
const READ_AGAIN: usize = 10;

/// How long lies between two readings.
const SETTLING: Duration = Duration::from_millis(20);

/// How far the counters rose. The last DPC or work item may have been queued while the one that
/// completed the last request was running, and then it has not run yet: so they are given time.
fn settled_rise(args: &Args, edu: &Edu, before: &Statistics, tally: &Tally) -> Result<Rise, Error> {
    let mut rise = agreement::rise(before, &edu.statistics()?);
    for _ in 0..READ_AGAIN {
        if args.shared || rise.is_err() || agreement::disagreements(&rise, tally).is_empty() {
            break;
        }
        thread::sleep(SETTLING);
        rise = agreement::rise(before, &edu.statistics()?);
    }
    Ok(rise)
}

/// Drawn to standard error, if that is a terminal.
fn progress_bar(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count).with_message(troubles(&Tally::default()));
    match ProgressStyle::with_template("{bar:30} {pos}/{len}, {rate}, {eta} left, {msg}") {
        Ok(style) => bar.with_style(style.with_key(
            "rate",
            |state: &ProgressState, out: &mut dyn fmt::Write| {
                // A failure only leaves a gap in the line.
                let _ = write!(out, "{:.0}/s", state.per_sec());
            },
        )),
        Err(_) => bar,
    }
}

fn troubles(tally: &Tally) -> String {
    format!("{} wrong, {} failed", tally.wrong, tally.failed)
}

/// What the threads of a run share.
struct Run<'a> {
    args: &'a Args,
    edu: &'a Edu,
    /// Index of the next request to be sent.
    next: AtomicU64,
    /// No more requests are to be sent.
    stopped: AtomicBool,
    tally: Mutex<Tally>,
    progress: ProgressBar,
}

/// A request that was sent.
struct InFlight {
    index: u64,
    n: u32,
    sent: Instant,
    pending: Pending,
}

impl Run<'_> {
    /// What each thread does: keep `depth` requests in flight until all were sent, and wait for
    /// them, the oldest first.
    fn work(&self) {
        let mut in_flight = VecDeque::with_capacity(self.args.depth.into());
        loop {
            while in_flight.len() < self.args.depth.into() {
                let Some(request) = self.submit() else { break };
                in_flight.push_back(request);
            }
            let Some(request) = in_flight.pop_front() else {
                return;
            };
            self.finish(request);
        }
    }

    /// Sends the next request, if there is one to be sent and it can be.
    fn submit(&self) -> Option<InFlight> {
        loop {
            if self.stopped.load(Ordering::Relaxed) {
                return None;
            }
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.args.count {
                return None;
            }
            let n = self.args.operand(index);
            let sent = Instant::now();
            self.tally(|tally| tally.submitted += 1);
            match self.edu.submit_factorial(n) {
                Ok(pending) => {
                    return Some(InFlight {
                        index,
                        n,
                        sent,
                        pending,
                    });
                }
                Err(error) => self.no_result(index, n, error),
            }
        }
    }

    fn finish(&self, request: InFlight) {
        let InFlight {
            index,
            n,
            sent,
            pending,
        } = request;
        let ended = pending
            .wait_since(sent, self.edu.timeout())
            .and_then(|transfer| Edu::factorial_result(&transfer));
        match ended {
            Ok(result) => self.note(|tally| tally.completed(index, n, result, factorial(n))),
            Err(error) => self.no_result(index, n, error),
        }
    }

    fn no_result(&self, index: u64, n: u32, error: Error) {
        self.note(|tally| tally.no_result(index, n, error));
        if self.tally(|tally| tally.ended_early.is_some()) {
            self.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Takes note of the end of a request.
    fn note(&self, end: impl FnOnce(&mut Tally)) {
        let troubled = self.tally(|tally| {
            let before = tally.right;
            end(tally);
            (tally.right == before).then(|| troubles(tally))
        });
        if let Some(message) = troubled {
            self.progress.set_message(message);
        }
        self.progress.inc(1);
    }

    fn tally<T>(&self, note: impl FnOnce(&mut Tally) -> T) -> T {
        // Counts are whole after each note, so a panic of another thread spoils nothing.
        note(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
