//! What became of the requests.

use serde::Serialize;

use crate::device::Error;

/// How many problems are remembered; the others are only counted.
const REMEMBERED: usize = 10;

/// What became of the requests. Each submitted one is completed or lost; each completed one is
/// right, wrong or failed.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Sent to the driver.
    pub submitted: u64,
    /// Completed by the driver.
    pub completed: u64,
    /// Completed with n! modulo 2^32.
    pub right: u64,
    /// Completed with something else.
    pub wrong: u64,
    /// Completed with an error, or with a malformed reply.
    pub failed: u64,
    /// Not completed in time, or never, because host or device went away.
    pub lost: u64,
    /// The first problems.
    pub problems: Vec<Problem>,
    /// Why no more requests were sent before all were.
    pub ended_early: Option<Error>,
}

/// A request that is not right.
#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    /// Its index, from 0 on, in the order of sending.
    pub request: u64,
    /// Its operand.
    pub n: u32,
    /// What is wrong.
    #[serde(flatten)]
    pub kind: ProblemKind,
}

/// What is wrong with a request.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum ProblemKind {
    /// The result.
    Wrong {
        /// The device's.
        result: u32,
        /// Ours.
        expected: u32,
    },
    /// There is no result.
    NoResult {
        /// Why.
        error: Error,
    },
}

impl Tally {
    /// A request was completed with `result`.
    pub fn completed(&mut self, request: u64, n: u32, result: u32, expected: u32) {
        self.completed += 1;
        if result == expected {
            self.right += 1;
        } else {
            self.wrong += 1;
            self.remember(request, n, ProblemKind::Wrong { result, expected });
        }
    }

    /// A request has no result, because of `error`.
    pub fn no_result(&mut self, request: u64, n: u32, error: Error) {
        match error {
            Error::Failed(_) | Error::OutOfBounds { .. } | Error::Malformed { .. } => {
                self.completed += 1;
                self.failed += 1;
                self.remember(request, n, ProblemKind::NoResult { error });
            }
            Error::NoAnswer { .. } | Error::NoEvent { .. } => {
                self.lost += 1;
                self.ended_early.get_or_insert_with(|| error.clone());
                self.remember(request, n, ProblemKind::NoResult { error });
            }
            // The same for all requests in flight: said once is enough.
            Error::NoDevice { .. }
            | Error::NotOpened(_)
            | Error::Disconnected { .. }
            | Error::Unreadable { .. }
            | Error::Unwritable { .. } => {
                self.lost += 1;
                self.ended_early.get_or_insert(error);
            }
        }
    }

    fn remember(&mut self, request: u64, n: u32, kind: ProblemKind) {
        if self.problems.len() < REMEMBERED {
            self.problems.push(Problem { request, n, kind });
        }
    }
}
