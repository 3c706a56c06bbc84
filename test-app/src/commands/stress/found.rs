//! What a stress run found.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{
    Args,
    agreement::{Rise, disagreements},
    tally::{Problem, ProblemKind, Tally},
};
use crate::{commands::stats, exit::Exit, report::Finding};

/// What a stress run found.
#[derive(Debug, Serialize)]
pub struct Found {
    count: u64,
    depth: u16,
    threads: u16,
    seed: u64,
    max_n: u32,
    #[serde(flatten)]
    tally: Tally,
    seconds: f64,
    requests_per_second: f64,
    /// How far the driver's counters rose; null when they could not be read or fell.
    statistics: Option<stats::Found>,
    /// Whether the counters were compared with the requests.
    compared: bool,
    disagreements: Vec<String>,
}

impl Found {
    /// `rise` is `None` when the counters could not be read after the run.
    pub fn new(args: &Args, tally: Tally, rise: Option<Rise>, elapsed: Duration) -> Self {
        let compared = rise.is_some() && !args.shared;
        let disagreements = match &rise {
            Some(rise) if compared => disagreements(rise, &tally),
            _ => Vec::new(),
        };
        let seconds = elapsed.as_secs_f64();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a rate for people needs no 53 bits"
        )]
        let completed = tally.completed as f64;
        Self {
            count: args.count,
            depth: args.depth,
            threads: args.threads,
            seed: args.seed,
            max_n: args.max_n,
            seconds,
            requests_per_second: if seconds > 0.0 {
                (completed / seconds * 10.0).round() / 10.0
            } else {
                0.0
            },
            statistics: rise.and_then(Result::ok).map(stats::Found),
            tally,
            compared,
            disagreements,
        }
    }
}

impl Finding for Found {
    /// A wrong result weighs most; then what kept results from coming; then the counters.
    fn exit(&self) -> Exit {
        let Tally {
            wrong,
            failed,
            ended_early,
            ..
        } = &self.tally;
        match ended_early {
            _ if *wrong > 0 => Exit::WrongResult,
            Some(error) => error.exit(),
            None if *failed > 0 => Exit::RequestFailed,
            None if !self.disagreements.is_empty() => Exit::WrongResult,
            None => Exit::Success,
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        writeln!(
            f,
            "{} submitted, {} completed, {} lost",
            tally.submitted, tally.completed, tally.lost
        )?;
        writeln!(
            f,
            "of the completed: {} right, {} wrong, {} failed",
            tally.right, tally.wrong, tally.failed
        )?;
        writeln!(
            f,
            "{:.3} s, {:.0} requests a second (depth {}, threads {}, seed {})",
            self.seconds, self.requests_per_second, self.depth, self.threads, self.seed
        )?;
        for problem in &tally.problems {
            problem.fmt(f)?;
        }
        let troubled = tally.wrong + tally.failed + tally.lost;
        let shown = tally.problems.len() as u64;
        if shown > 0 && troubled > shown {
            writeln!(f, "  ... and {} more", troubled - shown)?;
        }
        if let Some(error) = &tally.ended_early {
            writeln!(
                f,
                "ended early, {} of {} sent: {error}",
                tally.submitted, self.count
            )?;
            if let Some(hint) = error.hint() {
                writeln!(f, "  hint: {hint}")?;
            }
        }
        if let Some(statistics) = &self.statistics {
            write!(f, "the driver's counters rose by:\n{statistics}")?;
        }
        for disagreement in &self.disagreements {
            writeln!(f, "DISAGREEMENT: {disagreement}")?;
        }
        if !self.disagreements.is_empty() {
            writeln!(
                f,
                "  hint: if another program used the device meanwhile, give --shared"
            )?;
        } else if self.compared {
            writeln!(f, "counters and requests agree")?;
        } else {
            writeln!(f, "counters and requests were not compared")?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  request {}: ", self.request)?;
        match &self.kind {
            ProblemKind::Wrong { result, expected } => writeln!(
                f,
                "WRONG, factorial {} is {expected} modulo 2^32, the device says {result}",
                self.n
            ),
            ProblemKind::NoResult { error } => writeln!(f, "factorial {}: {error}", self.n),
        }
    }
}
