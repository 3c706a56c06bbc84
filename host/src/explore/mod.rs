//! Exploration: the same scenario run in many ways, each of which can be replayed.

mod boundary;
mod coverage;
mod explorer;
mod failing;
mod hooks;
mod run;
mod scenario;
mod stepping;
mod visit;

pub use explorer::{CoverageReport, Explored, Finding, MOST_FINDINGS, Progress, Runs};
pub(crate) use hooks::Explorer;
pub use run::{Fails, Replayed, Target, Way};
pub use scenario::{Scenario, Stage, Wrong};
pub(crate) use stepping::Walk;
pub use visit::{Cause, Point};
