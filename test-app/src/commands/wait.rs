//! `eductl wait`: the inverted call. A request waits in the driver until there is an event.
//!
//! Nothing is lost between two requests, because each names the last event that was seen.

use std::{
    fmt,
    time::{Duration, Instant},
};

use edu_spec::wire;
use serde::Serialize;

use crate::{
    device::{CANCEL_GRACE, Error, Pending, Transfer, Wait},
    edu::Edu,
    exit::Exit,
    interrupted::{self, ASK_EVERY, is_interrupted},
    number::parse_u64,
    report::{Finding, Lines, Report},
};

/// Arguments of `eductl wait`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show the events after the one with this number; 0 shows all that the driver remembers [default:
    /// new events only]
    #[arg(long, value_name = "NUMBER", value_parser = parse_u64)]
    after: Option<u64>,

    /// The number of events to show; 0: until Ctrl-C
    #[arg(long, default_value_t = 1)]
    count: u64,
}

/// An event.
#[derive(Debug, Serialize)]
struct Found {
    number: u64,
    interrupt: u64,
    causes: u32,
    message: u32,
    missed: u64,
}

/// Shows each event as it comes. `timeout` is for each; without it only Ctrl-C ends the wait.
pub fn run(
    args: &Args,
    edu: &Edu,
    timeout: Option<Duration>,
    lines: Lines,
) -> Result<Report, Error> {
    interrupted::listen();
    let mut cursor = match args.after {
        Some(number) => number,
        None => edu.statistics()?.events,
    };
    let mut seen = 0;
    while args.count == 0 || seen < args.count {
        let Some(transfer) = wait(edu.submit_wait(cursor)?, timeout)? else {
            break;
        };
        let event = Edu::event(cursor, &transfer)?;
        cursor = event.number;
        seen += 1;
        if let Err(report) = lines.show(&Found::from(event)) {
            return Ok(report);
        }
    }
    Ok(Report::shown(Exit::Success))
}

/// The completion, or `None` after Ctrl-C. Whatever ends the wait, nothing stays pending.
fn wait(mut pending: Pending, timeout: Option<Duration>) -> Result<Option<Transfer>, Error> {
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let ask_again = Instant::now() + ASK_EVERY;
        pending = match pending.wait_until(deadline.map_or(ask_again, |at| at.min(ask_again))) {
            Wait::Ended(ended) => return ended.map(Some),
            Wait::TimedOut(pending) => pending,
        };
        if is_interrupted() {
            return take_back(pending);
        }
        if let (Some(at), Some(timeout)) = (deadline, timeout)
            && at <= Instant::now()
        {
            let seconds = timeout.as_secs_f64();
            return take_back(pending)?.map_or(Err(Error::NoEvent { seconds }), |transfer| {
                Ok(Some(transfer))
            });
        }
    }
}

/// Cancels a request; `None` when it is canceled, its result if that came first.
fn take_back(pending: Pending) -> Result<Option<Transfer>, Error> {
    pending.cancel()?;
    match pending.wait_until(Instant::now() + CANCEL_GRACE) {
        Wait::Ended(Ok(transfer)) => Ok(Some(transfer)),
        Wait::Ended(Err(Error::Failed(error))) if error.status.is_canceled() => Ok(None),
        Wait::Ended(Err(error)) => Err(error),
        Wait::TimedOut(_) => Err(Error::NoAnswer {
            seconds: CANCEL_GRACE.as_secs_f64(),
            canceled: false,
        }),
    }
}

impl From<wire::Event> for Found {
    fn from(event: wire::Event) -> Self {
        Self {
            number: event.number,
            interrupt: event.interrupt,
            causes: event.causes.bits(),
            message: event.message,
            missed: event.missed,
        }
    }
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        Exit::Success
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event {}: causes {:#010x}, message {}, interrupt {}",
            self.number, self.causes, self.message, self.interrupt
        )?;
        match self.missed {
            0 => Ok(()),
            missed => write!(f, "; {missed} before it MISSED, the driver forgot them"),
        }
    }
}
