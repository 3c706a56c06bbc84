//! `eductl cancel`: requests of each kind are canceled, and the device is usable after.

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

use edu_spec::registers::dma::USABLE_BYTES;
use serde::Serialize;

use crate::{
    device::{CANCEL_GRACE, Error, Pending, Transfer, Wait},
    edu::{Edu, factorial},
    exit::Exit,
    number::parse_u32,
    report::Finding,
};

/// Arguments of `eductl cancel`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operand of the factorial to cancel, so large that the device takes seconds; decimal, or
    /// hexadecimal after 0x
    #[arg(long, default_value = "1_000_000_000", value_parser = parse_u32)]
    n: u32,

    /// Time before each request is canceled, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(..=60_000))]
    delay: u64,
}

/// The factorial that shows whether the device is usable.
const USABLE_N: u32 = 5;

/// What became of the requests.
#[derive(Debug, Serialize)]
pub struct Found {
    requests: Vec<Canceled>,
    /// Whether liveness, a factorial and a read work afterwards.
    usable: bool,
    /// What does not work afterwards.
    problems: Vec<String>,
}

/// What became of one request.
#[derive(Debug, Serialize)]
struct Canceled {
    request: &'static str,
    outcome: Outcome,
    /// From the cancellation to the completion.
    milliseconds: f64,
    error: Option<Error>,
}

/// How a request ended that was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// With `STATUS_CANCELLED`.
    Canceled,
    /// It was completed with a result before.
    CompletedFirst,
    /// With another error, or not at all.
    Failed,
}

pub fn run(args: &Args, edu: &Edu) -> Result<Found, Error> {
    let delay = Duration::from_millis(args.delay);
    let newest = edu.statistics()?.events;
    let length = u32::try_from(USABLE_BYTES).unwrap_or(u32::MAX);
    let requests = vec![
        cancel("factorial", delay, edu.submit_factorial(args.n)?)?,
        cancel("wait", delay, edu.submit_wait(newest)?)?,
        cancel("read", delay, edu.device().read(0, length)?)?,
    ];
    let problems = problems(edu)?;
    Ok(Found {
        requests,
        usable: problems.is_empty(),
        problems,
    })
}

/// Cancels a request. Errors that no other request would survive are given as such.
fn cancel(request: &'static str, delay: Duration, pending: Pending) -> Result<Canceled, Error> {
    thread::sleep(delay);
    pending.cancel()?;
    let start = Instant::now();
    let ended = match pending.wait_until(start + CANCEL_GRACE) {
        Wait::Ended(ended) => ended,
        Wait::TimedOut(_) => Err(Error::NoAnswer {
            seconds: CANCEL_GRACE.as_secs_f64(),
            canceled: false,
        }),
    };
    let milliseconds = (start.elapsed().as_secs_f64() * 1e4).round() / 10.0;
    let (outcome, error) = match ended {
        Ok(Transfer { .. }) => (Outcome::CompletedFirst, None),
        Err(Error::Failed(error)) if error.status.is_canceled() => (Outcome::Canceled, None),
        Err(error @ Error::Disconnected { .. }) => return Err(error),
        Err(error) => (Outcome::Failed, Some(error)),
    };
    Ok(Canceled {
        request,
        outcome,
        milliseconds,
        error,
    })
}

/// What does not work any more. The device cannot abort what was canceled, so these wait for it to
/// come to an end.
fn problems(edu: &Edu) -> Result<Vec<String>, Error> {
    let alive = edu.liveness(USABLE_N).map(|read| read == !USABLE_N);
    let computes = edu
        .submit_factorial(USABLE_N)
        .and_then(|pending| pending.wait(edu.timeout()))
        .and_then(|transfer| Edu::factorial_result(&transfer))
        .map(|result| result == factorial(USABLE_N));
    let reads = edu.read(0, 1).map(|transfer| transfer.bytes == 1);
    let mut problems = Vec::new();
    for (what, right) in [
        ("liveness", alive),
        ("factorial", computes),
        ("read", reads),
    ] {
        match right {
            Ok(true) => {}
            Ok(false) => problems.push(format!("{what} gives a wrong result")),
            Err(error @ Error::Disconnected { .. }) => return Err(error),
            Err(error) => problems.push(format!("{what}: {error}")),
        }
    }
    Ok(problems)
}

impl Finding for Found {
    fn exit(&self) -> Exit {
        let failed = |request: &Canceled| request.outcome == Outcome::Failed;
        Exit::of_result(self.usable && !self.requests.iter().any(failed))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for request in &self.requests {
            writeln!(f, "{request}")?;
        }
        for problem in &self.problems {
            writeln!(f, "WRONG afterwards: {problem}")?;
        }
        if self.usable {
            f.write_str("afterwards liveness, factorial and read work")?;
        }
        Ok(())
    }
}

impl fmt::Display for Canceled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.request)?;
        match (self.outcome, &self.error) {
            (Outcome::Canceled, _) => {
                write!(
                    f,
                    "ended with STATUS_CANCELLED after {} ms",
                    self.milliseconds
                )
            }
            (Outcome::CompletedFirst, _) => f.write_str("completed before it was canceled"),
            (Outcome::Failed, Some(error)) => write!(f, "WRONG, {error}"),
            (Outcome::Failed, None) => f.write_str("WRONG"),
        }
    }
}
